#!/usr/bin/env bash
# Throughput, processor time for a request and latency against concurrency: real servers and the samples, by themselves,
# with their events in order, with the arena, with both, and with other allocators.
#
#	bench-load.sh [SERVER:CONNECTIONS[,CONNECTIONS]...[:VARIANT[,VARIANT]...]]...
#
# Variants: bare order arena both, jemalloc mimalloc tcmalloc, and jemalloc+both and so on (the allocator beneath the shim).
# For each number of connections all variants are started, each with a client of its own that keeps its connections;
# after a time of warming up, which is also that in which the shim finds its bound, the clients load their servers in turn,
# for a window each. So a window of one variant has a window of each other one beside it: the ratios are of such pairs.
# The server has one processor and the client (and a proxy's origin) the other.
#
# BENCH_STARTS (3), BENCH_WINDOWS (3): starts, and windows of each; BENCH_SECONDS (0.5): of a window; BENCH_WARM (3): seconds
# of warming up, of variants with ordering and more than 100 connections; the others have a third of it.
# Each window is a line of bench-results/load.jsonl.

# shellcheck source-path=SCRIPTDIR source=bench-common.sh disable=SC2154
. "${0%/*}/bench-common.sh"
# shellcheck source=../t/servers.sh
. "$bench_dir/../t/servers.sh"

starts=${BENCH_STARTS:-3}
windows=${BENCH_WINDOWS:-3}
seconds=${BENCH_SECONDS:-0.5}
warm=${BENCH_WARM:-3}
lead=0.1 # seconds before a window in which the server finds its data again
client=$build_dir/samples/bench-client
results=$bench_results/load.jsonl
find_others

declare -A instance_group=() instance_client=() instance_to=() instance_from=() instance_worker=()

leave()
{
	[ ${#instance_client[@]} -eq 0 ] || kill "${instance_client[@]}" 2>/dev/null
	server_leave
	rm -rf "$work"
}

fail()
{
	echo "bench: $1" >&2
	exit 1
}

# prefix_of VARIANT: what is put before the server's command, in the array $prefix.
prefix_of()
{
	local way=${1#*+} beneath=''
	[ "$1" = "$way" ] || beneath=${library[${1%+*}]}
	case $way in
	bare) prefix=(env) ;;
	profile) prefix=("$stingy" profile -o "$work/$name" --) ;;
	order) prefix=("$stingy" run --order --) ;;
	arena) prefix=(env STINGY_SCHEDULE=off "$stingy" run -m "$work/$name.manifest" --) ;;
	both) prefix=("$stingy" run --order -m "$work/$name.manifest" --) ;;
	*) prefix=(env LD_PRELOAD="${library[$way]}") ;;
	esac
	[ -z "$beneath" ] || prefix=(env LD_PRELOAD="$beneath" "${prefix[@]}")
}

# begin VARIANT CONNECTIONS: starts the server so, and a client that connects to it.
begin()
{
	prefix_of "$1"
	server_use "$name"
	server_connections=$(($2 + 100))
	server_start "${on_server[@]}" "${prefix[@]}" || {
		cat "$server_dir/output" >&2
		fail "$name does not start as '$1'"
	}
	server_bench || fail "$name, $1: no answer to the first request"
	mkfifo "$server_dir/to" "$server_dir/from"
	"${on_client[@]}" "$client" "$server_port" "$2" "$server_pid" "${server_talks[@]}" \
		<"$server_dir/to" >"$server_dir/from" &
	instance_client[$1]=$!
	exec {fd}>"$server_dir/to"
	instance_to[$1]=$fd
	exec {fd}<"$server_dir/from"
	instance_from[$1]=$fd
	instance_group[$1]=$server_pid
	instance_worker[$1]=$(server_worker)
	hear "$1" # it is ready
}

# tell VARIANT LEAD SECONDS; hear VARIANT: what its client says, in $heard.
tell()
{
	echo "$2 $3" >&"${instance_to[$1]}"
}

hear()
{
	read -r heard <&"${instance_from[$1]}" || fail "$name, $1: the client has failed"
}

end()
{
	local to=${instance_to[$1]} from=${instance_from[$1]}
	kill "${instance_client[$1]}"
	wait "${instance_client[$1]}" 2>/dev/null || :
	unset "instance_client[$1]"
	exec {to}>&- {from}<&-
	kill -KILL -- "-${instance_group[$1]}"
	wait "${instance_group[$1]}" 2>/dev/null || :
	unset "server_groups[${instance_group[$1]}]"
}

# note CONNECTIONS VARIANT START WINDOW OBJECT: a line of the results.
note()
{
	printf '{"server": "%s", "connections": %d, "variant": "%s", "start": %d, "window": %d, %s\n' \
		"$name" "$1" "$2" "$3" "$4" "${5#\{}" >>"$results"
}

# make_manifest CONNECTIONS: from a profile under the load that will be measured.
make_manifest()
{
	progress "$name: profile, $1 connections"
	begin profile "$1"
	tell profile "$lead" 2
	hear profile
	end profile
	"$stingy" solve "$work/$name".*.trace -o "$work/$name.manifest" >"$work/$name.solved" 2>&1 || {
		cat "$work/$name.solved" >&2
		fail "$name: no manifest"
	}
	rm "$work/$name".*.trace
	cp "$work/$name.manifest" "$bench_results/$name.manifest"
}

# warm_up CONNECTIONS VARIANT
warm_up()
{
	local time
	time=$(awk -v all="$warm" -v c="$1" -v v="$2" 'BEGIN { print (c > 100 && v ~ /order|both/ ? all : all / 3) }')
	tell "$2" 0 "$time"
	hear "$2"
}

# point CONNECTIONS VARIANT...: all starts and windows of them.
point()
{
	local connections=$1 start window variant
	shift
	for start in $(seq "$starts"); do
		progress "$name: $connections connections, start $start of $starts"
		for variant; do
			begin "$variant" "$connections"
			warm_up "$connections" "$variant"
		done
		for window in $(seq "$windows"); do
			for variant; do
				tell "$variant" "$lead" "$seconds"
				hear "$variant"
				note "$connections" "$variant" "$start" "$window" "$heard"
			done
		done
		for variant; do
			case $variant in
			*order | *arena | *both)
				note "$connections" "$variant" "$start" 0 \
					"{\"stat\": $("$stingy" stat --json "${instance_worker[$variant]}" | jq -c .)}"
				;;
			esac
			end "$variant"
		done
	done
}

ulimit -n 20000
server_begin
trap leave EXIT
: >"$results"
for what; do
	IFS=: read -r name counts variants <<<"$what"
	IFS=, read -ra variants <<<"${variants:-bare,order,arena,both}"
	IFS=, read -ra counts <<<"$counts"
	make_manifest 2500
	for count in "${counts[@]}"; do
		point "$count" "${variants[@]}"
	done
done
