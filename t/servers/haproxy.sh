# shellcheck shell=bash disable=SC2034,SC2154,SC2317 # variables and functions go from file to file
# haproxy: one process in the foreground with $haproxy_threads threads (1 if not set), proxying to an nginx.

# shellcheck source-path=SCRIPTDIR source=http.sh
. "$servers_at/http.sh"

haproxy_threads=${haproxy_threads:-1}
server_label="haproxy, threads: $haproxy_threads"

server_needs=(haproxy nginx ab)
server_workloads=(kept-alive closed)
server_stop_signal=USR1 # soft stop: finishes what it has begun

server_version()
{
	haproxy -v | sed -n '1s/.*version \([^ ]*\).*/\1/p'
}

server_configure()
{
	[ -n "${http_origin_port:-}" ] || http_origin_start
	cat >"$server_dir/haproxy.cfg" <<-END
		global
		    nbthread $haproxy_threads
		    maxconn $((server_connections * 2))
		defaults
		    mode http
		    timeout connect 10s
		    timeout client 30s
		    timeout server 30s
		listen test
		    bind 127.0.0.1:$server_port
		    server origin 127.0.0.1:$http_origin_port
	END
	server_command=(haproxy -db -f "$server_dir/haproxy.cfg")
}

server_answers()
{
	http_answers
}

server_load()
{
	http_load "$1"
}

server_errors()
{
	grep -E 'WARNING|ALERT' "$server_dir/output" | grep -v 'Proxy .* stopped'
}
