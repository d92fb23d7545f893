#!/usr/bin/env bash
# What the loader may do to us: modules with sites that come back elsewhere, that bind to the C library's malloc or
# bring their own C library; code that uses memory before our constructor and after our destructor; other allocators
# that come before us, or that the program is linked to.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

loader=$progdir/loader
first=$progdir/loaded.so
second=$progdir/loaded-2.so

# agrees_with OUTPUT PRELOAD MANIFEST COMMAND...: what it prints is as in that file; what we say is in err.
agrees_with()
{
	local output=$1 preload=$2 manifest=$3
	shift 3
	STINGY_REPORT=1 timeout "$limit" env LD_PRELOAD="$preload" STINGY_MANIFEST="$manifest" "$@" >out 2>err
	local status=$?
	cat err
	[ "$status" -eq 0 ] || { echo "exit status $status"; return 1; }
	same "$output" out
}

agrees()
{
	agrees_with bare.out "$@"
}

# profile COMMAND...: what it prints by itself, and a manifest of all its sites.
profile()
{
	rm -f ./*.trace
	bare "$@" >bare.out || tap_bail "'$*' does not run by itself"
	profiled it "$@" | cmp -s - bare.out || tap_bail "'$*' does not run under the profiling library"
	solve it -v depth=2 -v largest=5000 -v spare=200 >manifest
}

# --- modules

profile "$loader" reopen "$first" "$second"
tap_is "a module came back elsewhere each time" "$(cat bare.out)" \
	"1500 objects, the module was elsewhere 10 times of 10"
tap_ok "modules that come back elsewhere, with objects that outlive them" \
	agrees "$production" "$work/manifest" "$loader" reopen "$first" "$second"
tap_ok "all of their objects are from the arena" test "$(served err)" -ge 1500

profile "$loader" plug "$first" "$second"
solve it -v depth=2 -v home=1 >manifest
tap_ok "modules that call malloc by the program" agrees "$production" "$work/manifest" "$loader" plug "$first" "$second"
tap_ok "all of their objects are from the arena, the second one's too" test "$(served err)" -ge 100

profile "$loader" deep "$first"
tap_ok "a module that binds to the C library's malloc" agrees "$production" "$work/manifest" "$loader" deep "$first"
tap_ok "the program's objects are from the arena" test "$(served err)" -ge 50

profile "$loader" apart "$first"
tap_ok "a module with a C library of its own" agrees "$production" "$work/manifest" "$loader" apart "$first"
tap_ok "the program's objects are from the arena beside it" test "$(served err)" -ge 50

# --- before our constructor and after our destructor

# early LIBRARY SERVED PRELOAD: SERVED is what is made between the two: in the program's six stages 120 objects, 20 that
# it leaves to the library, and 26 that are reallocated; in the library's constructor 20, in its destructor 20 and, of
# those that we made, 5 or 10 that are reallocated.
early()
{
	tap_ok "memory used before main and after it, $1" agrees "$3" "$work/manifest" "$progdir/early"
	tap_is "all is from the arena between our constructor and our destructor" "$(served err)" "$2"
	tap_is "nothing else is counted" "$(allocations err)" "$2"
}
preload_too=$progdir/early.so
profile "$progdir/early"
early "of a library beneath us" 166 "$production:$progdir/early.so"
early "of a library above us" 216 "$progdir/early.so:$production"
preload_too=$progdir/early-first.so
profile "$progdir/early"
early "of a library that begins before all others" 191 "$progdir/early-first.so:$production"
preload_too=

# --- allocators that are not beneath us

profile "$progdir/entry" portable
bare env LD_PRELOAD=libjemalloc.so.2 "$progdir/entry" portable >bare.out
for library in "$production" "$profiling"; do
	name=$(basename "$library")
	tap_ok "an allocator preloaded before $name" \
		agrees "libjemalloc.so.2:$library" "$work/manifest" "$progdir/entry" portable
	for program in own-malloc own-malloc-cxx; do
		bare "$progdir/$program" >own.out || tap_bail "$program does not run by itself"
		tap_ok "$program, a program with an allocator of its own, under $name" \
			agrees_with own.out "$library" "" "$progdir/$program"
	done
done

gcc -O2 -o linked "$testdir/prog/stress.c" -l:libjemalloc.so.2 -lpthread || tap_bail "cannot link to jemalloc"
profile ./linked seed=1 main=1 threads=1 rounds=1 steps=5000
tap_ok "a program linked to jemalloc" \
	agrees "$production" "$work/manifest" ./linked seed=1 main=1 threads=1 rounds=1 steps=5000
tap_ok "most of it from the arena" test "$(served err)" -gt "$(($(allocations err) / 2))"

tap_done
