# shellcheck shell=bash disable=SC2034,SC2154,SC2317 # variables and functions go from file to file
# squid: one process in the foreground, accelerating an nginx, its cache in memory only.

# shellcheck source-path=SCRIPTDIR source=http.sh
. "$servers_at/http.sh"

server_needs=(squid nginx ab)
server_workloads=(kept-alive closed)

server_version()
{
	squid -v | sed -n '1s/.*Version //p'
}

server_configure()
{
	[ -n "${http_origin_port:-}" ] || http_origin_start
	server_own proxy
	rm -f "$server_dir"/*.log
	cat >"$server_dir/squid.conf" <<-END
		cache_effective_user proxy
		http_port 127.0.0.1:$server_port accel no-vhost defaultsite=localhost
		cache_peer 127.0.0.1 parent $http_origin_port 0 no-query no-digest originserver
		http_access allow all
		visible_hostname localhost
		cache_mem 64 MB
		maximum_object_size_in_memory 1 MB
		memory_cache_shared off
		access_log none
		cache_log $server_dir/cache.log
		cache_store_log none
		netdb_filename none
		pinger_enable off
		pid_filename $server_dir/squid.pid
		coredump_dir $server_dir
		shutdown_lifetime 0 seconds
	END
	server_command=(squid -n "stingy$$" -N -f "$server_dir/squid.conf")
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
	grep -E 'WARNING|ERROR|FATAL|assertion|Exception' "$server_dir/cache.log" "$server_dir/output"
}
