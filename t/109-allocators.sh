#!/usr/bin/env bash
# Other allocators behind ours: what a program observes is what it observes under the other one alone.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

entry=$progdir/entry
profiled entry "$entry" portable >/dev/null || tap_bail "cannot profile"
solve entry -v depth=2 -v home=1 >manifest
profiled threads "$progdir/threads" stress 1 >/dev/null
solve threads -v depth=2 -v home=1 -v slots=500 >threads.manifest

# agrees LIBRARY'S FUNCTION AND ITS ARGUMENT
agrees()
{
	"$1" "$2" "$entry" portable >out 2>err || { echo "exit status $?"; cat err; return 1; }
	same alone.out out && [ ! -s err ]
}

stress()
{
	managed "$work/threads.manifest" "$progdir/threads" stress 1 >out 2>err || { cat err; return 1; }
	grep -q 'all objects whole' out
}

for name in libjemalloc.so.2 libmimalloc.so.2 libtcmalloc_minimal.so.4; do
	if ! env LD_PRELOAD="$name" true 2>&1 | cmp -s - /dev/null; then
		tap_skip "$name" "is not installed"
		continue
	fi
	bare env LD_PRELOAD="$name" "$entry" portable >alone.out 2>/dev/null
	status=$?
	if [ $status -ne 0 ]; then
		tap_skip "$name" "the program does not run with it alone: exit status $status"
		continue
	fi
	preload_too=$name
	tap_ok "$name behind the profiling library" agrees profiled entry-2
	tap_ok "$name behind the production library without a manifest" agrees managed ""
	tap_ok "$name behind the production library, sites served" agrees managed "$work/manifest"
	STINGY_REPORT=1 managed "$work/manifest" "$entry" portable 2>err >/dev/null
	tap_ok "$name: some of it from the arena" test "$(served err)" -gt 500
	tap_note "$(served err) of $(allocations err) allocations"
	tap_ok "$name: threads" stress
	preload_too=
done

tap_done
