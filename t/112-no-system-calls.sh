#!/usr/bin/env bash
# Servers confine themselves to the system calls that they know: once the arena is in place, libstingy.so makes none.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

silent=$progdir/silent
ulimit -c 0
bare "$silent" >out
case $(cat out) in
silent) ;;
"no seccomp") tap_skip "no system calls" "the kernel has no seccomp"; tap_done ;;
*) tap_bail "the program itself makes system calls" ;;
esac

# The profile ends where the profiler makes a system call of its own, for which the program is killed: late enough.
profiled silent "$silent" >/dev/null 2>&1
solve silent -v home=1 -v largest=1000 -v spare=100 >manifest
tap_is "the profile has the two places" "$(grep -c '^site' manifest)" 2

is_silent()
{
	managed "$work/manifest" "$silent" "$@" >out 2>err
	local status=$?
	cat out err
	[ "$status" -eq 0 ] && [ "$(cat out)" = silent ] && [ ! -s err ]
}
tap_ok "served: no system call" is_silent
sed -i 's/count=[0-9]*/count=10/' manifest
tap_ok "regions full: no system call" is_silent
# Keys of two addresses, for which a thread's stack has to be known, if it is walked.
solve silent -v home=1 -v largest=1000 -v spare=100 -v depth=2 >manifest
tap_ok "served by keys that are walked: no system call" is_silent
tap_ok "in another thread: none that asks for its stack" is_silent thread
sed 's/arenas=1/arenas=2/' manifest >two
mv two manifest
tap_ok "in another thread, with an arena of its own: none either" is_silent thread
export STINGY_DRY_RUN=1
tap_ok "in a dry run: no system call" is_silent

tap_done
