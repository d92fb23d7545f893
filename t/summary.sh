#!/bin/sh
# Counts what `make check` left below the directory given: prints what failed, each with what it said, then one line of
# totals.
# Fails if anything failed or nothing ran.
results=$(find "${1:-.}/t" -name '*.trs' -exec grep -H '^:test-result:' {} +)
printf '%s\n' "$results" | grep -E ':test-result: (FAIL|ERROR|XPASS)' | while IFS= read -r failed; do
	printf '%s\n' "$failed" | sed 's/:test-result:/:/'
	number=$(printf '%s\n' "$failed" | sed -n 's/.*:test-result: [A-Z]* \([0-9]*\) .*/\1/p')
	[ -z "$number" ] || sed -n "/^not ok $number /,/^\(not \)*ok /{ /^#/p; }" "${failed%%.trs:*}.log" | head -n 40
done
printf '%s\n' "$results" | awk '
	/:test-result: (PASS|XFAIL)/ { passed++ }
	/:test-result: (FAIL|ERROR|XPASS)/ { failed++ }
	/:test-result: SKIP/ { skipped++ }
	END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit failed || !passed }'
