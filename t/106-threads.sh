#!/usr/bin/env bash
# Several threads: one is served from the arena, all may free what it was given; when it ends, another takes over.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

threads=$progdir/threads
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
tap_note "seed $seed; SEED=$seed repeats it"

# whole COMMAND...: whether all objects were; what was said is in err.
whole()
{
	"$@" >out 2>err
	local status=$?
	cat err
	[ "$status" -eq 0 ] || { echo "exit status $status"; return 1; }
	grep -qx 'all objects whole' out
}

tap_ok "by itself" whole bare "$threads" stress "$seed"
tap_ok "under the profiling library" whole profiled stress "$threads" stress "$seed"
trace_is_whole()
{
	"$progdir/tracedump" stress.*.trace >/dev/null
}
tap_ok "the trace is whole" trace_is_whole

export STINGY_REPORT=1
for settings in "1 65536 40" "2 65536 1000" "3 500 200"; do
	read -r depth largest slots <<<"$settings"
	solve stress -v depth="$depth" -v largest="$largest" -v slots="$slots" -v home=1 >manifest
	tap_ok "served, depth $depth, up to $largest bytes, $slots slots" whole managed "$work/manifest" "$threads" stress "$seed"
	tap_ok "some of it from the arena" test "$(served err)" -gt 1000
	tap_note "$(served err) of $(allocations err) allocations"
done

unset STINGY_REPORT
profiled owners "$threads" owners >/dev/null
solve owners -v depth=1 -v home=1 -v largest=400000 -v spare=100 >manifest
export STINGY_REPORT=1
tap_ok "owners that follow each other" whole managed "$work/manifest" "$threads" owners
# Not from the arena: what the C library and the loader allocate for the main thread.
tap_note "$(cat err)"
tap_ok "each was served from the arena, in its destructors too" grep -q ' 0 fell back' err
tap_ok "all of their objects" test "$(served err)" -ge 1800

unset STINGY_REPORT
profiled handover "$threads" handover >/dev/null
solve handover -v home=1 -v spare=100 >manifest
export STINGY_REPORT=1
tap_ok "a thread that exits hands over" whole managed "$work/manifest" "$threads" handover
tap_ok "what it allocates after that is not from the arena: 10 of 30" grep -q "20 of .* 10 fell back" err

tap_done
