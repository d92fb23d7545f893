# shellcheck shell=bash disable=SC2034,SC2154,SC2317 # variables and functions go from file to file
# merecat, thttpd's descendant: one process in the foreground, static files, poll.

# shellcheck source-path=SCRIPTDIR source=http.sh
. "$servers_at/http.sh"

# Its package conflicts with that of ab: ./bootstrap check unpacks it here.
PATH=$PATH:${STINGY_PACKAGES:-$servers_at/../packages}/usr/sbin
server_needs=(merecat ab)
server_workloads=(kept-alive closed)

server_version()
{
	merecat -V 2>&1 | sed -n '1s/^v\{0,1\}\([0-9.]*\).*/\1/p'
}

server_configure()
{
	http_files "$server_dir/root"
	{
		echo "port = $server_port"
		[ "$(id -u)" -ne 0 ] || echo "username = www-data"
	} >"$server_dir/merecat.conf"
	server_command=(merecat -n -f "$server_dir/merecat.conf" -P "$server_dir/merecat.pid" -l warning "$server_dir/root")
}

server_answers()
{
	http_answers
}

server_load()
{
	http_load "$1"
}
