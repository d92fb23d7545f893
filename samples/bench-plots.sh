#!/usr/bin/env bash
# Draws what is in bench-results/ (the current directory): for each server that was measured with four numbers of connections or
# more, throughput and processor time against concurrency; misses; the mock server. SVG, for light and dark paper alike.
set -euo pipefail
export LC_ALL=C
work=$(mktemp -d "${TMPDIR:-/tmp}/stingy-plots.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Colours that can be told apart by everybody, and points that differ too.
style='
set terminal svg size 760,420 font "sans-serif,13" background "white"
set grid lw 0.5 lc rgb "#cccccc"
set border 3 lw 1 lc rgb "#444444"
set tics nomirror
set logscale x
set key outside right top vertical Left reverse samplen 2 spacing 1.3
set style line 1 lc rgb "#444444" lw 2.5 pt 4 ps 0.8
set style line 2 lc rgb "#0072b2" lw 2.5 pt 6 ps 0.8
set style line 3 lc rgb "#009e73" lw 2.5 pt 8 ps 0.9
set style line 4 lc rgb "#d55e00" lw 2.5 pt 7 ps 0.8
'

declare -A style_of=([bare]=1 [order]=2 [arena]=3 [both]=4
	[glibc, in turn]=1 [glibc, staged]=2 [arena, in turn]=3 [arena, staged]=4)

# ticks FILE: what gnuplot is to write below the axis: the first column, in thousands where it is long.
ticks()
{
	awk '
		{ list = list sprintf("%s\"%s\" %s", (NR > 1 ? ", " : ""), ($1 >= 1000 ? $1 / 1000 "k" : $1), $1); last = $1 }
		NR == 1 { first = $1 }
		END { printf "set xtics (%s)\nset xrange [%s:%s]\n", list, first * 0.9, last * 1.1 }' "$1"
}

# draw OUTPUT TITLE X-LABEL Y-LABEL NAME:FILE...: a line for each file of two columns.
draw()
{
	local output=$1 title=$2 x=$3 y=$4 curves='' curve
	shift 4
	for curve; do
		curves+="${curves:+, }'${curve#*:}' using 1:2 with linespoints ls ${style_of[${curve%%:*}]} title '${curve%%:*}'"
	done
	gnuplot <<-END
		$style
		set output '$output.svg'
		set title '$title' font ",15"
		set xlabel '$x'
		set ylabel '$y'
		$(ticks "${curve#*:}")
		set yrange [0:*]
		plot $curves
	END
	echo "drawn: $PWD/$output.svg"
}

# load_curves SERVER FIELD OUTPUT TITLE LABEL
load_curves()
{
	local variant curves=()
	for variant in bare order arena both; do
		jq -r --arg server "$1" --arg variant "$variant" \
			".[] | select(.server == \$server and .variant == \$variant) | \"\\(.connections) \\($2)\"" load-summary.json |
			sort -n >"$work/$1.$3.$variant"
		[ "$(wc -l <"$work/$1.$3.$variant")" -lt 4 ] || curves=("$variant:$work/$1.$3.$variant" "${curves[@]}")
	done
	draw "$1-$3" "$4" 'connections, all busy' "$5" "${curves[@]}"
}

if [ -s load-summary.json ]; then
	for server in $(jq -r 'group_by(.server) | map(select(map(select(.variant == "bare")) | length > 3) | .[0].server) | .[]' load-summary.json); do
		load_curves "$server" .rate.median rate "$server: throughput" 'requests/s'
		load_curves "$server" .cpu_us.median cpu "$server: processor time for a request" 'microseconds'
		load_curves "$server" .p99_ms p99 "$server: latency, 99th percentile" 'milliseconds'
	done
fi
if [ -s misses.jsonl ]; then
	for server in $(jq -r -s 'group_by(.server) | map(select(map(select(.variant == "bare")) | length > 2) | .[0].server) | .[]' misses.jsonl); do
		curves=()
		for variant in bare order both; do
			jq -r --arg server "$server" --arg variant $variant \
				'select(.server == $server and .variant == $variant) | "\(.connections) \(.misses)"' misses.jsonl |
				sort -n >"$work/$server.misses.$variant"
			[ "$(wc -l <"$work/$server.misses.$variant")" -lt 2 ] || curves=("$variant:$work/$server.misses.$variant" "${curves[@]}")
		done
		draw "$server-misses" "$server: L2 data misses for a request" 'connections, all busy' 'misses (cachegrind)' "${curves[@]}"
	done
fi
if [ -s mock.jsonl ]; then
	curves=()
	for what in 'glibc, in turn:glibc:round-robin' 'glibc, staged:glibc:staged' 'arena, in turn:L2:round-robin' 'arena, staged:L2:staged'; do
		IFS=: read -r title place policy <<<"$what"
		jq -r --arg place "$place" --arg policy "$policy" \
			'select(.options != "" and .place == $place and .policy == $policy) | "\(.tasks) \(.ns)"' mock.jsonl |
			sort -n >"$work/mock.$place.$policy"
		curves+=("$title:$work/mock.$place.$policy")
	done
	[ ! -s "$work/mock.glibc.staged" ] || draw mock 'mock server: time for a task (8 KiB of state, in sequence)' 'tasks in flight' 'ns' "${curves[@]}"
fi
