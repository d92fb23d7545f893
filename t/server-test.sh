# shellcheck shell=bash disable=SC2154 # servers.sh sets the variables
# The life of a server with Stingy as test points: bare, under the profiling library, the manifest made, under the
# manifest. Source it, call server_test for a server of servers/, then tap_done.
#
# Where STINGY_BARE is set, the libraries and the command are not needed: only the bare server is run, under load,
# which tests the harness.

test_at=${BASH_SOURCE[0]%/*}
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "$test_at/tap.sh"
# shellcheck source-path=SCRIPTDIR source=servers.sh
. "$test_at/servers.sh"

# server_test NAME [SHARE]: all of it; at least SHARE per cent of the allocations must come from the arena in each
# workload. Fails if it had to stop before the end.
server_test()
{
	server_use "$1"
	tap_require "${server_needs[@]}"
	tap_note "$server_label, version $(server_version), on port $server_port"
	server_test_bare || return 1
	[ -z "${STINGY_BARE:-}" ] || return 0
	server_test_profiled && server_test_solved && server_test_managed "${2:-0}"
}

# What it answers by itself is the measure for all that follows; asked twice, so that a server that never says the
# same again is not held against the libraries.
server_test_bare()
{
	local workload
	server_test_started bare server_start || return 1
	server_answers >"$server_dir/answers.bare" 2>&1
	tap_ok "$server_label: it answers, its largest file included" grep -aqx 18000 "$server_dir/answers.bare"
	server_test_answers bare
	if [ -n "${STINGY_BARE:-}" ]; then
		for workload in "${server_workloads[@]}"; do
			server_test_load bare "$workload"
		done
		server_test_answers "bare, after the load"
	fi
	server_test_stopped bare
}

server_test_profiled()
{
	local workload worker
	server_test_started profiled server_start_profiled || return 1
	worker=$(server_worker)
	server_test_answers profiled
	for workload in "${server_workloads[@]}"; do
		server_test_load profiled "$workload"
	done
	server_test_stopped profiled
	tap_ok "$server_label: its worker left a trace" test -s "$server_dir/traces/$server_name.$worker.trace"
}

# server_test_solved [TRACE]...: a manifest comes of the traces (of all that there are), whole, and with sites in it,
# unless the server may be left alone.
server_test_solved()
{
	local report status
	[ $# -gt 0 ] || set -- "$server_dir"/traces/"$server_name".*.trace
	tap_note "$(du -cbh "$@" | tail -n 1 | cut -f 1) of traces"
	report=$(server_solve "$@")
	status=$?
	tap_is "$server_label: a manifest is made" "$status" 0 || {
		tap_note "$report"
		return 1
	}
	tap_is "$server_label: the manifest is whole" "$(sed -n '1p;$p' "$server_manifest")" "stingy-manifest 1
end" || return 1
	if [ -n "$server_may_be_left_alone" ] && server_is_left_alone; then
		tap_pass "$server_label: it is left alone"
		return 0
	fi
	tap_ok "$server_label: it has sites" grep -q '^site ' "$server_manifest" || return 1
	tap_note "$(grep -c '^site ' "$server_manifest") sites, $(grep -c '^kind ' "$server_manifest") kinds," \
		"$(grep -c '^region ' "$server_manifest") regions"
}

# server_test_managed SHARE
server_test_managed()
{
	local workload
	server_test_started managed server_start_managed || return 1
	server_test_answers managed
	for workload in "${server_workloads[@]}"; do
		server_test_share "$workload" "$1"
	done
	server_test_amid "${server_workloads[0]}"
	server_test_answers "managed, after the load"
	server_test_state
	server_test_names
	server_test_quiet
	server_test_stopped managed
}

# server_test_started HOW COMMAND...: starts it by that command.
server_test_started()
{
	local how=$1
	shift
	if "$@"; then
		tap_pass "$server_label, $how: it starts"
		return 0
	fi
	tap_fail "$server_label, $how: it starts"
	server_stop
	tap_note "exit status $server_status"
	tap_note "$(tail -n 20 "$server_dir/output")"
	return 1
}

server_test_answers()
{
	server_answers >"$server_dir/answers" 2>&1
	tap_ok "$server_label, $1: the same answers, byte for byte" cmp "$server_dir/answers.bare" "$server_dir/answers"
}

server_test_load()
{
	tap_ok "$server_label, $1: $server_requests requests each ($2), none failed" server_load "$2"
}

# server_test_share WORKLOAD SHARE: the load, and what of its allocations came from the arena.
server_test_share()
{
	if ! server_measure "$1" >"$server_dir/report" 2>&1; then
		tap_fail "$server_label, managed: $server_requests requests each ($1), none failed"
		tap_note "$(cat "$server_dir/report")"
		return 1
	fi
	tap_pass "$server_label, managed: $server_requests requests each ($1), none failed"
	tap_note "$server_label ($1): $server_share of $server_allocations allocations from the arena" \
		"(served=$server_served, unmanaged=$server_unmanaged, fell_back=$server_fell_back)"
	[ "$2" -eq 0 ] || tap_ok "$server_label ($1): at least $2% came from the arena" \
		server_share_is_at_least "$2"
}

# server_test_amid WORKLOAD: what it answers to one client while many others put that load on it.
server_test_amid()
{
	local load asked=0 same=yes
	server_load "$1" >"$server_dir/load" 2>&1 &
	load=$!
	while [ "$same" = yes ] && kill -0 "$load" 2>/dev/null; do
		server_answers >"$server_dir/answers" 2>&1
		cmp -s "$server_dir/answers.bare" "$server_dir/answers" || same=no
		asked=$((asked + 1))
	done
	wait "$load"
	tap_is "$server_label, managed: none of the load failed, with other requests amid it" "$?" 0 ||
		tap_note "$(cat "$server_dir/load")"
	tap_is "$server_label, managed: the same answers amid the load ($1)" "$same" yes ||
		tap_note "$(diff "$server_dir/answers.bare" "$server_dir/answers" | head -n 20)"
	tap_note "asked $asked times"
}

# The manifest is in force. A server that allocates nothing while it serves has no use for the arena, and none is made.
server_test_state()
{
	local state
	server_stat "$server_dir/after"
	state=$(server_counter "$server_dir/after" state)
	tap_note "state $state, pages $(server_counter "$server_dir/after" pages)"
	tap_ok "$server_label: the manifest is in force" expr "$state" : 'serving$\|ready$'
}

server_stat_has_name()
{
	"$stingy" stat "$(server_worker)" | grep -qF -e "  $1"
}

# By the names of their kinds stat tells what the regions hold.
server_test_names()
{
	local name
	name=$(sed -n 's/^kind 0 .* name=//p' "$server_manifest")
	[ -z "$name" ] || tap_ok "$server_label: its regions are told by what they hold" server_stat_has_name \
		"$(printf '%b' "${name//%/\\x}")"
}

# Neither the server nor the library had a complaint.
server_test_quiet()
{
	tap_is "$server_label, managed: no errors in its logs" "$(server_errors)" ""
	tap_is "$server_label, managed: no complaints of the library" "$(grep '^stingy:' "$server_dir/output")" ""
}

server_test_stopped()
{
	if server_stop; then
		tap_pass "$server_label, $1: it ends when asked to, with status $server_stop_status"
		return 0
	fi
	tap_fail "$server_label, $1: it ends when asked to, with status $server_stop_status"
	tap_note "exit status $server_status"
	tap_note "$(tail -n 20 "$server_dir/output")"
	return 1
}
