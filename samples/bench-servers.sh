# shellcheck shell=bash disable=SC2034,SC2154,SC2329 # variables and functions go from file to file
# Servers to be measured, several at a time, each with a client of its own (bench-client.c). Source it after
# bench-common.sh; set $name to the server that the functions are about, one of t/servers/.
#
# A variant says how a server is run; if $bound is set, ordering has this bound, and looks for no other:
#   bare                        by itself
#   order                       with its events in order
#   arena                       under its manifest, its events as they come
#   both                        under its manifest, its events in order if the manifest says so
#   order=N, both=N             the same, with this bound
#   jemalloc mimalloc tcmalloc  by itself, with that allocator
#   jemalloc+both ...           with the shim, and that allocator beneath it

# shellcheck source-path=SCRIPTDIR source=../t/servers.sh
. "$bench_dir/../t/servers.sh"

lead=0.1 # seconds before a window in which a server finds its data again
declare -A instance_group=() instance_worker=() instance_client=() instance_to=() instance_from=()

bench_leave()
{
	[ ${#instance_client[@]} -eq 0 ] || kill "${instance_client[@]}" 2>/dev/null || :
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
	order) prefix=("$stingy" run "--order${bound:+=$bound}" --) ;;
	order=*) prefix=("$stingy" run "--$way" --) ;;
	both=*) prefix=("$stingy" run "--order=${way#*=}" -m "$work/$name.manifest" --) ;;
	arena) prefix=("$stingy" run --order=off -m "$work/$name.manifest" --) ;;
	both) prefix=("$stingy" run ${bound:+"--order=$bound"} -m "$work/$name.manifest" --) ;;
	*) prefix=(env LD_PRELOAD="${library[$way]}") ;;
	esac
	[ -z "$beneath" ] || prefix=(env LD_PRELOAD="$beneath" "${prefix[@]}")
}

start()
{
	server_use "$name"
	server_connections=$(($1 + 100))
	shift
	server_start "${on_server[@]}" "${prefix[@]}" "$@"
}

# begin VARIANT CONNECTIONS [COMMAND...]: starts the server so, by COMMAND, and a client that connects to it.
begin()
{
	local variant=$1 connections=$2
	shift 2
	prefix_of "$variant"
	start "$connections" "$@" || start "$connections" "$@" || { # somebody else may have been faster to take the port
		cat "$server_dir/output" >&2
		fail "$name does not start as '$variant'"
	}
	server_bench || fail "$name, $variant: no answer to the first request"
	instance_group[$variant]=$server_pid
	instance_worker[$variant]=$(server_worker)
	begin_client "$variant" "$connections"
}

# begin_client VARIANT CONNECTIONS: of the server that was started last.
begin_client()
{
	local to from
	rm -f "$server_dir/to" "$server_dir/from"
	mkfifo "$server_dir/to" "$server_dir/from"
	"${on_client[@]}" "$build_dir/samples/bench-client" "$server_port" "$2" "$server_pid" "${server_talks[@]}" \
		<"$server_dir/to" >"$server_dir/from" &
	instance_client[$1]=$!
	exec {to}>"$server_dir/to" {from}<"$server_dir/from"
	instance_to[$1]=$to
	instance_from[$1]=$from
	hear "$1" # it is ready
	server_await 3 has_accepted "$server_pid" "$2" || : # it may take as many as it wants
}

# has_accepted PID CONNECTIONS: it, or one of its children; under load it might take seconds to come to that.
has_accepted()
{
	local pid
	for pid in "$1" $(server_children "$1"); do
		[ "$(find "/proc/$pid/fd" | wc -l)" -le "$2" ] || return 0
	done
	return 1
}

# tell VARIANT LEAD SECONDS [ANSWERS]: its client loads the server; hear VARIANT: what it then says, in $heard; hears
# VARIANT: the same, or false if the client has given up.
tell()
{
	echo "$2 $3 ${4:-}" >&"${instance_to[$1]}"
}

hears()
{
	read -r heard <&"${instance_from[$1]}"
}

hear()
{
	hears "$1" || fail "$name, $1: the client has failed"
}

end_client()
{
	local to=${instance_to[$1]} from=${instance_from[$1]}
	kill "${instance_client[$1]}" 2>/dev/null || : # it may have given up
	wait "${instance_client[$1]}" 2>/dev/null || :
	unset "instance_client[$1]"
	exec {to}>&- {from}<&-
}

# end VARIANT: of its client, and of the server, without ceremony.
end()
{
	end_client "$1"
	end_server "$1"
}

end_server()
{
	kill -KILL -- "-${instance_group[$1]}"
	wait "${instance_group[$1]}" 2>/dev/null || :
	unset "server_groups[${instance_group[$1]}]"
}

# make_manifest CONNECTIONS: from a profile under the load that will be measured, or of the folder BENCH_MANIFESTS. Only if
# there is none yet.
make_manifest()
{
	[ ! -e "$work/$name.manifest" ] || return 0
	if [ -n "${BENCH_MANIFESTS:-}" ]; then
		cp "$BENCH_MANIFESTS/$name.manifest" "$work/"
		cp "$BENCH_MANIFESTS/$name.manifest" "$bench_results/"
		return
	fi
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

# live VARIANT: the shim's figures, as JSON.
live()
{
	"$stingy" stat --json "${instance_worker[$1]}" | jq -c 'if type == "array" then .[0] else . end'
}

ulimit -n "$(($(ulimit -Hn) < 20000 ? $(ulimit -Hn) : 20000))"
server_begin
trap bench_leave EXIT
