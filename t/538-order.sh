#!/usr/bin/env bash
# The order of events on real servers: a client that compares each byte, and behaves in all the ways that clients do,
# gets the same answers; nobody is left waiting.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=servers.sh disable=SC2154
. "${0%/*}/servers.sh"

tap_require nginx squid lighttpd haproxy ab
harsh=${PROGDIR:-${builddir:-.}/t/prog}/harsh
[ -x "${SAMPLEDIR:-${builddir:-.}/samples}/evhttp" ] || tap_bail "the sample evhttp is not built: it needs libevent-dev"
requests=${HARSH_REQUESTS:-4000} # for each server and each way to run it
connections=200
seed=${SEED:-$$}
tap_note "seed $seed, $requests requests each"
ulimit -n 4096

# pleases COMMAND...: the server, started by it, has the client satisfied.
pleases()
{
	local status=0
	server_start "$@" || { echo "it does not start"; cat "$server_dir/output"; return 1; }
	"$harsh" "$server_port" "$(root)" "$connections" "$requests" "$seed" || status=1
	[ $# -eq 0 ] || "$stingy" stat "$(server_worker)" | grep '^  order'
	[ $# -eq 0 ] || server_await 30 in_flight '\(-\|0, on 0 connections\)' || { echo "its tasks are miscounted"; status=1; }
	! server_is_gone || { echo "it ended by itself"; status=1; }
	server_stop || : # how servers end amid the ruins of connections is their own affair; 530 to 535 look at it
	server_errors
	return "$status"
}

# in_flight TEXT: stat says it of the tasks in flight; else it prints what it says.
in_flight()
{
	"$stingy" stat "$(server_worker)" | sed -n 's/^ *tasks in flight: //p' >"$server_dir/tasks"
	! grep -qx "$1" "$server_dir/tasks" || return 0
	cat "$server_dir/tasks"
	return 1
}

# counts_tasks: five connections that were answered, of which two asked for more then, and do not read it.
counts_tasks()
{
	local i fd fds=() status=0
	server_start "$stingy" run --order -- || return 1
	head -c 50000000 /dev/zero >"$server_dir/root/huge"
	for i in 1 2 3 4 5; do
		exec {fd}<>"/dev/tcp/127.0.0.1/$server_port" || return 1
		fds[i]=$fd
		http_request GET /empty keep-alive >&"${fds[i]}"
		read -r -t 5 _ <&"${fds[i]}" || return 1
	done
	server_await 30 in_flight '0, on 5 connections' || status=1
	http_request GET /huge keep-alive >&"${fds[1]}"
	http_request GET /huge keep-alive >&"${fds[4]}"
	server_await 30 in_flight '2, on 5 connections' || status=1
	for fd in "${fds[@]}"; do
		exec {fd}>&-
	done
	server_await 30 in_flight '0, on 0 connections' || status=1
	server_stop
	return "$status"
}

# root: where the files are that the server's answers are made of.
root()
{
	if [ -d "$server_dir/root" ]; then
		echo "$server_dir/root"
	else
		echo "${http_origin_root:-}"
	fi
}

for server in evhttp lighttpd haproxy squid nginx; do
	server_use $server
	server_configure
	tap_ok "$server: by itself" pleases
	tap_ok "$server: 4 events at a time" pleases "$stingy" run --order=4 --
	tap_ok "$server: auto" pleases "$stingy" run --order --
done

server_use lighttpd
tap_ok "tasks in flight are counted" counts_tasks

tap_done
