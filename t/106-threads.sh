#!/usr/bin/env bash
# Several threads: as many are served as there are arenas, all may free what others were given; when an owner ends, another takes over.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

threads=$progdir/threads
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
tap_note "seed $seed; SEED=$seed repeats it"

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

solve stress -v depth=2 -v slots=1500 -v home=1 -v share=1 -v largest=4096 >one
sed 's/arenas=1/arenas=5/' one >five
tap_ok "served, one arena for all" whole managed "$work/one" "$threads" stress "$seed"
alone=$(served err)
tap_ok "served, an arena for each" whole managed "$work/five" "$threads" stress "$seed"
tap_note "$(served err) of $(allocations err), $alone with one"
tap_ok "most of all is served" test $(($(served err) * 100)) -gt $(($(allocations err) * 95))
tap_ok "one served much less" test $((alone * 2)) -lt "$(served err)"
STINGY_CANARIES=1 tap_ok "and with canaries behind all objects" whole managed "$work/five" "$threads" stress "$seed"
tap_ok "most of all is served then too, but aligned objects" test $(($(served err) * 100)) -gt $(($(allocations err) * 70))
sed 's/arenas=5/arenas=3/' five >three
tap_ok "served, three arenas" whole managed "$work/three" "$threads" stress "$seed"
tap_ok "more than by one: $(served err)" test "$(served err)" -gt $((alone * 3 / 2))

unset STINGY_REPORT
profiled owners "$threads" owners >/dev/null
solve owners -v depth=1 -v home=1 -v largest=400000 -v spare=100 >manifest
export STINGY_REPORT=1
tap_ok "owners that follow each other" whole managed "$work/manifest" "$threads" owners
# An owner is none any more when the program's own destructors run; what they allocate falls back: 12 times 50.
tap_note "$(cat err)"
tap_ok "each was served from the arena, until its destructors ran" grep -q ' 600 fell back' err
tap_is "all of their objects" "$(served err)" 1200

unset STINGY_REPORT
profiled handover "$threads" handover >/dev/null
solve handover -v home=1 -v spare=100 >manifest
export STINGY_REPORT=1
tap_ok "a thread that exits hands over" whole managed "$work/manifest" "$threads" handover
tap_ok "what it allocates after that is not from the arena: 10 of 30" grep -q "20 of .* 10 fell back" err

# --- perils.c: one place at which 64 bytes are allocated

perils=$progdir/perils

# withstands PERIL: whether the output is as ever under the manifest; what was reported is in err.
withstands()
{
	bare "$perils" "$1" >bare.out
	managed "$work/perilous" "$perils" "$1" >out 2>err
	local status=$?
	cat err
	[ "$status" -eq 0 ] || { echo "exit status $status"; return 1; }
	same bare.out out
}

# reported SERVED FELL_BACK: whether a process did.
reported()
{
	grep -Eq "\]: $1 of [0-9]+ allocations .* from the arena, [0-9]+ unmanaged, $2 fell back" err
}

unset STINGY_REPORT
profiled perils "$perils" short >/dev/null
solve perils -v home=1 -v slots=100 | sed 's/count=[0-9]*/count=100/' >perilous
tap_is "the profile has the one place" "$(grep -c '^site' perilous)" 1
export STINGY_REPORT=1
tap_ok "many short threads, then two at once" withstands short
tap_ok "all of their objects are counted" reported 1 $((200 * 10 + 4 * 50000))
tap_ok "the owner of a parent ends in the child" withstands orphans
tap_ok "the owner of the child stays the only one" reported $((1 + 2 * 50000)) $((2 * 50000))
tap_ok "allocating in a cancelled thread" withstands cancel

tap_done
