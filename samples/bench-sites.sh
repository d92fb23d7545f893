#!/usr/bin/env bash
# What a pair of malloc and free costs where the manifest has 10, 1,000 or 10,000 sites, and by glibc alone: a step of the
# look-up must not depend on their number. The sites around the one that is measured are made up, of libc's addresses; at
# depth 2 and 4 some begin as it does, so that an unmanaged one is only known as such further out.

# shellcheck source-path=SCRIPTDIR source=bench-common.sh disable=SC2154
. "${0%/*}/bench-common.sh"

bench=$PWD/samples/bench-malloc
numbers=(10 1000 10000)
size=48
order=lifo

# measure MANIFEST DEPTH: nanoseconds; MANIFEST "" for glibc.
measure()
{
	"${pin[@]}" env ${1:+LD_PRELOAD="$production" STINGY_MANIFEST="$1"} "$bench" "$2" $size $order
}

# row TITLE DEPTH MANIFEST-PREFIX
row()
{
	local n
	rm -f "$work"/times.*
	for _ in $(seq "$runs"); do
		measure "" "$2" >>"$work/times.glibc"
		for n in "${numbers[@]}"; do
			measure "$work/$3.$n" "$2" >>"$work/times.$n"
		done
	done
	printf '%-20s' "$1"
	for n in glibc "${numbers[@]}"; do
		cell <"$work/times.$n"
	done
	echo
}

echo "ns for a pair of malloc and free by the number of sites: median and least..most of $runs runs; $size bytes, $order"
printf '%-20s' ''
cell_titles glibc "${numbers[@]}"
echo
for depth in 1 2 4; do
	progress "sites: depth $depth"
	manifest depth=$depth -- "$bench" $depth $size $order 10 >"$work/base"
	for n in "${numbers[@]}"; do
		with_sites "$n" "$work/base" >"$work/managed.$n"
		# Site 0 makes the thread the arena's owner, site 1 is the measured one.
		awk '/^site 1 / { next } /^site / { $2 = n++ } { print }' "$work/managed.$n" >"$work/unmanaged.$n"
		must_serve "$work/managed.$n" "$bench" $depth $size $order 100
	done
	row "managed, depth $depth" $depth managed
	row "unmanaged, depth $depth" $depth unmanaged
done
