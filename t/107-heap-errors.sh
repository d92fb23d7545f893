#!/usr/bin/env bash
# What glibc would stop a program for, libstingy.so stops it for: one line that names the address, and SIGABRT.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

misuse=$progdir/misuse
ulimit -c 0
profiled misuse "$misuse" none >/dev/null || tap_bail "cannot profile"
solve misuse -v home=1 >manifest # one site, one region of ten slots

unharmed()
{
	STINGY_REPORT=1 managed "$work/manifest" "$misuse" none >out 2>err && grep -q 'not stopped' out &&
		[ "$(served err)" -eq 10 ]
}
tap_ok "without misuse, the ten objects are from the arena, and the program ends well" unharmed

# stopped PATTERN HOW: whether the program was, with one line that has the address and matches.
stopped()
{
	# bash tells of the signal on its own stderr
	{ managed "$work/manifest" "$misuse" "$2" >out 2>err; } 2>/dev/null
	local status=$?
	cat out err
	[ "$status" -eq 134 ] && [ "$(wc -l <out)" -eq 1 ] && one_line err "$(cat out) $1"
}

while IFS='|' read -r how pattern what; do
	tap_ok "$what" stopped "$pattern" "$how"
done <<'END'
double|\(slot 3 of region 0, misuse\+0x[0-9a-f]+\)$|freed twice
double-remote|\(slot 3 of region 0, misuse\+0x[0-9a-f]+\)$|freed by another thread, then again
remote-double|\(slot 3 of region 0, misuse\+0x[0-9a-f]+\)$|freed, then again by another thread
inside|is inside slot 3 of region 0|freed in the middle
unaligned|is inside slot 3 of region 0|freed off by one
behind|is in no slot|freed behind the last object
arena|is in the arena, but in no region|freed in the arena, where no object can be
realloc-freed||reallocated in place after it was freed
realloc-freed-larger||reallocated to more after it was freed
realloc-inside||reallocated in the middle
realloc-inside-larger||reallocated to more in the middle
realloc-arena||reallocated where no object can be
END

export STINGY_CANARIES=1
solve misuse -v home=1 -v spare=10 >manifest
tap_ok "with canaries: without misuse, the ten objects are from the arena, and the program ends well" unharmed
fills()
{
	STINGY_REPORT=1 managed "$work/manifest" "$misuse" fill >out 2>err && grep -q 'not stopped' out && [ "$(served err)" -eq 10 ]
}
tap_ok "with canaries: all that is said to be usable may be written to" fills
solve misuse -v home=1 -v spare=10 -v high=20 >high
beyond()
{
	STINGY_REPORT=1 managed "$work/high" "$misuse" beyond-high >out 2>err && grep -q 'not stopped' out && [ "$(served err)" -eq 0 ]
}
tap_ok "with canaries: what has no room before one in a slot of the high slab is not served there" beyond
where='\(slot 3 of region 0, misuse\+0x[0-9a-f]+\)$'
while IFS='|' read -r how pattern what; do
	tap_ok "with canaries: $what" stopped "$pattern" "$how"
done <<END
overrun|$where|a byte behind an object
overrun-remote|$where|the last byte of the slot, freed by another thread
double|$where|freed twice
double-remote|$where|freed by another thread, then again
inside|is inside slot 3 of region 0|freed in the middle
realloc-inside-larger||reallocated in the middle
END

tap_done
