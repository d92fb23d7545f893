#!/usr/bin/env bash
# nginx: a master and a worker that it forks; a reload that replaces the worker; a worker that is killed.

# shellcheck source-path=SCRIPTDIR source=server-test.sh disable=SC2154,SC2317
. "$(dirname "$0")/server-test.sh"

nginx_worker_is_new()
{
	nginx_has_one_worker && [ "$(server_children "$server_pid")" != "$1" ]
}

# After SIGHUP a new worker is forked, and the old one ends: it must find an arena as good as the first one's.
nginx_reload()
{
	local old
	server_test_started "to be reloaded" server_start_managed || return 1
	old=$(server_worker)
	server_test_share kept-alive 95
	kill -HUP "$server_pid"
	tap_ok "nginx, reloaded: a new worker takes over" server_await 60 nginx_worker_is_new "$old"
	server_test_answers reloaded
	server_test_share kept-alive 95
	server_test_share closed 95
	server_test_state
	server_test_quiet
	server_test_stopped reloaded
}

# A worker that is killed has no chance to finish its trace, and its successor begins one of its own.
nginx_kill()
{
	local old
	server_test_started "to be killed" server_start "$stingy" profile -o "$server_dir/traces/killed" -- || return 1
	old=$(server_worker)
	server_test_load "to be killed" kept-alive
	kill -KILL "$old"
	tap_ok "nginx, killed: a new worker takes over" server_await 60 nginx_worker_is_new "$old"
	server_test_answers killed
	server_test_stopped killed
	tap_ok "nginx, killed: the worker's trace is there" test -s "$server_dir/traces/killed.$old.trace"
	server_test_solved "$server_dir/traces/killed.$old.trace"
}

server_test nginx 95 && [ -z "${STINGY_BARE:-}" ] && nginx_reload && nginx_kill
tap_done
