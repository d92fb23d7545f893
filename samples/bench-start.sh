#!/usr/bin/env bash
# What the library adds to the start of a program that does nothing, by the number of sites in the manifest; and to one
# with a single allocation, at a managed site whose key takes the library to its thread's stack.

# shellcheck source-path=SCRIPTDIR source=bench-common.sh disable=SC2154
. "${0%/*}/bench-common.sh"

start=$PWD/samples/bench-start
times=${BENCH_STARTS:-200}

progress "start: $times starts of each kind"
manifest depth=2 -- "$start" first >"$work/base"
for n in 1 10 1000 10000; do
	with_sites $n "$work/base" >"$work/$n sites"
	must_serve "$work/$n sites" "$start" first
done
sed '/^site/d' "$work/base" >"$work/0 sites"
cd "$work"
echo "microseconds of processor time for a whole process: median, quartiles of $times alternated starts, and what that is more"
printf '%-14s %8s  %18s %8s\n' 'no allocation' median '' more
"${pin[@]}" "$start" measure empty "$times" "$production" "0 sites" "10 sites" "1000 sites" "10000 sites"
printf '%-14s %8s  %18s %8s\n' 'one allocation' median '' more
"${pin[@]}" "$start" measure first "$times" "$production" "1000 sites"
