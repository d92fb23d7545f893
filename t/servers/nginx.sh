# shellcheck shell=bash disable=SC2034,SC2154,SC2317 # variables and functions go from file to file
# nginx: a master and one worker, static files, started in the foreground.

# shellcheck source-path=SCRIPTDIR source=http.sh
. "$servers_at/http.sh"

server_needs=(nginx ab)
server_workloads=(kept-alive closed)
server_stop_signal=QUIT

server_version()
{
	nginx -v 2>&1 | sed 's,.*nginx/,,'
}

server_configure()
{
	http_files "$server_dir/root"
	http_nginx_configure "$server_dir" "$server_port"
	http_nginx_command "$server_dir"
	server_command=("${http_nginx[@]}")
}

server_answers()
{
	http_answers
}

server_load()
{
	http_load "$1"
}

# The master listens before it has a worker.
server_worker()
{
	server_await 60 nginx_has_one_worker && server_children "$server_pid"
}

nginx_has_one_worker()
{
	[ "$(server_children "$server_pid" | wc -l)" -eq 1 ]
}

server_errors()
{
	grep -E '\[(warn|error|crit|alert|emerg)\]' "$server_dir/error.log"
}
