#!/usr/bin/env bash
# stingy tune on nginx: the advice, the files, that the server is ended, also one that goes into the background.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=servers.sh disable=SC2154
. "${0%/*}/servers.sh"

tap_require nginx ab
# shellcheck disable=SC2034 # servers.sh takes it
server_requests=2000
server_use nginx
server_configure
out=$server_dir/traces
load=closed
stingy=$(realpath "$stingy")

# tuned STATUS OPTION...: tune under load exits so, the server has ended, and there are the words of advice in $out/out.
tuned()
{
	local wanted=$1 status
	shift
	rm -f "$out"/*.trace
	server_spawn "$out/out" timeout 240 "$stingy" tune "$@" -- "${server_command[@]}"
	server_await 60 server_port_answers "$server_port" && server_load "$load"
	wait "$server_spawned"
	status=$?
	unset "server_groups[$server_spawned]"
	[ "$status" -eq "$wanted" ] && ! server_port_answers "$server_port" && return 0
	printf 'exit status %d, not %d\n' "$status" "$wanted"
	cat "$out/out"
	return 1
}

# says PATTERN: what it printed.
says()
{
	grep -qE -e "$1" "$out/out" && return 0
	printf "no '%s' in:\n" "$1"
	cat "$out/out"
	return 1
}

# Of many servers the configuration has the server's name, and stands where they are started.
echo mine >"$out/x.conf"
tap_ok "a number of requests: profiled, solved, checked, the server ended" tuned 1 --requests 500 -o "$out/x" \
	--cache 2M,16,64
tap_ok "what fits the cache is not worth it" says '^is it worth it\?  do not bother'
tap_ok "why" says '^why: +at most [0-9]+ tasks at once kept [0-9]+ .*they fit by themselves; ask again for more than [0-9]+'
tap_ok "a manifest" grep -qx end "$out/x.manifest"
tap_is "a configuration of that name stays as it was" "$(cat "$out/x.conf")" mine

# Connections that are kept alive keep state while others are served.
load=kept-alive
tap_ok "a number of seconds, and a cache that is too small" tuned 0 --seconds 5 -o "$out/it's 5%" --cache 32K,8,64
tap_ok "then it is" says '^is it worth it\?  worth it'
tap_ok "by how much at most" says ': [0-9]+ fit; [0-9.]+% of the allocations .* and [1-9][0-9]* misses a task'
tap_ok "the line for production, for a shell" says "^in production: +$stingy run --order -m '$out/it'.''s 5%.manifest' -- nginx "
unit()
{
	grep -qxF "Environment=\"LD_PRELOAD=$(realpath "${STINGY_LIBDIR_TEST:-${stingy%/*}/.libs}")/libstingy.so\"" "$1" &&
		grep -qxF "Environment=\"STINGY_MANIFEST=$out/it's 5%%.manifest\"" "$1" &&
		grep -qxF 'Environment="STINGY_SCHEDULE=auto"' "$1" && [ "$(grep -c '^\[Service\]$' "$1")" -eq 1 ]
}
tap_ok "a drop-in for systemd" unit "$out/it's 5%.drop-in"

load=closed
sed -i 's/daemon off/daemon on/' "$server_dir/nginx.conf"
server_command=("${server_command[@]/daemon off;/}")
tap_ok "a server that goes into the background is found and ended" tuned 1 --requests 500 -o "$out/x" --cache 2M,16,64

# refuses TEXT OPTION...: exits with 2 and says so.
refuses()
{
	local text=$1
	shift
	timeout 240 "$stingy" tune "$@" >"$out/out" 2>&1
	[ $? -eq 2 ] && says "$text"
}
tap_ok "a program that is not there" refuses "cannot run '/nonexistent'" -o "$out/none" /nonexistent
tap_ok "a program that serves nobody" refuses "no event loop was seen" -o "$out/sh" sh -c :
tap_ok "no program" refuses "tune what\?" --seconds 3
tap_ok "no number of seconds" refuses "'0': is not a number of seconds" --seconds 0 true
tap_ok "no number of requests" refuses "'x': is not a number of requests" --requests x true
tap_ok "no cache" refuses "'x': is not a cache" --cache x true

tap_done
