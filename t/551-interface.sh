#!/usr/bin/env bash
# What interface files declare of two servers whose stages are found without: the graph is the same with and without; and
# what the solver makes of the other declarations.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
tap_require ab
# shellcheck source=servers.sh disable=SC2154
. "${0%/*}/servers.sh"
stingy=$(realpath "$stingy")
samples=$(realpath "${SAMPLEDIR:-${builddir:-.}/samples}")
shipped=$(realpath "${0%/*}")/../profiler/interfaces
server_begin
work=$server_work
cd "$work" || exit 1
mkdir root && seq 1 300 >root/file

# serve PREFIX COMMAND...: starts it profiled; the command's word PORT is replaced by a port that nobody else has. What it
# and the library say goes to err.
serve()
{
	local prefix=$1
	shift
	server_port_new
	port=$server_port_found
	rm -f "$prefix".*.trace
	server_spawn err "$stingy" profile -o "$prefix" "${options[@]}" -- "${@/#PORT/$port}"
	server_await 60 server_port_answers "$port" && return 0
	kill -KILL "$server_spawned"
	return 1
}

# record PREFIX SERVER [INTERFACE]...: 400 requests over 20 kept-alive connections.
record()
{
	local prefix=$1 name=$2 command options=() interface
	shift 2
	for interface; do
		options+=(--interface "$interface")
	done
	case $name in
	evhttp) command=("$samples/evhttp" PORT root) ;;
	staged) command=("$samples/staged" --port PORT --root root) ;;
	esac
	serve "$prefix" "${command[@]}" || { cat err; return 1; }
	timeout 120 ab -q -k -c 20 -n 400 "http://127.0.0.1:$port/file" >ab.out 2>&1
	kill -TERM "$server_spawned"
	wait "$server_spawned"
	unset "server_groups[$server_spawned]"
	grep -Eq '^Complete requests: +400$' ab.out && grep -Eq '^Failed requests: +0$' ab.out && ls "$prefix".*.trace
}

# shape PREFIX: the graph's stages that ran for the requests, and who was followed by whom, without times and numbers.
shape()
{
	"$stingy" graph "$1".*.trace >"$1.graph" || return 1
	awk 'NF == 12 && $2 >= 400 { print "stage", ($2 >= 800), $NF }
		/ -> / && $1 >= 100 { sub(/ \(.*/, ""); gsub(/ [0-9]+ /, " "); print }' "$1.graph" | sort
}

for name in evhttp staged; do
	if [ ! -e "$samples/$name" ]; then
		[ -z "${CI:-}" ] && tap_skip "$name" "its library is not installed" && continue
	fi
	interface=$name
	[ "$name" = evhttp ] && interface=libevent
	tap_ok "$name: a profile without declarations" record "$name-0" "$name"
	tap_ok "$name: a profile with them" record "$name-1" "$name" "$shipped/$interface.interface"
	queued()
	{
		[ "$(grep -c '(queued 4[0-9][0-9] times)' "$name-1.graph")" -ge 2 ] && ! grep -q queued "$name-0.graph"
	}
	same_shape()
	{
		shape "$name-0" >0.shape && shape "$name-1" >1.shape && [ "$(grep -c -e '->' 0.shape)" -ge 3 ] &&
			diff -u 0.shape 1.shape
	}
	tap_ok "$name: the graph is the same" same_shape
	tap_ok "$name: with what was queued how often" queued
done

# solved LINE...: with these declarations of evhttp, in manifest, with what the solver says in err.
solved()
{
	printf '%s\n' 'stingy-interface 1' "$@" >interface
	rm -f solved.*.trace manifest
	record solved evhttp ./interface && "$stingy" solve solved.*.trace -o manifest 2>err
}

# kind NAME: the kind of that name in the manifest.
kind()
{
	grep "^kind .* name=$1\$" manifest
}

if [ -e "$samples/evhttp" ] || [ -n "${CI:-}" ]; then
	solved 'estimate stage_load size=8192 count=3' 'stage program:begin' >log 2>&1
	estimated()
	{
		cat err log
		kind stage_load | grep ' size=8192 '
	}
	tap_ok "an estimated size is the kind's" estimated
	tap_ok "a declared stage is one" grep -q '^stage .* name=begin ' manifest
	# again LINE...: solves the same traces with these declarations in the place of those.
	again()
	{
		printf '%s\n' 'stingy-interface 1' "$@" >other
		rm -f manifest
		"$stingy" solve --interface ./other solved.*.trace -o manifest 2>err || { cat err; return 1; }
	}
	declared_again()
	{
		again 'estimate stage_load size=4096' && kind stage_load | grep ' size=4096 ' &&
			! grep '^stage .* name=begin ' manifest && ! grep -e '--interface' err
	}
	tap_ok "solve --interface goes before what the trace carries" declared_again
	misnamed()
	{
		again 'wrapper stage_lode' 'queue event_active H X X' && kind stage_load &&
			grep -qxF "stingy: --interface: 'wrapper stage_lode': no call chain has that function" err &&
			grep -q '/other: passed over 1 declaration (queue, ' err
	}
	tap_ok "solve --interface tells what is of no use" misnamed
	graph_again()
	{
		again 'wrapper stage_answer' && "$stingy" graph --interface ./other -o again.graph solved.*.trace &&
			! grep -q ' stage_answer$' again.graph && grep -q ' stage_load$' again.graph &&
			"$stingy" graph -o again.graph solved.*.trace && grep -q ' stage_answer$' again.graph
	}
	tap_ok "graph --interface, too" graph_again
	solved 'leave-out stage_load' 'wrapper stage_answer' >log 2>&1
	left_out()
	{
		cat err log
		! kind stage_load && grep -q '^stingy: left alone as declared: 1 call chain, 400 allocations' err
	}
	tap_ok "what is to be left out is" left_out
	wrapped()
	{
		[ -s manifest ] && ! kind stage_answer && ! grep '^stage .* name=stage_answer' manifest
	}
	tap_ok "a wrapper names nothing" wrapped
	solved 'malloc event_mm_malloc_ size=1' 'free event_mm_free_ object=1' >log 2>&1
	pooled()
	{
		cat err log
		grep -Eq '^stingy: left to the program.s own pools: [0-9]+ call chains?, [1-9][0-9]* allocations' err
	}
	tap_ok "objects of pools are told of" pooled
fi

printf 'stingy-interface 1\n\nqueue f Q\n' >bad
refused()
{
	"$stingy" profile --interface ./bad -- true 2>err
	[ $? -eq 2 ] && [ "$(cat err)" = "stingy: $work/./bad:3: role that is not X, T, S or H" ] &&
		! "$stingy" profile --interface nonesuch -- true 2>err && grep -q "^stingy: no interface file 'nonesuch'" err &&
		! "$stingy" profile --interface ./nonesuch -- true 2>err && grep -q "^stingy: cannot read '$work/./nonesuch'" err &&
		! "$stingy" solve --interface ./bad no.trace 2>err && [ "$(cat err)" = "stingy: $work/./bad:3: role that is not X, T, S or H" ] &&
		! "$stingy" graph --interface nonesuch no.trace 2>err && grep -q "^stingy: no interface file 'nonesuch'" err
}
tap_ok "a bad file, or none, is refused before the program starts" refused

tap_done
