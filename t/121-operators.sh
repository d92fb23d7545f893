#!/usr/bin/env bash
# C++'s operators new and delete: what a program observes (results, exceptions, new-handlers) is what it observes without
# the libraries, be the operators libstdc++'s, the program's own, a library's or another allocator's.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

# unchanged WHAT COMMAND...: under either library, with the sites served in several ways, and with those of the program
# itself alone.
unchanged()
{
	local what=$1 settings depth largest slots
	command=("${@:2}")
	rm -f ./*.trace
	bare "${command[@]}" >bare.out || tap_bail "'$2' does not run by itself"
	tap_note "$what: $(wc -l <bare.out) results to compare"
	tap_ok "$what: the profiling library changes nothing" unnoticed profiled trace
	tap_ok "$what: the production library without a manifest changes nothing" unnoticed managed ""
	for settings in "1 65536 0" "4 65536 0" "2 600 0" "1 65536 1" "1 16 2"; do
		read -r depth largest slots <<<"$settings"
		solve trace -v depth="$depth" -v largest="$largest" -v slots="$slots" >manifest
		settings="depth $depth, up to $largest bytes, ${slots/#0/enough} slots"
		tap_ok "$what: served, $settings: the same results" unnoticed managed "$work/manifest"
		tap_ok "$what: served, $settings: some of it from the arena" serves_more 10
	done
}

# What new makes at a place in the program is a site there, and not in libstdc++.
begins_at_caller()
{
	solve trace -v depth=1 -v home=1 -v slots=8 >manifest
	serves_more 300
}

unchanged "libstdc++'s operators" "$progdir/operators"
tap_ok "libstdc++'s operators: sites begin in the program" begins_at_caller
unchanged "the program's own operators" "$progdir/operators-own" opaque
unchanged "a library's operators" "$progdir/operators-linked" opaque
unchanged "a module of C++ in a program of C" "$progdir/host" "$progdir/operators-module.so" operators_main

for name in libjemalloc.so.2 libmimalloc.so.2 libtcmalloc_minimal.so.4; do
	preload_too=$name
	command=("$progdir/operators" portable)
	rm -f ./*.trace
	bare env LD_PRELOAD="$name" "${command[@]}" >bare.out 2>alone.err
	tap_ok "$name: the program runs over it alone" test -s bare.out -a ! -s alone.err
	tap_ok "$name behind the profiling library" unnoticed profiled trace
	tap_ok "$name behind the production library without a manifest" unnoticed managed ""
	solve trace -v depth=2 -v home=1 -v slots=8 >manifest
	tap_ok "$name behind the production library, sites served" unnoticed managed "$work/manifest"
	tap_ok "$name: some of it from the arena" serves_more 300
	preload_too=
	production=$name:$production
	tap_ok "$name before the production library" unnoticed managed "$work/manifest"
	production=${production#*:}
done

# An allocator that tells what new made from what malloc did must get to see it.
minds()
{
	managed "" "$progdir/operators" mismatch >out 2>&1
	cat out
	grep -q 'mismatch.*being deallocated with delete' out
}
preload_too=libtcmalloc_minimal_debug.so.4
tap_ok "$preload_too: new and delete are its own" minds
preload_too=

tap_done
