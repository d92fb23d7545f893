# shellcheck shell=bash disable=SC2034,SC2154,SC2317 # variables and functions go from file to file
# Real servers for the end-to-end tests: start one bare, under the profiling library or under a manifest; put
# load on it; read its counters; stop it. Source it and call server_use NAME; servers/NAME.sh then says how that
# server is configured, driven and judged. Prints no TAP: share-table.sh uses it too.
#
# A prefix command ("stingy run -m MANIFEST --") is put before the server's own, so the server alone is preloaded,
# never the program that drives it. Everything listens on 127.0.0.1 and lives in a directory of its own; whatever
# happens, both are gone when the shell ends.
#
# What a servers/NAME.sh must define, and may use $server_dir and $server_port for:
#   server_needs      array: the commands it cannot do without
#   server_workloads  array: names for server_load
#   server_version    prints the server's version
#   server_configure  writes the configuration; sets the array server_command
#   server_answers    prints what the server says to a fixed list of requests; the same each time if it is right
#   server_load NAME  puts one workload on it; fails if any request does; prints what went wrong
#   server_bench      what the benchmark's client sends, once it runs: sets the array server_talks, files of requests and
#                     lengths of their answers (samples/bench-client.c)
# and what it may define, where the defaults below do not suit:
#   server_worker     prints the pid that does the work
#   server_label      what it is called in reports, if not by its name alone
#   server_errors     prints the lines of its logs that tell of errors
#   server_stop_signal, server_stop_status: how to ask it to end, and what it then answers
#   server_may_be_left_alone: not empty if it may allocate so little while serving that its manifest has no sites

export LC_ALL=C # answers are bytes, and messages are matched

