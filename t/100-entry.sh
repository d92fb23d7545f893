#!/usr/bin/env bash
# Every allocation entry point, with every sort of argument: what a program observes under either library, with its
# sites served or not, is what it observes without.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

entry=$progdir/entry
bare "$entry" >bare.out || tap_bail "entry does not run by itself"
tap_note "$(wc -l <bare.out) results to compare"

# agrees LIBRARY'S FUNCTION AND ITS ARGUMENT: whether the program prints and exits as it does by itself, without a word.
agrees()
{
	"$1" "$2" "$entry" >out 2>err || return 1
	same bare.out out && [ ! -s err ]
}

tap_ok "the profiling library changes nothing" agrees profiled entry
tap_ok "the production library without a manifest changes nothing" agrees managed ""

# Depth, largest size served and slots of a region, so that objects move between slots and the next allocator in all ways.
for settings in "1 65536 0" "2 65536 0" "4 65536 0" "2 600 0" "1 65536 1" "1 16 2"; do
	read -r depth largest slots <<<"$settings"
	what="sites of depth $depth, up to $largest bytes, ${slots/#0/enough} slots"
	solve entry -v depth="$depth" -v largest="$largest" -v slots="$slots" >manifest
	tap_ok "served, $what: the same results" agrees managed "$work/manifest"
	STINGY_REPORT=1 managed "$work/manifest" "$entry" 2>err >/dev/null
	tap_ok "served, $what: some of it from the arena" test "$(served err)" -gt 10
	tap_note "$(served err) of $(allocations err) allocations"
done

export STINGY_DRY_RUN=1
tap_ok "a dry run changes nothing" agrees managed "$work/manifest"
unset STINGY_DRY_RUN

tap_done
