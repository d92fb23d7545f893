#!/usr/bin/env bash
# Every allocation entry point, with every sort of argument, and what becomes of its objects: what a program observes
# under either library, with its sites served or not, is what it observes without.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

# agrees LIBRARY'S FUNCTION AND ITS ARGUMENT: whether $command prints and exits as it does by itself, without a word of ours.
agrees()
{
	"$1" "$2" "${command[@]}" >out 2>err || return 1
	same bare.out out && ! grep '^stingy' err
}

# serves LEAST: whether more than LEAST of $command's allocations came from the arena.
serves()
{
	STINGY_REPORT=1 managed "$work/manifest" "${command[@]}" 2>err >/dev/null
	[ "$(served err)" -gt "$1" ]
}

# unchanged PROGRAM [ARGUMENT]...: under both libraries, with its sites served by keys of some depths, up to a size, from
# regions of so many slots (0: enough).
unchanged()
{
	local what="${*##*/}" settings depth largest slots
	command=("$@")
	rm -f ./*.trace
	bare "${command[@]}" >bare.out 2>bare.err || tap_bail "'$what' does not run by itself"
	tap_note "$what: $(wc -l <bare.out) results to compare"
	tap_ok "$what: the profiling library changes nothing" agrees profiled trace
	tap_ok "$what: the production library without a manifest changes nothing" agrees managed ""
	for settings in "1 65536 0" "2 65536 0" "4 65536 0" "2 600 0" "1 65536 1" "1 16 2"; do
		read -r depth largest slots <<<"$settings"
		solve trace -v depth="$depth" -v largest="$largest" -v slots="$slots" >manifest
		settings="sites of depth $depth, up to $largest bytes, ${slots/#0/enough} slots"
		tap_ok "$what: served, $settings: the same results" agrees managed "$work/manifest"
		tap_ok "$what: served, $settings: some of it from the arena" serves 10
		tap_note "$(served err) of $(allocations err) allocations"
	done
}

unchanged "$progdir/entry"
export STINGY_DRY_RUN=1
tap_ok "a dry run changes nothing" agrees managed "$work/manifest"
unset STINGY_DRY_RUN

unchanged "$progdir/moves" frees
solve trace -v depth=2 -v slots=1 >manifest
# frees_all: with one slot a region, every object is served, if each is freed: no region is ever found full.
frees_all()
{
	STINGY_REPORT=1 managed "$work/manifest" "${command[@]}" 2>err >/dev/null
	cat err
	[ "$(served err)" -gt 1000 ] && grep -q ' 0 fell back' err
}
tap_ok "moves frees: every object is freed" frees_all

unchanged "$progdir/moves"
# moves_more THAN: whether objects stayed in a slot, moved to another, and left the arena, more often than it seems to be by
# the addresses of libc's allocator alone.
moves_more()
{
	local line="^moves: \([0-9]*\) within, \([0-9]*\) to another slot, \([0-9]*\) to libc,.*" bare now i
	read -ra bare < <(sed -n "s/$line/\1 \2 \3/p" bare.err)
	managed "$work/manifest" "${command[@]}" 2>err >/dev/null
	read -ra now < <(sed -n "s/$line/\1 \2 \3/p" err)
	echo "by itself: $(cat bare.err); served: $(cat err)"
	for i in 0 1 2; do
		[ "${now[i]}" -gt $((bare[i] + $1)) ] || return 1
	done
}
solve trace -v depth=2 -v largest=100000 -v slots=8 >manifest
tap_ok "moves: within a slot, to another region, and out of the arena" moves_more 20
tap_note "$(cat err)"

tap_done
