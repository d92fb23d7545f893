# shellcheck shell=bash disable=SC2034,SC2154 # variables and functions go from file to file
# What the parts of the benchmark share: where things are, manifests from short profiles, medians. Source it in the build
# directory; it makes a directory to work in and removes it at the end.
set -euo pipefail
export LC_ALL=C
unset LD_PRELOAD STINGY_BATCH STINGY_CHECK_WALK STINGY_DRY_RUN STINGY_MAIN STINGY_MANIFEST STINGY_PAGES STINGY_REPORT
unset STINGY_CALLS STINGY_ONLY_ALLOCATIONS STINGY_TRACE

runs=${BENCH_RUNS:-5} # of each kind, alternated; the median counts
bench_dir=$(realpath "${BASH_SOURCE[0]%/*}")
build_dir=$PWD
production=$build_dir/.libs/libstingy.so
profiling=$build_dir/.libs/libstingy-profile.so
for needed in "$production" "$profiling" t/prog/tracedump; do
	[ -e "$needed" ] || { echo "bench: '$needed' is not here: run 'make bench' in the build directory" >&2; exit 2; }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/stingy-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT

# What is measured has a processor of its own, where there are two; a server has one and its client the other.
pin=() on_server=() on_client=()
[ "$(nproc)" -lt 2 ] || pin=(taskset -c 1) on_server=(taskset -c 0) on_client=(taskset -c 1)
bench_results=$build_dir/bench-results
mkdir -p "$bench_results"

# find_others: who is measured beside Stingy, in $others; their libraries in $library, "" for glibc.
find_others()
{
	local name file
	declare -gA library=([glibc]="")
	others=(glibc)
	for name in jemalloc:libjemalloc.so.2 mimalloc:libmimalloc.so.2 tcmalloc:libtcmalloc_minimal.so.4; do
		file=$(ldconfig -p | sed -n "s/.*${name#*:} .*=> //p" | head -n 1)
		[ -n "$file" ] || { echo "bench: no ${name%%:*} here: left out" >&2; continue; }
		library[${name%%:*}]=$file
		others+=("${name%%:*}")
	done
}

# alternate ARGUMENT...: 'measure KIND ARGUMENT...', $runs times for each of $kinds in turn; what it printed is in
# $work/times.KIND.
alternate()
{
	local kind
	rm -f "$work"/times.*
	for _ in $(seq "$runs"); do
		for kind in "${kinds[@]}"; do
			measure "$kind" "$@" >>"$work/times.$kind"
		done
	done
}

# begin_progress SECONDS: about how long it will take; done_of_progress SECONDS: so much of that is behind us.
# How long the rest takes is judged by how long it has taken so far. BENCH_AFTER: seconds of the parts that will follow.
begin_progress()
{
	progress_all=$1
	progress_done=0
	progress_began=$SECONDS
}

done_of_progress()
{
	progress_done=$((progress_done + $1))
}

# progress TEXT: where it is, for whoever waits.
progress()
{
	local left='' took=$((SECONDS - ${progress_began:-0}))
	if [ -n "${progress_all:-}" ]; then
		left=$((progress_all - progress_done))
		[ "$progress_done" -lt 30 ] || left=$((left * took / progress_done))
		left=" (some $(((left + ${BENCH_AFTER:-0} + 59) / 60)) min left)"
	fi
	echo "bench: $(date +%T) $1$left" >&2
}

# new_results PART: bench-results/PART.jsonl is begun anew, unless BENCH_ADD is set; result PART FIELDS: a line of it.
new_results()
{
	[ -n "${BENCH_ADD:-}" ] || : >"$bench_results/$1.jsonl"
}

result()
{
	printf '{%s}\n' "${2%\}}" >>"$bench_results/$1.jsonl"
}

# manifest SETTING... -- COMMAND...: prints one that serves every allocation that COMMAND makes in the program itself.
# Settings are those of trace-manifest.awk: depth=2 slots=64
manifest()
{
	local settings=()
	while [ "$1" != -- ]; do
		settings+=(-v "$1")
		shift
	done
	shift
	rm -f "$work"/profile.*
	LD_PRELOAD=$profiling STINGY_TRACE=$work/profile "$@" >"$work/profiled" </dev/null
	t/prog/tracedump "$work"/profile.*.trace | awk "${settings[@]}" -v home=1 -f "$bench_dir/../t/trace-manifest.awk"
}

# with_sites NUMBER MANIFEST: prints the manifest with made-up sites added to its own (bench-sites.awk).
with_sites()
{
	local libc text
	libc=$(sed -n 's/^module .* path=\(.*\/libc\.so\.6\)$/\1/p' "$2")
	text=$(readelf -lW "$libc" | awk '$1 == "LOAD" && / R E / { print $2; exit }')
	awk -v sites="$1" -v text=$((text)) -f "$bench_dir/bench-sites.awk" "$2"
}

# served MANIFEST COMMAND...: what share of the allocations comes from the arena, in tenths of a percent.
served()
{
	local file=$1
	shift
	env LD_PRELOAD="$production" STINGY_MANIFEST="$file" STINGY_REPORT=1 "$@" 2>&1 >/dev/null </dev/null |
		sed -n 's/^stingy: .* allocations (\([0-9]*\)\.\([0-9]\)%) from the arena.*/\1\2/p'
}

# must_serve MANIFEST COMMAND...: a time of allocations that were not served is the time of something else.
must_serve()
{
	local share
	share=$(served "$@")
	[ "${share:-0}" -ge 990 ] && return
	echo "bench: only ${share:-0} of 1000 allocations from the arena: $*" >&2
	exit 1
}

# spread: of numbers, one a line: median, least, most.
spread()
{
	sort -g | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)], a[1], a[NR] }'
}

# cell: the same as a part of a table's row; and the title above it.
cell()
{
	spread | awk '{ printf "  %6.2f %6.2f..%-6.2f", $1, $2, $3 }'
}

cell_titles()
{
	printf '  %-21s' "$@"
}
