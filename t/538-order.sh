#!/usr/bin/env bash
# The order of events on real servers: a client that compares each byte, and behaves in all the ways that clients do,
# gets the same answers; nobody is left waiting.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
# shellcheck source=servers.sh disable=SC2154
. "${0%/*}/servers.sh"

tap_require nginx squid lighttpd haproxy ab
harsh=${PROGDIR:-${builddir:-.}/t/prog}/harsh
[ -x "${SAMPLEDIR:-${builddir:-.}/samples}/evhttp" ] || tap_bail "the sample evhttp is not built: it needs libevent-dev"
requests=${HARSH_REQUESTS:-4000} # for each server and each way to run it
connections=200
seed=${SEED:-$$}
tap_note "seed $seed, $requests requests each"
ulimit -n 4096

# pleases COMMAND...: the server, started by it, has the client satisfied.
pleases()
{
	local status=0
	server_start "$@" || { echo "it does not start"; cat "$server_dir/output"; return 1; }
	"$harsh" "$server_port" "$(root)" "$connections" "$requests" "$seed" || status=1
	[ $# -eq 0 ] || "$stingy" stat "$(server_worker)" | grep '^  order'
	! server_is_gone || { echo "it ended by itself"; status=1; }
	server_stop || : # how servers end amid the ruins of connections is their own affair; 530 to 535 look at it
	server_errors
	return "$status"
}

# root: where the files are that the server's answers are made of.
root()
{
	if [ -d "$server_dir/root" ]; then
		echo "$server_dir/root"
	else
		echo "${http_origin_root:-}"
	fi
}

for server in evhttp lighttpd haproxy squid nginx; do
	server_use $server
	server_configure
	tap_ok "$server: by itself" pleases
	tap_ok "$server: 4 events at a time" pleases "$stingy" run --order=4 --
	tap_ok "$server: auto" pleases "$stingy" run --order --
done

tap_done
