#!/usr/bin/env bash
# How it scales: 4 threads that allocate and free at a managed site, against 4 processes that do; and threads that free
# what others allocate. Stingy with an arena for each of 4 threads, with one arena for all (the others' allocations fall
# back to glibc), and other allocators.

# shellcheck source-path=SCRIPTDIR source=bench-common.sh disable=SC2154
. "${0%/*}/bench-common.sh"

bench=$PWD/samples/bench-threads
workers=4
find_others
kinds=(stingy one-arena "${others[@]}")

# measure KIND MODE: millions of pairs a second. No pinning: the scheduler's part is part of it.
measure()
{
	case $1 in
	stingy | one-arena)
		timeout 60 env LD_PRELOAD="$production" STINGY_MANIFEST="$work/$1" "$bench" "$2" $workers
		;;
	*)
		timeout 60 env LD_PRELOAD="${library[$1]}" "$bench" "$2" $workers
		;;
	esac
}

# row MODE: prints it; leaves what the kinds' medians are in $work/MODE.
row()
{
	local kind
	progress "threads: $1"
	alternate "$1"
	printf '%-12s' "$1"
	for kind in "${kinds[@]}"; do
		cell <"$work/times.$kind"
		spread <"$work/times.$kind" >>"$work/$1"
	done
	echo
}

manifest depth=2 spare=1000 arenas=$workers -- "$bench" pass 2 10 >"$work/stingy"
sed "s/arenas=$workers/arenas=1/" "$work/stingy" >"$work/one-arena"
must_serve "$work/stingy" "$bench" threads $workers 100
must_serve "$work/one-arena" "$bench" threads 1 100

echo "millions of pairs of malloc and free a second, $workers workers together: median and least..most of $runs runs"
printf '%-12s' ''
cell_titles "${kinds[@]}"
echo
for mode in threads processes pass; do
	row $mode
done
printf '%-12s' thr./proc.
paste "$work/threads" "$work/processes" | awk '{ printf "  %6.2f %14s", $1 / $4, "" } END { print "" }'
for mode in threads pass; do
	for kind in stingy one-arena; do
		share=$(served "$work/$kind" "$bench" $mode $workers)
		echo "$mode, $kind: $((share / 10)).$((share % 10))% of the allocations from an arena"
	done
done
