#!/usr/bin/env bash
# Makes the ready manifests anew, for the servers that are installed: profiles each under all its workloads of t/servers/,
# solves, runs it under that, and writes manifests/debian-12/NAME.manifest, with what it was made from at its head.
# Run in the build directory; names of t/servers/ as arguments; without, all that have a manifest.

# shellcheck source-path=SCRIPTDIR source=../t/servers.sh disable=SC2154
. "$(dirname "$0")/../t/servers.sh"
ready=$(realpath "$(dirname "$0")")/debian-12
packages=$(realpath "${STINGY_PACKAGES:-$servers_at/../packages}")

# package: the Debian package that the server is from, and its version; of one that is only unpacked, too.
package()
{
	local file
	file=$(realpath "$(command -v "${server_command[0]}")")
	if [[ $file == "$packages"/* ]]; then
		dpkg-deb -f "$packages/${server_command[0]}"_*.deb Package Version | sed 's/^[^:]*: //' | tr '\n' ' ' | sed 's/ $//'
	else
		dpkg-query -W -f '${Package} ${Version}' "$(dpkg -S "$file" | cut -d : -f 1)"
	fi
}

# shares: a comment for each workload: what came from the arena under this very manifest.
shares()
{
	local workload
	for workload in "${server_workloads[@]}"; do
		server_measure "$workload" >&2 || return 1
		printf '#   %s: %s of %d allocations while serving came from the arena\n' "$workload" "$server_share" "$server_allocations"
	done
}

renew()
{
	server_use "$1"
	server_make_managed || return 1
	shares >"$server_dir/shares" || return 1
	server_stop || return 1
	{
		head -n 1 "$server_manifest"
		echo "# Ready for Debian 12's $(package) (manifests/renew.sh $1). Made and tried under t/servers/$1.sh's workloads:"
		cat "$server_dir/shares"
		tail -n +2 "$server_manifest"
	} | sed "s#$packages/#/#" >"$ready/$1.manifest"
}

[ $# -gt 0 ] || set -- nginx squid lighttpd memcached redis haproxy merecat
mkdir -p "$ready"
status=0
for name in "$@"; do
	(renew "$name") && continue
	echo "renew: $name failed" >&2
	status=1
done
exit $status
