#!/usr/bin/env bash
# The benchmark: what Stingy gains, what it costs, beside glibc, jemalloc, mimalloc and tcmalloc.
#
#	bench.sh                         all parts, one after the other (make bench); forty minutes on a quiet machine
#	bench.sh quick                   the most important of each in five minutes (make bench-quick)
#	bench.sh PART [ARGUMENT]...      one of them
#	bench.sh malloc 1 48 lifo        one row of malloc
#	bench.sh load squid:2500         one server
#	bench.sh results [PART]...       prints again what was found last, as tables
#	bench.sh results --into FILE     puts all of them into FILE, below the line "<!-- results -->"
#
# Run from the build directory. Each part says at its head what it measures and by which settings (BENCH_...).
# Results go to stdout and to bench-results/: as JSON, as plots (SVG) and as text; what it is doing goes to stderr.
set -euo pipefail
export LC_ALL=C
dir=${BASH_SOURCE[0]%/*}

# The parts, and about how many seconds each takes.
parts="load misses uniform mock profile malloc threads query instructions memory start sites"
declare -A seconds=([load]=1600 [misses]=320 [uniform]=240 [mock]=45 [profile]=80 [malloc]=120 [threads]=50 [query]=5
	[instructions]=5 [memory]=2 [start]=8 [sites]=25)

# What the figures are of.
machine()
{
	lscpu | awk -F ': *' '
		/^Model name/ { model = $2 }
		/^CPU\(s\)/ { n = $2 }
		/^(L1d|L2|L3)( cache)?:/ { split($1, level, " "); caches = caches ", " level[1] " " $2 }
		END { print "machine: " n " processors, " model caches }'
	echo "system: $(uname -sr), $(ldd --version | sed -n '1s/.* //p' | sed 's/^/glibc /'), transparent huge pages:" \
		"$(sed 's/.*\[\(.*\)\].*/\1/' /sys/kernel/mm/transparent_hugepage/enabled 2>/dev/null || echo unknown)"
	echo "date: $(date +%F), load before: $(cut -d ' ' -f 1-3 /proc/loadavg)"
}

# run PART [ARGUMENT]...: what it prints is kept too.
run()
{
	local part=$1
	shift
	"$dir/bench-$part.sh" "$@" | tee "bench-results/$part.out"
}

quick()
{
	export BENCH_RUNS=3 BENCH_STARTS=1 BENCH_WINDOWS=3 BENCH_ROUNDS=1 BENCH_SEARCH=3
	BENCH_AFTER=130 run load squid:10,2500:bare,both evhttp:2500:bare,both staged:2500:bare,both haproxy:2500:bare,both nginx:100:bare,both
	BENCH_AFTER=75 run misses staged:2500:bare,both evhttp:2500:bare,both
	BENCH_AFTER=50 run uniform staged
	BENCH_MOCK_COUNTS="100 2500" run mock
	run malloc 2 256 lifo
}

all()
{
	local part left=0 failed=''
	for part in $parts; do
		left=$((left + seconds[$part]))
	done
	for part in $parts; do
		left=$((left - seconds[$part]))
		echo
		echo "bench: $(date +%T) part '$part', after which some $(((left + 59) / 60)) min are left" >&2
		# Counts that changed, or of another compiler, are told; they are no reason to measure nothing.
		BENCH_AFTER=$left run "$part" || [ "$part" = instructions ] || failed+=" $part"
	done
	[ -z "$failed" ] || { echo "bench: failed:$failed" >&2; return 1; }
}

results()
{
	sed 's/$/  /' bench-results/machine # lines stay lines in Markdown
	echo
	"$dir/bench-results.sh" "$@"
}

part=${1:-all}
mkdir -p bench-results
case " $parts " in
*" $part "*)
	shift
	machine | tee bench-results/machine
	run "$part" "$@"
	;;
*)
	case $part in
	all | quick)
		machine | tee bench-results/machine
		"$part"
		;;
	results)
		shift
		if [ "${1:-}" = --into ]; then
			{
				sed '/^<!-- results -->$/q' "$2"
				echo
				results
			} >bench-results/into
			cp bench-results/into "$2"
		else
			results "$@"
		fi
		;;
	*)
		echo "usage: bench.sh [all|quick|results|${parts// /|}] [ARGUMENT]..." >&2
		exit 2
		;;
	esac
	;;
esac
