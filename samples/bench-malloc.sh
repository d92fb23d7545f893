#!/usr/bin/env bash
# What a pair of malloc and free costs at a managed site, at an unmanaged one, and with other allocators; the ratio of the
# first to the fastest of the others; and what an unmanaged site costs with each of the others beneath the library.
#
#	bench-malloc.sh [DEPTH SIZE lifo|fifo]

# shellcheck source-path=SCRIPTDIR source=bench-common.sh disable=SC2154
. "${0%/*}/bench-common.sh"

bench=$PWD/samples/bench-malloc
find_others
kinds=(stingy unmanaged "${others[@]}")
for name in "${others[@]:1}"; do
	kinds+=("on-$name")
done

# measure WHAT ARGUMENT...: nanoseconds.
measure()
{
	local what=$1
	shift
	case $what in
	stingy | unmanaged)
		"${pin[@]}" env LD_PRELOAD="$production" STINGY_MANIFEST="$work/$what.manifest" "$bench" "$@"
		;;
	on-*)
		"${pin[@]}" env LD_PRELOAD="$production:${library[${what#on-}]}" STINGY_MANIFEST="$work/unmanaged.manifest" "$bench" "$@"
		;;
	*)
		"${pin[@]}" env LD_PRELOAD="${library[$what]}" "$bench" "$@"
		;;
	esac
}

# prepare DEPTH SIZE: the manifests; site 0 makes the thread the arena's owner, site 1 is the measured one.
prepare()
{
	manifest depth="$1" -- "$bench" "$1" "$2" lifo 10 >"$work/stingy.manifest"
	sed '/^site 1/d' "$work/stingy.manifest" >"$work/unmanaged.manifest"
	must_serve "$work/stingy.manifest" "$bench" "$1" "$2" lifo 100
}

# row DEPTH SIZE ORDER: prints it; adds depth, ratio and what the unmanaged site costs more to $work/rows.
row()
{
	local what
	alternate "$@"
	for what in "${kinds[@]}"; do
		echo "$what $(spread <"$work/times.$what")"
	done | awk -v depth="$1" -v size="$2" -v order="$3" -v rows="$work/rows" '
		{ cell = cell sprintf("  %6.2f %6.2f..%-6.2f", $2, $3, $4); median[$1] = $2 }
		NR > 2 && $1 !~ /^on-/ && (least == "" || $2 < least) { least = $2; fastest = $1 }
		END {
			printf "%5s %5s %5s%s  %5.2f of %s\n", depth, size, order, cell, median["stingy"] / least, fastest
			print depth, median["stingy"] / least, median["unmanaged"] - median["glibc"] >>rows
		}'
}

# sums: of all rows, by depth.
sums()
{
	awk '
		{ n[$1]++; logs[$1] += log($2); if ($2 > worst[$1]) worst[$1] = $2; if (NR == 1 || $3 > more) more = $3 }
		END {
			for (depth = 1; depth <= 4; depth++)
				if (depth in n)
					printf "depth %d: ratio %.2f (geometric mean), %.2f at worst\n", depth, exp(logs[depth] / n[depth]), worst[depth]
			printf "an unmanaged site costs at most %.2f ns more than glibc alone\n", more
		}' "$work/rows"
}

printf 'ns for a pair of malloc and free, loop included: median and least..most of %s runs; ratio: stingy to the fastest other\n' "$runs"
printf '%5s %5s %5s' depth size order
cell_titles "${kinds[@]}"
printf '  ratio\n'
if [ $# -gt 0 ]; then
	prepare "$1" "$2"
	row "$@"
	exit
fi
for depth in 1 2 4; do
	for size in 48 256 1024 4096; do
		progress "malloc: depth $depth, $size bytes"
		prepare $depth $size
		row $depth $size lifo
		row $depth $size fifo
	done
done
sums
