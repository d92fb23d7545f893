#!/usr/bin/env bash
# Memory used at random by many threads, over each allocator: every object keeps its contents, whichever thread frees
# it, and whether the arena gave it or the allocator beneath; all threads may fork in the midst of it; nothing hangs;
# the arena serves its share. With STINGY_STRESS=N each run takes N times as long.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

stress=$progdir/stress
times=${STINGY_STRESS:-1}
limit=$((limit * times))
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
tap_note "seed $seed; SEED=$seed repeats it"
aligned=4096 # the largest alignment that the allocator beneath keeps

# is_share PART WHOLE PERCENT
is_share()
{
	[ "${1:-0}" -gt 0 ] && [ $(($1 * 100)) -ge $(($2 * $3)) ]
}

# by_manifest MANIFEST PERCENT WHAT [ARGUMENT]...: whole, and at least so much of the program's allocations is served.
by_manifest()
{
	local manifest=$1 least=$2 what=$3
	shift 3
	tap_ok "$what" whole managed "$work/$manifest" "$stress" seed="$seed" aligned="$aligned" "$@"
	tap_note "$(served err) of $(allocations err) allocations from the arena"
	tap_ok "$what: at least $least% from the arena" is_share "$(served err)" "$(allocations err)" "$least"
}

tap_ok "by itself" whole bare "$stress" seed="$seed" steps=20000
tap_ok "under the profiling library" whole profiled stress "$stress" seed="$seed" rounds=1 steps=8000
solve stress -v depth=2 -v home=1 -v slots=300 -v largest=20000 >all
solve stress -v depth=2 -v home=1 -v slots=300 -v largest=20000 -v arenas=4 >four
solve stress -v depth=3 -v home=1 -v slots=20 -v largest=4999 >few
solve stress -v depth=3 -v home=1 -v slots=20 -v largest=4999 -v arenas=4 -v high=300 -v stack=65536 >high
solve stress -v depth=4 -v home=1 -v slots=300 -v share=1 -v largest=20000 >mixed
tap_is "the profile has all places that are to be served, each by itself" "$(grep -c '^site' few)" 20
export STINGY_REPORT=1

# What there is of threads and manifests; an owner has the arena that it got for as long as it lives.
by_manifest all 20 "one arena" rounds=$((4 * times))
by_manifest mixed 80 "one thread" threads=1 rounds=$((4 * times))
by_manifest all 40 "the main thread and one after the other" threads=2 main=1 rounds=$((6 * times))
by_manifest all 3 "more threads than processors" threads=16 steps=20000 rounds=$((4 * times))
by_manifest all 20 "all threads forking" steps=20000 forks=20 rounds=$((2 * times))
by_manifest all 40 "the main thread and another forking" threads=2 main=1 steps=20000 forks=20 rounds=$((2 * times))
by_manifest four 20 "four arenas, more threads" threads=16 steps=20000 rounds=$((4 * times))
by_manifest high 60 "small regions, the high slab, the stack in the slab" rounds=$((2 * times))
by_manifest high 60 "the same, all threads forking" steps=20000 forks=20 main=1 rounds=$((2 * times))
export STINGY_CANARIES=1
by_manifest high 60 "the same, with canaries" rounds=$((2 * times))
unset STINGY_CANARIES

for name in glibc libjemalloc.so.2 libmimalloc.so.2 libtcmalloc_minimal.so.4; do
	preload_too=$name
	case $name in
	glibc) preload_too= ;;
	libmimalloc.so.2) aligned=64 ;; # 2.0.9 may forget alignments of 256 to 1024 by itself
	*) aligned=4096 ;;
	esac
	by_manifest four 85 "over $name, four arenas" rounds=$((3 * times))
	by_manifest few 2 "over $name, regions full" rounds=$((2 * times))
	by_manifest four 70 "over $name, four arenas, all threads forking" steps=20000 forks=10 rounds=$((2 * times))
done

tap_done
