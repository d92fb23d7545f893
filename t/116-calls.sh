#!/usr/bin/env bash
# What a profile tells of system calls: each one, with its chain; what it cost, where that is wanted; and the same in
# band, to a program that asks.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
stingy=$(realpath "${STINGY:-${builddir:-.}/stingy}")
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

# record [SETTING]: a profile of runs calls; its system calls, as the graph tells of them, in $work/calls.
record()
{
	rm -f ./*.trace
	bare "$progdir/runs" calls >bare.out || return 1
	profiled runs env "$@" "$progdir/runs" calls >out 2>err || { cat err; return 1; }
	same bare.out out && "$stingy" graph --calls runs.*.trace >calls && cat calls
}

# counts NAME=NUMBER...: of the calls in one stage.
counts()
{
	local wanted
	for wanted; do
		[ "$(awk -v name="${wanted%=*}" '$NF == name { print $2 }' calls)" = "${wanted#*=}" ] ||
			{ echo "not $wanted"; return 1; }
	done
}

all_are_there()
{
	record && counts openat=50 fstat=50 pread64=50 close=50 nanosleep=5 && grep -q 'make_calls\|runs+0x\|run: ' calls
}
tap_ok "every call is counted, in a stage that allocates nothing" all_are_there

# columns: calls, per run, us each, longest, blocked, faults, switches
costs_are_not_measured()
{
	record && awk '$NF == "nanosleep" { found = $6 == "-" && $7 == "-" && $8 == "-" && $4 >= 2000 } END { exit !found }' calls
}
tap_ok "time is measured, and nothing else by default" costs_are_not_measured

costs_are_measured()
{
	record STINGY_CALLS=full &&
		awk '$NF == "nanosleep" { found = $6 >= 1800 && $8 >= 5 } END { exit !found }' calls &&
		awk '$NF == "fstat" { found = $6 < 1000 } END { exit !found }' calls
}
tap_ok "STINGY_CALLS=full: a sleep is blocked for its time, and switches" costs_are_measured

only_allocations()
{
	rm -f ./*.trace
	profiled runs env STINGY_ONLY_ALLOCATIONS=1 "$progdir/runs" calls >out 2>err || { cat err; return 1; }
	"$progdir/tracedump" runs.*.trace >dump && grep -q '^alloc ' dump && ! grep -q '^\(call\|turn\|wait\|stack\) ' dump
}
tap_ok "STINGY_ONLY_ALLOCATIONS: allocations are recorded, no call and no turn" only_allocations

# tells_in_band [SETTING]
tells_in_band()
{
	profiled told env "$@" "$progdir/runs" told >out 2>err </dev/null || { cat err; return 1; }
	cat >wanted <<-END
		20 calls, the last is lseek
		sleep: took time for 5 ms, blocked most of it, switched context
		sums: of all
		switched off: 21 calls
	END
	same wanted out
}
tap_ok "in band: a program is told of its own calls, until it switches that off" tells_in_band
tap_ok "also where only allocations are recorded" tells_in_band STINGY_ONLY_ALLOCATIONS=1

tap_is "in band: nobody tells without the library" "$(bare "$progdir/runs" told)" "nobody tells"
tap_is "in band: nobody tells in production" "$(managed "" "$progdir/runs" told 2>/dev/null)" "nobody tells"
tap_done
