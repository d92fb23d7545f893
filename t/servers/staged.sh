# shellcheck shell=bash disable=SC2034,SC2154,SC2317 # variables and functions go from file to file
# The sample server that asks.

# shellcheck source-path=SCRIPTDIR source=http.sh
. "$servers_at/http.sh"

server_needs=(ab)
server_workloads=(kept-alive closed)

server_version()
{
	"$stingy" --version | sed 's/.* //'
}

server_configure()
{
	http_files "$server_dir/root"
	server_command=("${SAMPLEDIR:-${builddir:-.}/samples}/staged" --port "$server_port" --root "$server_dir/root")
}

server_answers()
{
	http_answers
}

server_load()
{
	http_load "$1"
}
