#!/usr/bin/env bash
# The benchmark: its client counts what it should and says what fails; the figures that are made of windows are right; a
# part of it runs, and its results are tables and JSON. Nothing is said about times.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2154,SC2317 # from files; called by name
. "${0%/*}/tap.sh"
t=$(realpath "${0%/*}")
# shellcheck source=servers.sh disable=SC2154
. "$t/servers.sh"
SAMPLEDIR=$(realpath "${SAMPLEDIR:-samples}")
stingy=$(realpath "$stingy")
build=$PWD
client=$SAMPLEDIR/bench-client

server_use staged
server_start
server_bench

# say LINE...: to a client with 10 connections; what it says is in $said and $server_dir/said, complaints too.
say()
{
	said=$(printf '%s\n' "$@" | timeout 240 "$client" "$server_port" 10 "$server_pid" "${server_talks[@]}" 2>&1)
	printf '%s\n' "$said" >"$server_dir/said"
}

# field NAME: of the last line.
field()
{
	tail -n 1 "$server_dir/said" | jq ".$1"
}

say "0 60 500"
tap_ok "a client counts until it has its answers" [ "$(field requests)" -ge 500 ]
tap_is "none of them an error" "$(field errors)" 0
tap_ok "and tells what the server used" [ "$(field cpu_ns)" -gt 0 ]
tap_ok "percentiles are in order" jq -se '.[-1] | .p50_us > 0 and .p50_us <= .p99_us and .p99_us <= .longest_us' \
	<(tail -n 1 "$server_dir/said")
say "0.1 60 100" "0.1 60 100"
tap_is "two loads are two lines after 'ready'" "$(wc -l <"$server_dir/said")" 3

http_request GET /missing keep-alive >"$server_dir/request"
say "0 60 500"
tap_ok "it does not take a failure for an answer" grep -q 'fails too often: an answer that is none' "$server_dir/said"
http_request GET /small close >"$server_dir/request"
say "0 60 100"
tap_ok "a connection that the server closes behind its answer is made anew" [ "$(field reopened)" -ge 90 ]
tap_is "which is no error" "$(field errors)" 0
say "soon"
tap_ok "what is no order is refused" grep -q "this is not 'LEAD SECONDS \[ANSWERS\]'" "$server_dir/said"
server_stop

# Two starts of two windows each: bare takes 10 us and 100 ms for 10,000 requests; order half of that, but once a tenth more.
made()
{
	local variant=$1 start=$2 window=$3 us=$4
	jq -nc --arg v "$variant" --argjson s "$start" --argjson w "$window" --argjson us "$us" '{server: "made", connections: 100,
		variant: $v, start: $s, window: $w, seconds: ($us / 100), requests: 10000, errors: 0, cpu_ns: ($us * 1e7),
		user_ns: ($us * 5e6), client_ns: 1e6, p50_us: 1000, p99_us: 2000, longest_us: 3000}'
}
for start in 1 2; do
	for window in 1 2; do
		made bare $start $window $((start * 10))
		made order $start $window $((start == 2 && window == 2 ? 22 : start * 5))
	done
done >"$server_dir/load.jsonl"
summary=$(jq -s -f "$t/../samples/bench-load.jq" "$server_dir/load.jsonl")
tap_is "ratios are of pairs, in the median" "$(jq -c '.[] | select(.variant == "order") | [.cpu_ratio.median, .rate_ratio.median, .cpu_ratio.most, .pairs]' <<<"$summary")" "[0.5,2,1.1,4]"
tap_is "and a variant beside itself is 1" "$(jq -c '.[] | select(.variant == "bare") | [.cpu_ratio.least, .cpu_ratio.most, .user]' <<<"$summary")" "[1,1,0.5]"

mkdir "$server_dir/bench" && cd "$server_dir/bench" || exit 1
for needed in .libs samples stingy t; do
	ln -s "$build/$needed" .
done
BENCH_STARTS=1 BENCH_WINDOWS=2 BENCH_SECONDS=0.05 BENCH_SEARCH=1 builddir=$build timeout 400 \
	"$t/../samples/bench.sh" load staged:10:bare,both >out 2>err
tap_is "a part of the benchmark runs" $? 0 || tap_note "$(cat err)"
tap_ok "and prints its table" grep -Eq '^\| staged \| 10 \| both \| [1-9][0-9]* \| [+-]' out
tap_ok "and its results" jq -e '.load | map(select(.requests > 0 and .errors == 0)) | length == 4' bench-results/bench-results.json
tap_ok "from a manifest that serves" jq -e '[.load[] | select(.live) | .live.served] | min > 0' bench-results/bench-results.json
tap_ok "and says how long it will take" grep -q 'staged: 10 connections, start 1 of 1 (some [0-9]* min left)' err
echo '<!-- results -->' >RESULTS.md
echo old >>RESULTS.md
"$t/../samples/bench.sh" results --into RESULTS.md 2>>err
tap_ok "results go below their line" grep -q '^| staged | 10 | both ' RESULTS.md
tap_ok "in the place of older ones" test -z "$(grep old RESULTS.md)"
tap_done
