#!/usr/bin/env bash
# The benchmark: what Stingy costs, beside glibc, jemalloc, mimalloc and tcmalloc.
#
#	bench.sh                         all parts, one after the other (make bench); some five minutes on a quiet machine
#	bench.sh PART [ARGUMENT]...      one of them
#	bench.sh malloc 1 48 lifo        one row of malloc
#
# Run from the build directory. BENCH_RUNS: how many runs of each kind (7); they are alternated, and medians count.
# Results go to stdout, what it is doing to stderr.
set -euo pipefail
export LC_ALL=C
dir=${BASH_SOURCE[0]%/*}

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
	echo "load before: $(cut -d ' ' -f 1-3 /proc/loadavg)"
}

parts="instructions memory start sites malloc query threads profile"
part=${1:-all}
case " $parts all " in
*" $part "*) shift $(($# > 0)) ;;
*)
	echo "usage: bench.sh [all|${parts// /|}] [ARGUMENT]..." >&2
	exit 2
	;;
esac
machine
if [ "$part" != all ]; then
	exec "$dir/bench-$part.sh" "$@"
fi
for part in $parts; do
	echo
	# Counts that changed, or of another compiler, are told; they are no reason to measure nothing.
	"$dir/bench-$part.sh" || [ "$part" = instructions ]
done