servers_at=${BASH_SOURCE[0]%/*}/servers
stingy=${STINGY:-${builddir:-.}/stingy}
server_requests=20000
server_concurrency=100
server_connections=1000 # that its configuration has to allow

declare -A server_groups=() # process groups started here and perhaps alive: by number
server_ports=0 # ports handed out

# server_begin: a fresh directory in $server_work, and a way to leave nothing behind. The directory's name is the number
# of twenty ports: whoever could make it has them for himself, among all who do so.
server_begin()
{
	local tries=1000
	while server_block=$((RANDOM % 600)); do
		server_work=${TMPDIR:-/tmp}/stingy-servers.$server_block
		mkdir "$server_work" 2>/dev/null && break
		[ $((tries -= 1)) -gt 0 ] || { echo "cannot make a directory such as '$server_work'" >&2; exit 1; }
	done
	trap server_leave EXIT
	trap 'exit 1' HUP INT TERM
	chmod 755 "$server_work" # servers that start as root read it as somebody else
}

server_leave()
{
	server_kill
	rm -rf "$server_work"
}

# server_kill: ends what this shell has started; a subshell must do so before it ends.
server_kill()
{
	local group
	for group in "${!server_groups[@]}"; do
		kill -KILL -- "-$group" 2>/dev/null
	done
	wait 2>/dev/null
}

# server_use NAME: makes NAME the server that the other functions are about.
server_use()
{
	[ -n "${server_work:-}" ] || server_begin
	server_name=$1
	server_dir=$(mktemp -d "$server_work/$1.XXXXXX") || exit 1
	mkdir "$server_dir/traces"
	chmod 755 "$server_dir"
	chmod 1777 "$server_dir/traces" # a worker that has given up root still writes its trace
	server_manifest=$server_dir/manifest
	server_port_new
	server_port=$server_port_found

	server_label=$1
	server_stop_signal=TERM
	server_stop_status=0
	server_may_be_left_alone=''
	server_worker()
	{
		printf '%s\n' "$server_pid"
	}
	server_errors()
	{
		:
	}
	# shellcheck source=/dev/null
	. "$servers_at/$1.sh"
}

# server_port_new: sets server_port_found to a port that nobody listens on. Below the range from which the kernel
# takes ports for clients; of the shell's own twenty, so that tests that run side by side do not meet.
server_port_new()
{
	while :; do
		server_port_found=$((20000 + server_block * 20 + server_ports % 20))
		server_ports=$((server_ports + 1))
		server_port_answers "$server_port_found" || return 0
	done
}

server_port_answers()
{
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# server_await SECONDS COMMAND...: waits until the command succeeds, but no longer than that.
server_await()
{
	local turns=$(($1 * 20))
	shift
	while ! "$@"; do
		[ "$turns" -gt 0 ] || return 1
		turns=$((turns - 1))
		sleep 0.05
	done
}

# server_spawn OUTPUT COMMAND...: starts a server in a process group of its own and sets server_spawned to its pid.
# A background job of a script leads no group, so setsid need not fork: the pid stays the server's.
server_spawn()
{
	local output=$1
	shift
	setsid "$@" >"$output" 2>&1 </dev/null &
	server_spawned=$!
	server_groups[$server_spawned]=1
}

# server_start [PREFIX COMMAND...]: starts the server and waits until it takes connections.
server_start()
{
	server_configure
	server_spawn "$server_dir/output" "$@" "${server_command[@]}"
	server_pid=$server_spawned
	server_await 120 server_is_decided
	! server_is_gone && server_port_answers "$server_port" && [ -n "$(server_worker)" ]
}

server_start_profiled()
{
	server_start "$stingy" profile -o "$server_dir/traces/$server_name" --
}

server_start_managed()
{
	server_start "$stingy" run -m "$server_manifest" --
}

# server_is_gone: neither the process nor, once it leads it, anybody in its group is left.
server_is_gone()
{
	! kill -0 "$server_pid" 2>/dev/null && ! kill -0 -- "-$server_pid" 2>/dev/null
}

# server_is_decided: it takes connections, or it never will.
server_is_decided()
{
	server_is_gone || server_port_answers "$server_port"
}

# server_is_idle: no connection to it is open or still to be closed. 01 is ESTABLISHED, 08 is CLOSE_WAIT.
server_is_idle()
{
	awk -v port="$(printf '%04X' "$server_port")" '
		substr($2, index($2, ":") + 1) == port && ($4 == "01" || $4 == "08") { busy = 1 }
		END { exit busy }' /proc/net/tcp
}

# server_stop: asks the server to end. Fails if it ends otherwise than it should, or not at all, or not as a whole. That
# clients have gone it may not have noticed yet: lighttpd's status is 1 where it ends with connections open.
server_stop()
{
	local gone=yes
	server_await 20 server_is_idle
	kill -"$server_stop_signal" "$server_pid" 2>/dev/null # it may have ended by itself
	server_await 60 server_is_gone || gone=no
	[ "$gone" = yes ] || kill -KILL -- "-$server_pid"
	wait "$server_pid" 2>/dev/null # the shell tells of a process that was killed
	server_status=$?
	unset "server_groups[$server_pid]"
	[ "$gone" = yes ] && [ "$server_status" -eq "$server_stop_status" ]
}

# server_own USER: started by root, the server gives that up for USER before it opens its files.
server_own()
{
	[ "$(id -u)" -ne 0 ] || chown "$1" "$server_dir"
}

# server_children PID: the pids of its children.
server_children()
{
	tr ' ' '\n' <"/proc/$1/task/$1/children" 2>/dev/null | grep .
}

# server_talk PORT: sends standard input there and prints what comes back until the other side closes.
server_talk()
(
	exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
	cat >&3
	timeout 120 cat <&3
)

# server_solve TRACE...: makes the manifest; prints what went wrong if it fails.
server_solve()
{
	rm -f "$server_manifest"
	"$stingy" solve "$@" -o "$server_manifest" >"$server_dir/solve" 2>&1 && return 0
	cat "$server_dir/solve"
	return 1
}

# server_profile: profiles it under all its workloads. What the load tells goes to stderr.
server_profile()
{
	local workload
	server_start_profiled || return 1
	for workload in "${server_workloads[@]}"; do
		server_load "$workload" >&2 || return 1
	done
	server_stop
}

# server_make_managed: the same, makes a manifest, and starts it under that.
server_make_managed()
{
	server_profile && server_solve "$server_dir"/traces/*.trace >&2 && server_start_managed
}

# server_is_left_alone: the manifest has no sites because the solver saw nothing that any would help.
server_is_left_alone()
{
	grep -q "nothing to manage" "$server_dir/solve" && ! grep -q '^site ' "$server_manifest"
}

# server_stat FILE: the worker's counters, as they are now.
server_stat()
{
	"$stingy" stat --json "$(server_worker)" >"$1"
}

# server_counter FILE KEY: one value of the process. Regions have keys of the same names, come last, and are cut off.
server_counter()
{
	tr -d '\n' <"$1" | sed -n "s/\"regions\":.*//; s/.*\"$2\": *\"\{0,1\}\([^\",}]*\).*/\1/p"
}

# server_counted KEY: by how much a counter grew between the two looks of server_measure.
server_counted()
{
	echo $(($(server_counter "$server_dir/after" "$1") - $(server_counter "$server_dir/before" "$1")))
}

# server_measure WORKLOAD: puts it on the server, which runs under the manifest, and sets
#   server_served, server_unmanaged, server_fell_back: allocations while it ran; server_allocations: their sum
#   server_share: per cent of them that came from the arena, with one decimal; "none" if there were none
# Fails, and prints why, if a request failed or the worker is another at the end.
server_measure()
{
	server_stat "$server_dir/before" && server_load "$1" && server_stat "$server_dir/after" || return 1
	[ "$(server_counter "$server_dir/before" pid)" = "$(server_counter "$server_dir/after" pid)" ] || {
		echo "the worker was replaced under the load"
		return 1
	}
	server_served=$(server_counted served)
	server_unmanaged=$(server_counted unmanaged)
	server_fell_back=$(server_counted total)
	server_allocations=$((server_served + server_unmanaged + server_fell_back))
	server_share=$(awk -v part="$server_served" -v all="$server_allocations" \
		'BEGIN { if (all > 0) printf "%.1f%%\n", int(1000 * part / all) / 10; else print "none" }')
}

# server_share_is_at_least SHARE: of what server_measure saw, and it saw something.
server_share_is_at_least()
{
	[ "$server_served" -gt 0 ] && [ $((server_served * 100)) -ge $((server_allocations * $1)) ]
}
