#!/usr/bin/env bash
# Forks where the library once broke its program: a signal handler that forked while a fork was being prepared hung, or
# took the objects of the first one's child; a child of a process with as many mappings as it may have was ended.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

forks=$progdir/forks

profiled sites "$forks" crowded >/dev/null || tap_bail "cannot profile"
first_trace sites first
solve first -v home=1 -v spare=200 >good

# children_live MODE: they find what was there, and nothing is said but by the report.
children_live()
{
	bare "$forks" "$1" >bare.out || return 1
	STINGY_REPORT=1 managed "$work/good" "$forks" "$1" >out 2>err || { echo "exit status $?"; cat err; return 1; }
	cat err
	same bare.out out && [ "$(grep -vc ' from the arena, ' err)" -eq 0 ] && [ "$(served err)" -ge 200 ]
}
tap_ok "a signal handler forks while a fork is being prepared" children_live amid
tap_ok "forks with as many mappings as the kernel allows" children_live crowded

traces_are_whole()
{
	bare "$forks" amid >bare.out || return 1
	profiled amid "$forks" amid >out || { echo "exit status $?"; return 1; }
	"$progdir/tracedump" amid.*.trace >dump && same bare.out out && [ "$(grep -c '^trace ' dump)" -eq 41 ]
}
tap_ok "the same signal handler under the profiling library: each process has a whole trace" traces_are_whole

# The child begins a trace of its own by system calls, which the profiling library records in a turn.
forks_in_a_turn()
{
	bare "$progdir/epolls" children >bare.out || return 1
	profiled turn "$progdir/epolls" children >out || { echo "exit status $?"; return 1; }
	"$progdir/tracedump" turn.*.trace >dump && same bare.out out && [ "$(grep -c '^trace ' dump)" -eq 2 ]
}
tap_ok "a fork in a turn of the loop under the profiling library: each process has a whole trace" forks_in_a_turn

export STINGY_PAGES=explicit
if has_pool 1; then
	tap_ok "the same signal handler, on explicit pages" children_live amid
else
	tap_skip "the same signal handler, on explicit pages" "the kernel's pool cannot be had"
fi

tap_done
