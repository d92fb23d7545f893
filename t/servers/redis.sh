# shellcheck shell=bash disable=SC2034,SC2154,SC2317 # variables and functions go from file to file
# redis: nothing saved, no configuration file, $redis_threads threads that read and write (1 if not set). Debian's is
# linked with jemalloc, to which the libraries hand over what they do not serve.

redis_threads=${redis_threads:-1}
server_label="redis, threads: $redis_threads"

server_needs=(redis-server redis-cli redis-benchmark)
server_workloads=("set,get,incr" "hset,zadd,sadd" "lpush,lpop,lrange_100")

server_version()
{
	redis-server --version | sed 's/.*v=\([^ ]*\).*/\1/'
}

server_configure()
{
	server_command=(redis-server --bind 127.0.0.1 --port "$server_port" --save '' --appendonly no --dir "$server_dir")
	[ "$redis_threads" -eq 1 ] ||
		server_command+=(--io-threads "$redis_threads" --io-threads-do-reads yes)
}

redis_do()
{
	redis-cli -h 127.0.0.1 -p "$server_port" "$@"
}

# redis_set KEY BYTES
redis_set()
{
	seq 1 100000 | head -c "$2" | redis_do -x SET "$1"
}

server_answers()
{
	redis_do FLUSHALL
	redis_set empty 0
	redis_set small 1024
	redis_set large 102400
	redis_do <<-END
		GET empty
		GET small
		GET large
		GET missing
		MGET empty small missing
		APPEND small more
		STRLEN small
		SETRANGE large 200000 end
		GETRANGE large 199990 200010
		RPUSH list a b c d e f
		LRANGE list 0 -1
		LREM list 1 c
		LPOP list 2
		HSET hash f1 v1 f2 v2
		HGETALL hash
		ZADD set 3 c 1 a 2 b
		ZRANGE set 0 -1 WITHSCORES
		SADD members 5 3 9 1
		SORT members
		EVAL "local s = '' for i = 1, 100 do s = s .. redis.call('INCR', 'n') .. ' ' end return s" 0
		RENAME small other
		COPY other copy
		DEL large other copy
		EXISTS large other copy empty
		NONSENSE
		FLUSHALL
	END
}

# redis-benchmark stops at the first error reply, and says so.
server_load()
{
	local report=$server_dir/benchmark tests
	tests=$(printf '%s' "$1" | tr -cd ,)
	timeout 300 redis-benchmark -h 127.0.0.1 -p "$server_port" -n "$server_requests" -c "$server_concurrency" \
		-d 512 -r 1000 --csv -t "$1" >"$report" 2>&1 &&
		[ "$(grep -c '^"[^"]*","[0-9]' "$report")" -gt "${#tests}" ] &&
		! grep -qi error "$report" && return 0
	cat "$report"
	return 1
}

# Reads and writes in turn; each write makes an object and lets another go.
server_bench()
{
	# shellcheck disable=SC2016 # the dollars are the protocol's
	local value get='*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n' set='*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$512\r\n'
	value=$(seq 1 100000 | head -c 512 | tr '\n' ' ')
	printf %b "$get" >"$server_dir/get"
	printf "%b%s\r\n" "$set" "$value" >"$server_dir/set"
	redis_do SET key "$value" >"$server_dir/first"
	server_talks=("$server_dir/get" 520 "$server_dir/set" 5)
}

# Its log marks warnings by '#'; the lines of its start are marked so as well.
server_errors()
{
	grep -Ei 'crash|assert|bug report|error|out of memory' "$server_dir/output"
}
