#!/usr/bin/env bash
# L2 data misses for a request against concurrency, by cachegrind, which simulates this machine's caches: it counts what the
# server does in user space, its libraries and the shim included.
#
#	bench-misses.sh [SERVER:CONNECTIONS[,CONNECTIONS]...[:VARIANT[,VARIANT]...]]...
#
# Each server is run twice, for a short and for a long time: the misses that the second has more are divided by the
# requests that it has more, so that starting, connecting and ending do not count. As many run at a time as there are
# processors. In a simulation nothing can be found out by time, so the bound of the ordering is given: the one that the load
# part has found (bench-results/load.jsonl), or else the one that the manifest begins with, or without a manifest 16.
#
# BENCH_CACHE: another geometry of the L2, as SIZE,WAYS,LINE

# shellcheck source-path=SCRIPTDIR source=bench-common.sh disable=SC2154
. "${0%/*}/bench-common.sh"
find_others
# shellcheck source=bench-servers.sh
. "$bench_dir/bench-servers.sh"

cache=${BENCH_CACHE:-$(getconf LEVEL2_CACHE_SIZE),$(getconf LEVEL2_CACHE_ASSOC),$(getconf LEVEL2_CACHE_LINESIZE)}
turns_short=1 turns_long=3 # requests of each connection
least=1000                 # requests, for each turn
job_seconds=20             # for the time left

# bound_of CONNECTIONS VARIANT: nothing where events are not ordered.
bound_of()
{
	local found=''
	[ ! -e "$bench_results/load.jsonl" ] || found=$(jq -r -s --arg server "$name" --argjson connections "$1" --arg variant "$2" \
		'[.[] | select(.window == 0 and .server == $server and .connections == $connections and .variant == $variant) |
			.live.order[]?.bound | select(. > 0)] | sort | .[length / 2 | floor] // empty' "$bench_results/load.jsonl")
	case $found.$2 in
	.order) echo 16 ;;
	.both) sed -n 's/^schedule .*tasks=\([0-9]*\).*/\1/p' "$bench_results/$name.manifest" ;;
	*) echo "$found" ;;
	esac
}

# simulate CONNECTIONS VARIANT TURNS: sets $misses and $answers, of a whole run.
simulate()
{
	local n=$(($1 * $3))
	begin "$2" "$1" valgrind --tool=cachegrind --cache-sim=yes --cachegrind-out-file=/dev/null "--LL=$cache" \
		--log-file="$work/cachegrind.%p"
	tell "$2" 0 600 $((n > least * $3 ? n : least * $3))
	hear "$2"
	answers=$(jq -n "$heard | .all")
	end_client "$2"
	kill -TERM "$server_pid"
	wait "$server_pid" || : # it says so in its own ways
	unset "server_groups[$server_pid]"
	misses=$(awk '/LLd misses:/ { gsub(",", ""); sum += $4 } END { print sum + 0 }' "$work/cachegrind.$server_pid")
	[ "$misses" -gt 0 ] || fail "$name, $2: cachegrind says nothing"
}

# job SERVER CONNECTIONS VARIANT
job()
{
	local misses answers short short_answers bound
	name=$1
	bound=$(bound_of "$2" "$3")
	SECONDS=$(($(date +%s) - BENCH_BEGAN))
	begin_progress $((BENCH_JOBS * job_seconds))
	progress_began=0
	done_of_progress $((($(wc -l <"$bench_results/misses.jsonl") - BENCH_BEFORE) * job_seconds))
	progress "misses: $name, $2 connections, $3"
	cp "$bench_results/$name.manifest" "$work"
	on_server=() on_client=() # nothing is timed
	simulate "$2" "$3" $turns_short
	short=$misses short_answers=$answers
	simulate "$2" "$3" $turns_long
	result misses "$(printf '"server": "%s", "connections": %d, "variant": "%s", "cache": "%s", "bound": %d, "misses": %s' \
		"$name" "$2" "$3" "$cache" "${bound:-0}" \
		"$(awk "BEGIN { printf \"%.2f\", ($misses - $short) / ($answers - $short_answers) }")")"
}

if [ "${1:-}" = job ]; then
	shift
	job "$@"
	exit
fi
# merecat closes a kept-alive connection whose next request it has not read within a second: cachegrind is too slow for
# more of them.
[ $# -gt 0 ] || set -- squid:100,1000,2500:bare,both evhttp:100,1000,2500:bare,both haproxy:2500:bare,both \
	squid:2500:order evhttp:2500:order lighttpd:2500:bare,both merecat:500:bare,both staged:100,1000,2500:bare,both
new_results misses
for what; do
	IFS=: read -r name counts variants <<<"$what"
	make_manifest 2500
	for count in ${counts//,/ }; do
		for variant in $(tr , ' ' <<<"${variants:-bare,order,arena,both}"); do
			echo job "$name" "$count" "$variant"
		done
	done
done >"$work/jobs"
BENCH_BEGAN=$(date +%s) BENCH_JOBS=$(wc -l <"$work/jobs")
BENCH_BEFORE=$(wc -l <"$bench_results/misses.jsonl")
export BENCH_BEGAN BENCH_JOBS BENCH_BEFORE
xargs -a "$work/jobs" -P "$(nproc)" -L 1 "$0"
"$bench_dir/bench-results.sh" misses
