#!/usr/bin/env bash
# Both libraries find the same key for the same allocation: a manifest of all sites that a profile shows serves every
# allocation that the program makes, whatever the depth of the keys.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

# all_served: whether the line in err says that every allocation was matched, and there were as many as in the profile; or
# one more, as what the profiling library itself does in dlclose for the first time is not recorded.
all_served()
{
	cat err
	[ "$(wc -l <err)" -eq 1 ] && [ "$(served err)" -eq "$(allocations err)" ] &&
		[ "$recorded" -gt 20 ] && [ $(($(served err) - recorded)) -ge 0 ] && [ $(($(served err) - recorded)) -le 1 ]
}

# keys_agree WHAT PROGRAM [ARGUMENT]...
keys_agree()
{
	local what=$1 depth recorded
	shift
	rm -f ./*.trace
	profiled keys "$@" >/dev/null
	recorded=$("$progdir/tracedump" keys.*.trace | grep -cE '^(alloc|realloc)')
	for depth in $depths; do
		solve keys -v depth="$depth" -v share=1 -v spare=8 -v largest=400000 >manifest
		STINGY_REPORT=1 managed "$work/manifest" "$@" >out 2>err
		tap_ok "$what, depth $depth: every allocation is served" all_served
		tap_note "$(grep -c ^site manifest) sites, $recorded allocations"
	done
}

depths="1 2 4 16"
keys_agree "a plain program" "$progdir/plain" alloc=300 keep=100
for build in chains chains-fp chains-O0 chains-O3; do
	[ $build = chains-O3 ] && depths="1 2 4 12" # 16 would be more addresses than a manifest may have
	keys_agree "$build" "$progdir/$build"
	depths="2 4 16" # by one address alone, the two sizes are one kind, and nothing needs to grow
	keys_agree "$build, objects that grow" "$progdir/$build" grow
	depths="1 2 4 16"
done
keys_agree "operators of C++" "$progdir/operators" portable
keys_agree "operators of C++ that are the program's own" "$progdir/operators-own" opaque
keys_agree "frames of varying size" "$progdir/chains-alloca"
keys_agree "modules that come and go" "$progdir/chains" module "$progdir"/chain-module{,-2}.so

# Threads but one are not served, though they are matched: a dry run counts that.
export STINGY_DRY_RUN=1
allocations()
{
	sed -n 's/^stingy: .* would have served [0-9]* of \([0-9]*\) allocations.*/\1/p' "$1"
}
served()
{
	sed -n 's/^stingy: .* would have served \([0-9]*\) of .*/\1/p' "$1"
}
keys_agree "threads, in a dry run" "$progdir/chains" thread
keys_agree "signal handlers, in a dry run" "$progdir/chains" signal
keys_agree "coroutines, in a dry run" "$progdir/chains" coroutine
keys_agree "code without tables, in a dry run" "$progdir/chains" jit

tap_done
