# shellcheck shell=bash disable=SC2034,SC2154,SC2317 # variables and functions go from file to file
# memcached: $memcached_threads worker threads (4 if not set).

memcached_threads=${memcached_threads:-4}
server_label="memcached -t $memcached_threads"

server_needs=(memcached memcslap)
server_workloads=(set get)
server_may_be_left_alone=yes # it has slabs of its own

server_version()
{
	memcached -V | sed 's/memcached //'
}

server_configure()
{
	local user=()
	[ "$(id -u)" -ne 0 ] || user=(-u nobody)
	server_command=(memcached "${user[@]}" -l 127.0.0.1 -p "$server_port" -U 0 -t "$memcached_threads" -m 64 -c "$((server_connections + 100))")
}

# memcached_set KEY BYTES: a 'set' command with its value.
memcached_set()
{
	printf 'set %s 7 0 %d\r\n' "$1" "$2"
	seq 1 100000 | head -c "$2"
	printf '\r\n'
}

server_answers()
{
	{
		printf 'flush_all\r\n'
		memcached_set empty 0
		memcached_set small 1024
		memcached_set large 102400
		printf 'get %s\r\n' empty small large missing 'empty small missing large'
		printf 'append small 0 0 4\r\nmore\r\nget small\r\n'
		printf 'delete large\r\nget large\r\ndelete large\r\n'
		printf 'set number 0 0 2\r\n41\r\nincr number 1\r\ndecr number 2\r\nnonsense\r\nquit\r\n'
	} | server_talk "$server_port"
}

# memcslap starts a thread for each connection and always exits with 0: what it counted tells.
server_load()
{
	local report=$server_dir/memcslap
	timeout 300 memcslap --servers="127.0.0.1:$server_port" --concurrency="$server_concurrency" \
		--execute-number=$((server_requests / server_concurrency)) --test="$1" >"$report" 2>&1
	grep -Eq "^Time to $1 +$server_requests keys" "$report" && ! grep -qi error "$report" && return 0
	cat "$report"
	return 1
}

# Mostly reads, as caches have.
server_bench()
{
	printf 'get key\r\n' >"$server_dir/get"
	memcached_set key 512 >"$server_dir/set"
	{
		cat "$server_dir/set"
		printf 'quit\r\n'
	} | server_talk "$server_port" >/dev/null
	server_talks=("$server_dir/get" 536 "$server_dir/get" 536 "$server_dir/get" 536 "$server_dir/set" 8)
}

server_errors()
{
	cat "$server_dir/output"
}
