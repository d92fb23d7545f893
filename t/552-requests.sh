#!/usr/bin/env bash
# How many tasks come of requests that are not one read and one write each: read together, after "100 Continue", with a
# body or a head in pieces, with an answer in pieces, with pauses, half-closed. As many as there are requests.

# shellcheck source-path=SCRIPTDIR source=server-test.sh disable=SC2154,SC2317 # test functions are called by name
. "${0%/*}/server-test.sh"
dump=${PROGDIR:-${builddir:-.}/t/prog}/stagedump
connections=20
requests=5 # of a connection

cat_client()
{
	cat <<-'END'
		import socket, sys, time

		port, way, connections, requests = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

		def get(name):
		    return b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % name

		def post(field):
		    return b"POST /small HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000\r\n%s\r\n" % field

		def answer(file):
		    status, length = file.readline().split()[1], 0
		    for line in iter(file.readline, b"\r\n"):
		        name, _, value = line.partition(b":")
		        if name.lower() == b"content-length":
		            length = int(value)
		    file.read(length)
		    return status

		def expect(file, *wanted):
		    for status in wanted:
		        got = answer(file)
		        if got != status:
		            sys.exit("%s, and not %s" % (got, status))

		def in_pieces(connection, text, n):
		    for i in range(n):
		        time.sleep(0.002)
		        connection.sendall(text[len(text) * i // n:len(text) * (i + 1) // n])

		def serve(connection, file, is_last):
		    if way == "expect":
		        connection.sendall(post(b"Expect: 100-continue\r\n"))
		        expect(file, b"100")
		        connection.sendall(b"x" * 3000)
		    elif way == "body":
		        in_pieces(connection, post(b"") + b"x" * 3000, 4)
		    elif way == "head":
		        in_pieces(connection, get(b"small"), 3)
		    else:
		        connection.sendall(get(b"large" if way == "large" else b"small"))
		    if is_last and way == "half-closed":
		        connection.shutdown(socket.SHUT_WR)
		    expect(file, b"200")
		    if way == "idle":
		        time.sleep(0.01)

		for i in range(connections):
		    connection = socket.create_connection(("127.0.0.1", port), 20)
		    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		    file = connection.makefile("rb")
		    if way == "pipelined":
		        connection.sendall(get(b"small") * requests)
		        expect(file, *[b"200"] * requests)
		    else:
		        for j in range(requests):
		            serve(connection, file, j + 1 == requests)
		    file.close()
		    connection.close()
	END
}

# requested SERVER WAY: the requests seen are those made, and each is a task.
requested()
{
	local worker made=$((connections * requests))
	server_use "$1"
	server_start_profiled || { cat "$server_dir/output"; return 1; }
	worker=$(server_worker)
	timeout 240 python3 <(cat_client) "$server_port" "$2" "$connections" "$requests" || return 1
	server_stop || return 1
	"$dump" "$server_dir/traces/$1.$worker.trace" >"$server_dir/dump" || return 1
	head -n 1 "$server_dir/dump"
	# The listener, the connection that tries whether it listens, and what a master says are tasks, too.
	head -n 1 "$server_dir/dump" | awk -v made="$made" -v connections="$connections" '{
		for (i = 1; i <= NF; i++) { split($i, pair, "="); value[pair[1]] = pair[2] }
		exit value["requests"] != made || value["connections"] != connections ||
			value["tasks"] < made || value["tasks"] > made + 5 }'
}

tap_require python3 nginx lighttpd
for name in nginx lighttpd evhttp; do
	for way in plain pipelined head large idle half-closed; do
		tap_ok "$name: $way" requested $name $way
	done
done
for way in expect body; do # the others refuse a body, or send no interim answer
	tap_ok "evhttp: $way" requested evhttp $way
done

tap_done
