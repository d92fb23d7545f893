#!/usr/bin/env bash
# Prints what the benchmark has found, as tables in Markdown, from bench-results/*.jsonl; and draws it.
#
#	bench-results.sh [PART]...
set -euo pipefail
export LC_ALL=C
bench_dir=$(realpath "${BASH_SOURCE[0]%/*}")
bench_results=$PWD/bench-results

# table PART JQ-PROGRAM [JQ-ARGUMENT]...: rows by a program, whose lists of cells are lines of the table.
rows()
{
	jq -r -s "$2 | .[] | \"| \" + (map(tostring) | join(\" | \")) + \" |\"" "$bench_results/$1.jsonl"
}

formats='
def fixed($digits): if . == null then "" else (. * pow(10; $digits) | round) as $n
	| if $digits == 0 then "\($n)" else (if $n < 0 then "-" else "" end) + (($n | fabs | tostring) | ("0" * (if $digits + 1 > length then $digits + 1 - length else 0 end) // "") + . | .[:-$digits] + "." + .[-$digits:]) end end;
def change: if . == null then "" else (. - 1) * 100 | (if . >= 0 then "+" else "" end) + fixed(1) + "%" end;
def range: "\(.median | change) (\(.quarter | change) to \(.three_quarters | change))";
'

load()
{
	echo "| server | connections | variant | requests/s | against bare (quartiles) | CPU us/request | against bare (quartiles) | p50 ms | p99 ms | server, client busy | errors |"
	echo "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
	jq -r -s -f "$bench_dir/bench-load.jq" "$bench_results/load.jsonl" >"$bench_results/load-summary.json"
	jq -r "$formats"'.[] | [.server, .connections, .variant, (.rate.median | fixed(0)),
		(if .variant == "bare" then "" else (.rate_ratio | range) end), (.cpu_us.median | fixed(2)),
		(if .variant == "bare" then "" else (.cpu_ratio | range) end), (.p50_ms | fixed(2)), (.p99_ms | fixed(2)),
		"\(.server_busy * 100 | fixed(0))%, \(.client_busy * 100 | fixed(0))%", .errors]
		| "| " + (map(tostring) | join(" | ")) + " |"' "$bench_results/load-summary.json"
}
for part; do
	"$part"
done
