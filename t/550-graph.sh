#!/usr/bin/env bash
# `stingy graph`: the stages of our own sample, whose graph is known, as text, for Graphviz and drawn; and refusals.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
tap_require ab dot
stingy=$(realpath "${STINGY:-${builddir:-.}/stingy}")
staged=$(realpath "${SAMPLEDIR:-${builddir:-.}/samples}/staged")
work=$(mktemp -d "${TMPDIR:-/tmp}/stingy-graph.XXXXXX") || exit 1
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir root && seq 1 300 >root/file

# The sample serves 400 requests over 20 kept-alive connections, then ends by itself.
record()
{
	local port
	"$stingy" profile -o trace -- "$staged" --port 0 --root root --max-requests 400 >out 2>err &
	server=$!
	for _ in $(seq 600); do
		grep -q 'listening on' out && break
		sleep 0.1
	done
	port=$(sed -n 's/.*:\([0-9]*\)$/\1/p' out)
	timeout 120 ab -q -k -c 20 -n 400 "http://127.0.0.1:$port/file" >ab.out 2>&1
	wait "$server"
	server=
	grep -Eq '^Complete requests: +400$' ab.out && ls trace.*.trace
}
tap_ok "a profile of the sample" record || tap_bail "nothing to show"

has_the_stages()
{
	"$stingy" graph trace.*.trace >text || return 1
	cat text
	for stage in read parse open header load send log; do
		awk -v name="stage_$stage" '$NF == name && NF == 12 && $2 >= 400 { found = 1 } END { exit !found }' text ||
			{ echo "no stage_$stage"; return 1; }
	done
}
tap_ok "text: the sample's stages, with a run for each request" has_the_stages

# Requests go through all stages in turn: an edge for each, and no other way.
has_the_edges()
{
	local from to
	set -- read parse open header load send log
	from=$1
	shift
	for to; do
		grep -Eq "^ +400  [0-9]+ stage_$from -> [0-9]+ stage_$to\$" text || { echo "$from -> $to"; return 1; }
		from=$to
	done
	! grep -Eq "stage_parse -> [0-9]+ stage_(read|header|load|send|log)" text
}
tap_ok "text: requests go from stage to stage in their order" has_the_edges

# The log comes before the next read: all of them lie on one cycle, the stage that accepts does not join them.
has_a_cycle()
{
	[ "$(awk '/ stage_(read|parse|open|header|load|send|log)$/ && NF == 12 { print $11 }' text | sort -u | wc -l)" -eq 1 ] &&
		grep -Eq '^ +[0-9]+  scheduler -> [0-9]+ stage_accept' text
}
tap_ok "text: kept-alive connections make a cycle, and tasks begin with accept" has_a_cycle

tells_calls()
{
	"$stingy" graph --calls trace.*.trace >calls || return 1
	cat calls
	awk '/stage_open: openat$/ { opens = $2 } /stage_send: (sendmsg|writev|sendto)$/ { sends = $2 }
		/stage_log: close$/ { closes = $2 } END { exit !(opens == 400 && sends >= 400 && closes == 400) }' calls
}
tap_ok "--calls: each stage's system calls" tells_calls

draws()
{
	"$stingy" graph -o graph.dot trace.*.trace && head -1 graph.dot | grep -qx 'digraph stages {' && dot -Tplain graph.dot >plain &&
		[ "$(grep -c '^node ' plain)" -ge 9 ] &&
		"$stingy" graph -o graph.svg trace.*.trace && grep -q '<svg' graph.svg && tail -1 graph.svg | grep -q '</svg>' &&
		grep -q 'stage_parse' graph.svg && "$stingy" graph -f svg trace.*.trace | cmp - graph.svg
}
tap_ok "dot and SVG: by the file's name, or as asked" draws

same_again()
{
	"$stingy" graph trace.*.trace | cmp - text && "$stingy" graph -f dot trace.*.trace | cmp - graph.dot
}
tap_ok "the same trace gives the same graph" same_again

# refuses TEXT ARGUMENT...: one line with TEXT, nothing on stdout, status 2.
refuses()
{
	local text=$1 status
	shift
	env PATH="${path:-$PATH}" "$stingy" graph "$@" >out 2>err
	status=$?
	cat err
	[ "$status" -eq 2 ] && [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ] && grep -qF -e "$text" err
}
tap_ok "refuses no trace" refuses 'graph needs a trace'
tap_ok "refuses a file that is not there" refuses "cannot open 'missing.trace'" missing.trace
tap_ok "refuses a file that is no trace" refuses "'root/file'" root/file
tap_ok "refuses another format" refuses "is not text, dot or svg" -f png trace.*.trace
without_graphviz()
{
	path=$work refuses "cannot draw the graph: 'dot', of the package graphviz" -f svg trace.*.trace
}
tap_ok "says which package draws" without_graphviz
tap_done
