#!/usr/bin/env bash
# nginx under load makes the system calls that it makes by itself, and no others: libstingy.so adds none.

# shellcheck source-path=SCRIPTDIR source=server-test.sh disable=SC2034,SC2154,SC2317 # from file to file, by name
. "$(dirname "$0")/server-test.sh"
tap_require nginx ab strace

server_requests=2000

is_traced()
{
	! grep -q '^TracerPid:[[:space:]]*0$' "/proc/$1/status"
}

# calls HOW: the names of what the worker calls under both loads, in the file HOW; it has served before.
calls()
{
	local how=$1 worker workload tracer
	worker=$(server_worker) && server_load closed && server_load kept-alive || return 1
	strace -q -f -p "$worker" -o "$server_dir/strace" &
	tracer=$!
	server_await 60 is_traced "$worker" || return 1
	for workload in "${server_workloads[@]}"; do
		server_load "$workload" || return 1
	done
	kill -INT "$tracer" && wait "$tracer"
	sed -n 's/^[0-9]* *\([a-z_0-9]*\)(.*/\1/p' "$server_dir/strace" | sort | uniq -c | sort -rn >"$server_dir/$how.counts"
	awk '{ print $2 }' "$server_dir/$how.counts" | sort >"$server_dir/$how"
	[ -s "$server_dir/$how" ]
}

# traced HOW COMMAND...: the server's life when started by the command, and calls() in it.
traced()
{
	local how=$1
	server_test_started "$@" || return 1
	tap_ok "nginx, $how: traced under load" calls "$how"
	tap_note "$how: $(awk '{ printf "%s%s %d", (NR > 1 ? ", " : ""), $2, $1 }' "$server_dir/$how.counts")"
	[ "$how" = bare ] || server_stat "$server_dir/after"
	server_test_stopped "$how"
}

server_use nginx
if traced bare server_start && server_test_started profiled server_start_profiled; then
	server_test_load profiled kept-alive
	server_test_load profiled closed
	server_test_stopped profiled
	server_test_solved && traced managed server_start_managed
	served=$(server_counter "$server_dir/after" served)
	tap_ok "it was served: ${served:=0} allocations" test "$served" -gt $((server_requests * 8))
	tap_is "system calls that nginx alone does not make" "$(comm -13 "$server_dir/bare" "$server_dir/managed")" ""
	tap_is "system calls for memory" \
		"$(grep -xE 'brk|mmap|munmap|mremap|mprotect|madvise|prctl' "$server_dir/managed")" ""
fi
tap_done
