#!/bin/sh
# Counts what `make check` left in its .trs files below the directory given: prints what failed, then one line of totals.
# Fails if anything failed or nothing ran.
results=$(find "${1:-.}/t" -name '*.trs' -exec grep -H '^:test-result:' {} +)
printf '%s\n' "$results" | grep -E ':test-result: (FAIL|ERROR|XPASS)' | sed 's/:test-result:/:/'
printf '%s\n' "$results" | awk '
	/:test-result: (PASS|XFAIL)/ { passed++ }
	/:test-result: (FAIL|ERROR|XPASS)/ { failed++ }
	/:test-result: SKIP/ { skipped++ }
	END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit failed || !passed }'
