#!/usr/bin/env bash
# What a pair of malloc and free costs: Stingy at a managed site, and the other allocators, in one go; medians of alternated
# runs, and the ratio to the fastest of the others. And at an unmanaged site, against glibc alone.
# Run from the build directory (make bench). Takes two minutes; wants a quiet machine.
set -euo pipefail
export LC_ALL=C

runs=5
bench=$PWD/samples/bench-malloc
libdir=$PWD/.libs
awk=${BASH_SOURCE[0]%/*}/../t/trace-manifest.awk
work=$(mktemp -d "${TMPDIR:-/tmp}/stingy-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT

declare -A library=([glibc]="")
others=(glibc)
for name in jemalloc:libjemalloc.so.2 mimalloc:libmimalloc.so.2 tcmalloc:libtcmalloc_minimal.so.4; do
	file=$(ldconfig -p | sed -n "s/.*${name#*:} .*=> //p" | head -n 1)
	[ -n "$file" ] || { echo "bench: no ${name%%:*} here: left out" >&2; continue; }
	library[${name%%:*}]=$file
	others+=("${name%%:*}")
done

pin=()
[ "$(nproc)" -lt 2 ] || pin=(taskset -c 1)

# manifest DEPTH SIZE: of a key of that depth, from a short profile.
manifest()
{
	rm -f "$work"/trace.*
	LD_PRELOAD=$libdir/libstingy-profile.so STINGY_TRACE=$work/trace "$bench" "$1" "$2" lifo 10 >"$work/out"
	t/prog/tracedump "$work"/trace.*.trace | awk -v depth="$1" -f "$awk" >"$work/manifest"
}

# measure ALLOCATOR ARGUMENT...
measure()
{
	local name=$1
	shift
	case $name in
	stingy)
		"${pin[@]}" env LD_PRELOAD="$libdir/libstingy.so" STINGY_MANIFEST="$work/manifest" STINGY_MAIN=1 "$bench" "$@"
		;;
	unmanaged)
		"${pin[@]}" env LD_PRELOAD="$libdir/libstingy.so" STINGY_MANIFEST="$work/none" STINGY_MAIN=1 "$bench" "$@"
		;;
	*)
		"${pin[@]}" env LD_PRELOAD="${library[$name]}" "$bench" "$@"
		;;
	esac
}

# row ARGUMENT...: medians of all, and the ratio of Stingy's to the least of the others'.
row()
{
	local name
	rm -f "$work"/times.*
	for _ in $(seq $runs); do
		for name in stingy unmanaged "${others[@]}"; do
			measure "$name" "$@" >>"$work/times.$name"
		done
	done
	printf '%5s %6s %5s' "$@"
	local least='' median
	for name in stingy unmanaged "${others[@]}"; do
		median=$(sort -g "$work/times.$name" | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }')
		printf ' %10s' "$median"
		case $name in
		stingy) ours=$median ;;
		unmanaged) ;;
		*) least=$(printf "%s\n" "${least:-$median}" "$median" | sort -g | head -n 1) ;;
		esac
	done
	awk -v a="$ours" -v b="$least" 'BEGIN { printf " %7.2f\n", a / b }'
}

lscpu | sed -n 's/^Model name: */machine: /p'
echo "ns for a pair of malloc and free, medians of $runs; ratio: stingy to the fastest of the others"
printf '%5s %6s %5s' depth size order
printf ' %10s' stingy unmanaged "${others[@]}"
printf ' %7s\n' ratio
for depth in 1 2 4; do
	for size in 48 256 1024 4096; do
		manifest $depth $size
		sed '/^site/d' "$work/manifest" >"$work/none"
		for order in lifo fifo; do
			row $depth $size $order
		done
	done
done
