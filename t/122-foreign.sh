#!/usr/bin/env bash
# Other allocators' own functions, given objects of ours: jemalloc's dallocx and its like, tcmalloc's tc_free, mimalloc's
# mi_free. What a program observes is what it observes with that allocator alone.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

foreign=$progdir/foreign

while read -r family name; do
	command=("$foreign" "$family")
	rm -f ./*.trace
	bare env LD_PRELOAD="$name" "${command[@]}" >bare.out || tap_bail "'foreign $family' does not run over $name"
	tap_note "$family: $(wc -l <bare.out) objects, all that can be done to each"
	preload_too=$name
	tap_ok "$family: the profiling library changes nothing" unnoticed profiled trace
	tap_ok "$family: the production library without a manifest changes nothing" unnoticed managed ""
	for settings in "65536 0" "600 0" "30 0"; do
		read -r largest slots <<<"$settings"
		solve trace -v depth=2 -v home=1 -v largest="$largest" -v slots="$slots" >manifest
		settings="up to $largest bytes, ${slots/#0/enough} slots"
		tap_ok "$family: served, $settings: the same results" unnoticed managed "$work/manifest"
		tap_ok "$family: served, $settings: some of it from the arena" serves_more 10
		tap_note "$(served err) of $(allocations err) allocations"
	done
	preload_too=
done <<'END'
jemalloc libjemalloc.so.2
tcmalloc libtcmalloc_minimal.so.4
mimalloc libmimalloc.so.2
END

# A program that looks whether such functions are there, and has no such allocator: they are there under us.
while read -r family name; do
	command=("$foreign" "$family" libc)
	rm -f ./*.trace
	bare env LD_PRELOAD="$name" "${command[@]}" >bare.out || tap_bail "'foreign $family libc' does not run over $name"
	tap_ok "$family's functions without it do what libc's do: the profiling library" unnoticed profiled trace
	solve trace -v depth=2 -v home=1 -v slots=1 >manifest
	tap_ok "$family's functions without it do what libc's do: the production library" unnoticed managed "$work/manifest"
done <<'END'
jemalloc libjemalloc.so.2
tcmalloc libtcmalloc_minimal.so.4
END

# Objects that another allocator made for a plug-in, beside malloc; nobody but the plug-in sees its functions. The loader
# must be told to keep room for that allocator's thread-local storage.
export GLIBC_TUNABLES=glibc.rtld.optional_static_tls=65536
command=("$progdir/host" "$progdir/foreign-module.so" foreign_main jemalloc own)
bare "${command[@]}" >bare.out || tap_bail "a plug-in does not run with jemalloc of its own"
tap_ok "a plug-in with jemalloc of its own: the profiling library changes nothing" unnoticed profiled trace
tap_ok "a plug-in with jemalloc of its own: the production library changes nothing" unnoticed managed ""

tap_done
