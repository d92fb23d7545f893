#!/usr/bin/env bash
# Other allocators behind ours: what a program observes is what it observes under the other one alone.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

for program in entry moves; do
	profiled $program "$progdir/$program" portable >/dev/null 2>&1 || tap_bail "cannot profile"
	solve $program -v depth=2 -v home=1 >$program.manifest
done
profiled threads "$progdir/threads" stress 1 >/dev/null
solve threads -v depth=2 -v home=1 -v slots=500 >threads.manifest

# agrees LIBRARY'S FUNCTION AND ITS ARGUMENT: whether $program prints what it does without the library.
agrees()
{
	"$1" "$2" "$progdir/$program" portable >out 2>err || { echo "exit status $?"; cat err; return 1; }
	same alone.out out && ! grep '^stingy' err
}

# one_program NAME ALLOCATOR
one_program()
{
	local program=$1
	bare env LD_PRELOAD="$2" "$progdir/$program" portable >alone.out 2>/dev/null ||
		tap_bail "'$program' does not run with $2 alone"
	tap_ok "$program: $2 behind the profiling library" agrees profiled "$program-2"
	tap_ok "$program: $2 behind the production library without a manifest" agrees managed ""
	tap_ok "$program: $2 behind the production library, sites served" agrees managed "$work/$program.manifest"
	STINGY_REPORT=1 managed "$work/$program.manifest" "$progdir/$program" portable 2>err >/dev/null
	tap_ok "$program: some of it from the arena" test "$(served err)" -gt 50
	tap_note "$(served err) of $(allocations err) allocations"
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
	preload_too=$name
	one_program entry "$name"
	one_program moves "$name"
	tap_ok "$name: threads" stress
	preload_too=
done

tap_done
