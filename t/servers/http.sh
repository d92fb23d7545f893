# shellcheck shell=bash disable=SC2034,SC2154,SC2317 # variables and functions go from file to file
# What the HTTP servers have in common: the files they serve, how they are asked, ApacheBench as the load, and
# the nginx that stands behind a proxy.

# http_files DIRECTORY: an empty file, one of 1 KiB and one of 100 KiB. They are old, so that no proxy asks whether they
# changed, and their date is part of the answers.
http_files()
{
	mkdir -p "$1"
	: >"$1/empty"
	seq 1 100000 | head -c 1024 >"$1/small"
	seq 1 100000 | head -c 102400 >"$1/large"
	chmod 755 "$1"
	chmod 644 "$1"/*
	touch -d @1000000000 "$1"/*
}

# http_plain: drops from each answer on standard input the header fields that differ from one time to the next.
# The contents of the files are numbers, and lose no line by this.
http_plain()
{
	sed '/^Date: /Id; /^Age: /Id; /^X-Cache: /Id; /^X-Cache-Lookup: /Id'
}

# http_request METHOD PATH CONNECTION
http_request()
{
	printf '%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: %s\r\n\r\n' "$1" "$2" "$3"
}

# http_answers: each file on a connection of its own, then all on one, asked at once; by GET and by HEAD.
http_answers()
{
	local path
	for path in /empty /small /large /missing; do
		http_request GET "$path" close | server_talk "$server_port"
		http_request HEAD "$path" close | server_talk "$server_port"
	done | http_plain
	{
		http_request GET /empty keep-alive
		http_request GET /large keep-alive
		http_request GET /missing keep-alive
		http_request GET /small close
	} | server_talk "$server_port" | http_plain
}

# http_load kept-alive|closed: fails if a single request does, in whichever way ApacheBench counts it.
http_load()
{
	local keep=() report=$server_dir/ab
	[ "$1" = closed ] || keep=(-k)
	timeout 300 ab -q -s 60 -n "$server_requests" -c "$server_concurrency" "${keep[@]}" \
		"http://127.0.0.1:$server_port/small" >"$report" 2>&1 &&
		grep -Eq "^Complete requests: +$server_requests\$" "$report" &&
		grep -Eq '^Failed requests: +0$' "$report" &&
		! grep -q '^Non-2xx responses' "$report" && return 0
	cat "$report"
	return 1
}

# A small file, on connections that are kept. A proxy has it from the first request on.
server_bench()
{
	http_request GET /small close | server_talk "$server_port" >"$server_dir/first"
	grep -q '^HTTP/1.[01] 200' "$server_dir/first" || return 1
	http_request GET /small keep-alive >"$server_dir/request"
	server_talks=("$server_dir/request" 0)
}

# http_nginx_configure DIRECTORY PORT: a configuration that uses nothing outside DIRECTORY; files are in its root/.
# Logs start anew. A file that is missing is an answer, not an error.
http_nginx_configure()
{
	local user='' temp
	[ "$(id -u)" -ne 0 ] || user='user www-data;'
	rm -f "$1"/*.log
	{
		printf '%s\n' "$user" 'daemon off;' 'worker_processes 1;' "pid $1/nginx.pid;" "error_log $1/error.log notice;" \
			"events { worker_connections $((server_connections * 2 + 100)); }" \
			'http {' "access_log $1/access.log;" 'log_not_found off;' 'default_type text/plain;'
		for temp in client_body proxy fastcgi uwsgi scgi; do
			printf '%s\n' "${temp}_temp_path $1/temp-$temp;"
		done
		printf '%s\n' "server { listen 127.0.0.1:$2; root $1/root; }" '}'
	} >"$1/nginx.conf"
}

# http_nginx_command DIRECTORY: sets the array http_nginx.
http_nginx_command()
{
	http_nginx=(nginx -e "$1/error.log" -p "$1" -c "$1/nginx.conf")
}

# http_origin_start: the nginx behind a proxy: bare, once for the shell, on $http_origin_port; its files are in $http_origin_root.
http_origin_start()
{
	# A proxy that is started later may have more connections.
	local at=$server_dir/origin server_connections=$((server_connections < 5000 ? 5000 : server_connections))
	server_port_new
	http_origin_port=$server_port_found
	mkdir -p "$at"
	chmod 755 "$at"
	http_origin_root=$at/root
	http_files "$http_origin_root"
	http_nginx_configure "$at" "$http_origin_port"
	http_nginx_command "$at"
	server_spawn "$at/output" "${http_nginx[@]}"
	server_await 60 server_port_answers "$http_origin_port"
}
