# shellcheck shell=bash disable=SC2034,SC2154,SC2317 # variables and functions go from file to file
# lighttpd: one process in the foreground, static files.

# shellcheck source-path=SCRIPTDIR source=http.sh
. "$servers_at/http.sh"

server_needs=(lighttpd ab)
server_workloads=(kept-alive closed)

server_version()
{
	lighttpd -v | sed -n '1s,lighttpd/\([^ ]*\).*,\1,p'
}

server_configure()
{
	[ "$(id -u)" -ne 0 ] || user='server.username = "www-data"'
	server_own www-data
	http_files "$server_dir/root"
	rm -f "$server_dir"/*.log
	cat >"$server_dir/lighttpd.conf" <<-END
		server.username = "www-data"
		server.bind = "127.0.0.1"
		server.port = $server_port
		server.document-root = "$server_dir/root"
		server.max-fds = $((server_connections * 3))
		server.max-connections = $server_connections
		server.max-keep-alive-idle = 60
		server.max-keep-alive-requests = 1000000
		server.errorlog = "$server_dir/error.log"
		server.upload-dirs = ( "$server_dir" )
		mimetype.assign = ( "" => "text/plain" )
	END
	server_command=(lighttpd -D -f "$server_dir/lighttpd.conf")
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
	grep -Ev 'server (started|stopped)' "$server_dir/error.log"
}
