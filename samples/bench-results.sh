#!/usr/bin/env bash
# Prints what the benchmark has found, as tables in Markdown, from bench-results/ in the build directory; draws it as SVG where
# gnuplot is installed; and puts it all into bench-results/bench-results.json.
#
#	bench-results.sh [PART]...
set -euo pipefail
export LC_ALL=C
bench_dir=$(realpath "${BASH_SOURCE[0]%/*}")
cd bench-results

# table PART TITLES PROGRAM: a table of a part's results; the program makes lists of cells of them all.
table()
{
	echo "$2"
	# shellcheck disable=SC2001 # a pattern
	echo "$2" | sed 's/[^|]\{1,\}/ --- /g'
	jq -r -s "$formats $3 | .[] | \"| \" + (map(tostring) | join(\" | \")) + \" |\"" "$1"
}

# Numbers with a fixed count of decimals, ratios as changes in per cent.
# shellcheck disable=SC2016 # jq's variables
formats='
def fixed($digits): if . == null then "" else
	(if . < 0 then "-" else "" end) as $sign | (fabs * pow(10; $digits) | round | tostring) as $n
	| if $digits == 0 then $sign + $n else
		(if ($n | length) <= $digits then "0" * ($digits + 1 - ($n | length)) + $n else $n end)
		| $sign + .[:-$digits] + "." + .[-$digits:] end end;
def change: if . == null then "" else (. - 1) * 100 | (if . >= 0 then "+" else "" end) + fixed(1) + "%" end;
def range: if .median == null then "" else "\(.median | change) (\(.quarter | change) to \(.three_quarters | change))" end;
def median: sort | .[((length - 1) / 2 | floor)];
'

# The paper's table, and the targets.
part_paper()
{
	local list
	echo "### The paper's figures beside ours"
	echo
	[ ! -s load.jsonl ] || jq -s -f "$bench_dir/bench-load.jq" load.jsonl >load-summary.json
	for list in load misses uniform mock; do
		if [ "$list" = load ] && [ -s load-summary.json ]; then
			jq '{load: .}' load-summary.json
		elif [ "$list" != load ] && [ -s "$list.jsonl" ]; then
			jq -s "{$list: .}" "$list.jsonl"
		else
			echo "{\"$list\": []}"
		fi
	done | jq -s add >paper.json
	table paper.json "| what | paper | server | ours, against bare | to be won | target | reached |" ".[0] | $(<"$bench_dir/bench-paper.jq")"
}

part_load()
{
	echo "### Throughput, processor time and latency against concurrency"
	echo
	echo "Kept-alive connections, a file of 1 KiB (redis: GET and SET of 512 bytes; memcached: three gets, one set). Against bare:"
	echo "median and quartiles of pairs of windows side by side. CPU time is the server's, of all its threads, kernel included."
	echo
	jq -s -f "$bench_dir/bench-load.jq" load.jsonl >load-summary.json
	# shellcheck disable=SC2016
	table load-summary.json "| server | connections | variant | requests/s | against bare | CPU us/request | against bare | p50 ms | p99 ms | busy: server, client | pairs | errors |" \
		'.[0] | map(. as $row | (.variant == "bare") as $bare | [.server, .connections, .variant, (.rate.median | fixed(0)),
			(if $bare then "" else (.rate_ratio | range) end), (.cpu_us.median | fixed(2)),
			(if $bare then "" else (.cpu_ratio | range) end), (.p50_ms | fixed(2)), (.p99_ms | fixed(2)),
			"\(.server_busy * 100 | fixed(0))%, \(.client_busy * 100 | fixed(0))%", .pairs, .errors])'
	echo
	echo "What the shim did (share of allocations from the arena; ordering: its bound, or why not; seconds until it had decided, at most):"
	echo
	# shellcheck disable=SC2016
	table load-summary.json "| server | connections | variant | from the arena | ordering | decided after |" \
		'.[0] | map(select(.searched)) | map([.server, .connections, .variant, (if .served then (.served | fixed(1)) + "%" else "" end),
			([.orders[] | if .ordering == "on" then "on, \(.bound)" elif .why != "" then .why else .ordering end] | group_by(.) | map("\(.[0]) (\(length))") | join("; ")),
			(.searched | fixed(1))])'
}

part_misses()
{
	echo "### L2 data misses for a request (cachegrind)"
	echo
	# shellcheck disable=SC2016
	table misses.jsonl "| server | connections | cache | bare | variant | bound | misses | change |" \
		'. as $all | map(. as $row | ($all | map(select(.variant == "bare" and .server == $row.server and .connections == $row.connections and .cache == $row.cache)) | .[0].misses) as $bare
			| select(.variant != "bare") | [.server, .connections, .cache, ($bare | fixed(1)), .variant, .bound, (.misses | fixed(1)),
				(if $bare and $bare > 0 then (.misses / $bare | change) else "" end)]) | sort'
}

part_mock()
{
	echo "### Mock server: ns for a task"
	echo
	# shellcheck disable=SC2016
	table mock.jsonl "| options | tasks in flight | glibc, in turn | glibc, staged | arena (L2), in turn | arena (L2), staged | arena (L1), staged | L2 against glibc in turn | L1 against glibc in turn |" \
		'group_by([.options, .tasks]) | map(. as $g | def ns($place; $policy): $g | map(select(.place == $place and .policy == $policy)) | .[0].ns;
			[.[0].options, .[0].tasks, ns("glibc"; "round-robin"), ns("glibc"; "staged"), ns("L2"; "round-robin"), ns("L2"; "staged"), ns("L1"; "staged"),
			"\(ns("glibc"; "round-robin") / ns("L2"; "staged") | fixed(2)) times", "\(ns("glibc"; "round-robin") / ns("L1"; "staged") | fixed(2)) times"])'
}

part_uniform()
{
	echo "### Uniform load to failure: requests/s that the server keeps up with (httperf)"
	echo
	# shellcheck disable=SC2016
	table uniform.jsonl "| server | bare | both | change | busy: bare, both | rounds |" \
		'group_by(.server) | map(. as $g | def peaks($v): $g | map(select(.variant == $v) | .peak);
			[.[0].server, "\(peaks("bare") | median) (\(peaks("bare") | min) to \(peaks("bare") | max))",
			"\(peaks("both") | median) (\(peaks("both") | min) to \(peaks("both") | max))", ((peaks("both") | median) / (peaks("bare") | median) | change),
			(["bare", "both"] | map(. as $v | $g | map(select(.variant == $v) | .busy) | median * 100 | fixed(0) + "%") | join(", ")), (peaks("bare") | length)])'
}

everything=no
[ -e machine ] || : >machine
[ $# -gt 0 ] || { set -- paper load misses uniform mock; everything=yes; }
for part; do
	[ "$part" = paper ] || [ -s "$part.jsonl" ] || continue
	"part_$part"
	echo
done
# What the other parts have printed, as it is.
for part in *.out; do
	if [ "$everything" = no ] || [ ! -e "$part" ] || [ -s "${part%.out}.jsonl" ]; then
		continue
	fi
	printf '### %s\n\n```\n' "${part%.out}"
	cat "$part"
	printf '```\n\n'
done
for part in *.jsonl; do
	jq -s --arg part "${part%.jsonl}" '{($part): .}' "$part"
done | jq -s --rawfile machine machine 'add + {machine: ($machine | split("\n") | map(select(. != "")))}' >bench-results.json
if command -v gnuplot >/dev/null; then
	"$bench_dir/bench-plots.sh" >&2
fi
