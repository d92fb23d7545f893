#!/usr/bin/env bash
# Uniform load to failure: httperf opens connections at a given rate, whether the server keeps up or not, with 20 requests
# one after the other on each. The rate rises by steps until requests fail (5 s without an answer, or refused) or come to
# less than nine tenths of the rate, twice in a row; the peak is the rate before that.
#
#	bench-uniform.sh [SERVER]...      staged, evhttp and squid by default
#
# Connections end by a reset, lest the ports that they used are not to be had for a minute.
# "busy" is what the server used of its processor at its peak: much less than all of it, and the peak is httperf's.

# shellcheck source-path=SCRIPTDIR source=bench-common.sh disable=SC2154
. "${0%/*}/bench-common.sh"
find_others
# shellcheck source=bench-servers.sh
. "$bench_dir/bench-servers.sh"

rounds=${BENCH_ROUNDS:-2}
calls=20       # requests on a connection
time_of_rate=1.5 # seconds of a trial

# used: nanoseconds of processor time of the server so far.
used()
{
	cat /proc/"${instance_worker[$variant]}"/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# trial RATE: of requests a second; prints how many a second were answered in all, how many failed, and the share of a
# processor that the server used.
trial()
{
	local rate connections before
	before=$(used)
	rate=$(awk "BEGIN { print $1 / $calls }")
	connections=$(awk "BEGIN { print int($rate * $time_of_rate) }")
	timeout 15 "${on_client[@]}" httperf --hog --close-with-reset --server 127.0.0.1 --port "$server_port" --uri /small --rate "$rate" \
		--num-conns "$connections" --num-calls $calls --timeout 5 2>"$work/httperf.err" |
		awk -v asked="$((connections * calls))" -v before="$before" -v now="cat /proc/${instance_worker[$variant]}/task/*/schedstat" '
			/^Total:/ { answered = $7; took = $9 }
			/^Errors: total/ { failed = $3 }
			END {
				while ((now | getline) > 0)
					used += $1
				printf "%.0f %d %.2f\n", (took > 0 ? answered / took : 0), failed + asked - answered, (took > 0 ? (used - before) / 1e9 / took : 0)
			}'
}

# peak FROM: the greatest rate that the server keeps up with; steps of 5 per cent upwards from FROM. And how busy it then was.
peak()
{
	local rate=$1 best=0 busy=0 failures=0 answered failed share
	while [ $failures -lt 2 ]; do
		read -r answered failed share < <(trial "$rate" || :)
		if awk "BEGIN { exit !($failed == 0 && $answered >= 0.90 * $rate) }"; then
			best=$rate busy=$share failures=0
			rate=$((rate * 105 / 100))
		else
			failures=$((failures + 1))
			sleep 1 # for what is left of it
		fi
	done
	echo "$best $busy"
}

# guess: a rate that it surely keeps up with: six tenths of what it does for 40 connections.
guess()
{
	begin_client guess 40
	tell guess 0.2 0.5
	hear guess
	end_client guess
	jq -n "$heard | .requests / .seconds * 0.6 | floor"
}

[ $# -gt 0 ] || set -- staged evhttp squid
new_results uniform
begin_progress $(($# * rounds * 2 * 22))
for name; do
	make_manifest 2500
	for round in $(seq "$rounds"); do
		for variant in bare both; do
			progress "uniform: $name, $variant, round $round of $rounds"
			begin "$variant" 1
			end_client "$variant"
			[ "$round.$variant" != 1.bare ] || from=$(guess)
			read -r rate busy < <(peak "$from")
			result uniform "$(printf '"server": "%s", "variant": "%s", "round": %d, "peak": %d, "busy": %s' \
				"$name" "$variant" "$round" "$rate" "$busy")"
			end_server "$variant"
			done_of_progress 22
		done
	done
done
"$bench_dir/bench-results.sh" uniform
