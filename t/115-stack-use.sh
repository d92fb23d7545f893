#!/usr/bin/env bash
# What a profile tells of the stack that runs use, of a program that uses known amounts of it; and that measuring does no
# harm where there is little stack.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
stingy=$(realpath "${STINGY:-${builddir:-.}/stingy}")
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

# measure WAY...: a profile of runs; its figures in $work/used.
measure()
{
	rm -f ./*.trace
	bare "$progdir/runs" "$@" >bare.out || return 1
	profiled runs "$progdir/runs" "$@" >out 2>err || { cat err; return 1; }
	same bare.out out && "$progdir/tracedump" runs.*.trace | sed -n 's/^stack used=\([0-9]*\) .*/\1/p' >used
	echo "$(wc -l <used) measured: $(sort -n used | uniq -c | tr '\n' ';')"
	[ "$(wc -l <used)" -ge 20 ]
}

# within KIB...: each figure is one of these amounts, and at most 2 KiB more; and all amounts were seen.
within()
{
	awk -v wanted="$*" '
		BEGIN { n = split(wanted, amount, " ") }
		{ good = 0
		  for (i = 1; i <= n; i++) if ($1 >= amount[i] * 1024 && $1 < (amount[i] + 2) * 1024) good = seen[i] = 1
		  if (!good) { print $1, "is none of", wanted; bad = 1 } }
		END { for (i = 1; i <= n; i++) if (!seen[i]) { print "never", amount[i], "KiB"; bad = 1 }
		      exit bad }' used
}

is_right()
{
	measure "$@" && within 1 10 40
}
tap_ok "in the main thread, where some of it was never used before" is_right stack
tap_ok "in another thread" is_right stack thread
tap_ok "in announced stages" is_right announced

# unharmed: nothing is measured where something else could be below, and nothing is spoilt.
unharmed()
{
	rm -f ./*.trace
	profiled runs "$progdir/runs" inside >out 2>err || { cat out err; return 1; }
	grep -qx 'done' out && ! "$progdir/tracedump" runs.*.trace | grep '^stack '
}
tap_ok "in a coroutine whose stack is part of the thread's, nothing is touched" unharmed

# with_limit KIB: little stack for all of the process.
with_limit()
(
	ulimit -s "$1" && measure stack
)
tap_ok "with 128 KiB of stack" with_limit 128

# tells_by_stage: a stage's figures are its own.
tells_by_stage()
{
	measure announced && "$stingy" graph runs.*.trace >shown || return 1
	cat shown
	for stage in use_little:1 use_some:10 use_much:40; do
		awk -v name="${stage%:*}" -v kib="${stage#*:}" '$NF == name && NF == 12 {
			found = $10 >= kib * 1024 && $10 < (kib + 2) * 1024 } END { exit !found }' shown || return 1
	done
}
tap_ok "the graph has each announced stage's" tells_by_stage
tap_done
