#!/usr/bin/env bash
# The Debian package on a fresh machine: a minimal Debian 12 in a folder, with processes of its own, the package put there
# by apt, nginx and squid too, and then all that a user does, until the package is purged again. As root; it needs
# debootstrap and Debian's mirror, takes four minutes, and leaves nothing. In the build directory:
#
#     make deb && debian/try-fresh.sh            TAP, like the tests; not one of them, because of the mirror
#     debian/try-fresh.sh --keep FOLDER          keeps the machine there, for a look; of the next run, too, if it is there

# shellcheck source-path=SCRIPTDIR source=../t/tap.sh disable=SC2317,SC2154 # test functions are called by name
. "$(dirname "$0")/../t/tap.sh"
mirror=${STINGY_MIRROR:-http://deb.debian.org}

fail()
{
	echo "try-fresh: $*" >&2
	exit 1
}

# --- Outside: the machine.

# machine FOLDER: a minimal system, with the updates that anybody's has.
machine()
{
	debootstrap --variant=minbase bookworm "$1" "$mirror/debian" >"$1.log" 2>&1 || fail "debootstrap failed: see $1.log"
	printf 'deb %s bookworm main\n' "$mirror/debian" "$mirror/debian" "$mirror/debian-security" |
		sed '2s/bookworm/&-updates/; 3s/bookworm/&-security/' >"$1/etc/apt/sources.list"
	printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d" # services do not start by themselves
	chmod 755 "$1/usr/sbin/policy-rc.d"
	rm -f "$1.log"
}

outside()
{
	local root='' deb here
	here=$(realpath "$(dirname "$0")/..")
	[ "${1:-}" != --keep ] || root=$(realpath -m "${2:?--keep takes a folder}")
	[ "$(id -u)" -eq 0 ] || fail "only root can set up a machine"
	[ -n "$(command -v debootstrap)" ] || fail "debootstrap is not installed"
	deb=$(find . -maxdepth 1 -name 'stingy_*_amd64.deb')
	[ -f "$deb" ] || fail "no stingy_*_amd64.deb here: first make deb"
	if [ -z "$root" ]; then
		root=$(mktemp -d "${TMPDIR:-/tmp}/stingy-fresh.XXXXXX")
		trap 'rm -rf --one-file-system "$root"' EXIT
	fi
	[ -x "$root/usr/bin/apt-get" ] || machine "$root"
	rm -rf "$root/try"
	mkdir "$root/try"
	cp -r "$here/t" "$deb" "$root/try/"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	mkdir "$root/try/debian"
	cp "$0" "$root/try/debian/try-fresh.sh"
	# Whatever is started there is gone, and whatever is mounted too, when this ends.
	# shellcheck disable=SC2016 # expanded by that shell
	unshare --mount --pid --fork --kill-child bash -c 'mount -t proc proc "$1/proc" && mount --rbind /sys "$1/sys" &&
		mount -t devpts -o newinstance,ptmxmode=666 devpts "$1/dev/pts" && mount --bind "$1/dev/pts/ptmx" "$1/dev/ptmx" &&
		mount -t tmpfs tmpfs "$1/dev/shm" &&
		exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive \
			bash /try/debian/try-fresh.sh --inside "/try/$2"' - "$root" "$(basename "$deb")"
}

# --- Inside.

# does DESCRIPTION COMMAND...: a test point like tap_ok, but in this shell: what is started stays known.
does()
{
	local description=$1
	shift
	if "$@" >/try/out 2>&1; then
		tap_pass "$description"
	else
		tap_fail "$description"
		tap_note "$(cat /try/out)"
	fi
}

# installs PACKAGE...: as apt does, without what is only recommended.
installs()
{
	apt-get install -y --no-install-recommends "$@"
}

# files: all files of the machine but those that keep book of packages, and what ldconfig makes.
files()
{
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /try -o -path /tmp -o -path /var/lib/dpkg \
		-o -path /var/lib/apt -o -path /var/cache -o -path /var/log -o -name ld.so.cache \) -prune -o -print | LC_ALL=C sort
}

# comes_and_goes: with its dependencies, nothing is left after it that was not there before.
comes_and_goes()
{
	files >/try/before
	installs "$deb" && apt-get purge -y --auto-remove stingy || return
	! files | LC_ALL=C comm -13 /try/before - | grep .
}

# manuals: each manual page of the package is found and can be read.
manuals()
{
	local page name
	for page in $(dpkg -L stingy | grep '/man/man.*\.gz$'); do
		name=$(basename "$page" .gz)
		man "${name##*.}" "${name%.*}" | grep -q '^NAME' || { echo "no manual: $name"; return 1; }
	done
}

# compiles: a program of one's own, by pkg-config, and under the library.
compiles()
{
	cat >/try/own.c <<-'END'
		#include <stingy.h>
		int main(void)
		{
			return stingy_dyn_check((const void *)main) ? 0 : 1;
		}
	END
	# shellcheck disable=SC2046 # a list
	gcc -Wall -Wextra -Werror -fPIE -pie $(pkg-config --cflags stingy) -o /try/own /try/own.c && /try/own &&
		stingy run --order -- /try/own
}

completes()
(
	. /usr/share/bash-completion/completions/stingy &&
		complete -p stingy && COMP_WORDS=(stingy sol) COMP_CWORD=1 && _stingy && [ "${COMPREPLY[*]}" = solve ]
)

# profiled NAME: profiled under its loads, solved, and checked.
profiled()
{
	local workload
	server_start_profiled || return
	for workload in "${server_workloads[@]}"; do
		server_load "$workload" || return
	done
	server_stop && server_solve "$server_dir"/traces/*.trace &&
		stingy check -m "$server_manifest" -- "${server_command[0]}" | tee /dev/stderr | grep -q '^verdict: good'
}

# serves SHARE PREFIX...: started so, it serves at least so much of its allocations, and answers as it does bare.
serves()
{
	local share=$1
	shift
	server_start && server_answers >/try/bare && server_stop || return
	server_start "$@" && server_answers >/try/managed && cmp /try/bare /try/managed || return
	server_measure "${server_workloads[0]}" && stingy stat "$(server_worker)" || return
	echo "$server_name: $server_share of $server_allocations allocations from the arena"
	server_share_is_at_least "$share"
}

# watches: what an operator lives with, of the server that runs.
watches()
{
	local worker
	worker=$(server_worker)
	stingy stat --prometheus "$worker" | grep '^stingy_served_total' &&
		stingy stat --json "$worker" >/try/stat.json &&
		{ sleep 2; printf q; } | TERM=xterm script -qec "stingy top $worker" /dev/null | grep -a 'is it on?' &&
		stingy report "$server_dir"/traces/*.trace --stat /try/stat.json -o /try/report.html && grep -q '</html>' /try/report.html
}

# outlives: a server goes on after the package was purged under it.
outlives()
{
	apt-get purge -y stingy && server_load "${server_workloads[0]}" && server_stop
}

nothing_left()
{
	! find / -xdev \( -path /proc -o -path /sys -o -path /try -o -path /tmp -o -path '/var/lib/apt/*' -o -path '/var/cache/apt/*' -o -path '/var/cache/man/*' \) -prune \
		-o -name '*stingy*' -print | grep .
}

inside()
{
	local name
	deb=$1
	cd /tmp || exit
	tap_ok "the mirror answers" apt-get update || tap_bail "no packages"
	tap_ok "it comes and goes without a trace" comes_and_goes
	tap_ok "apt installs it" installs "$deb" || tap_bail "not installed"
	tap_is "stingy --version" "$(stingy --version)" "stingy $(dpkg-query -W -f '${Version}' stingy | sed 's/-[^-]*$//')"
	tap_ok "what the rest needs" installs man-db gcc libc6-dev pkg-config nginx-light squid apache2-utils
	tap_ok "the manuals" manuals
	tap_ok "a program of one's own" compiles
	tap_ok "completion" completes
	export STINGY=stingy
	. /try/t/servers.sh
	for name in nginx squid; do
		server_use "$name"
		does "$name: profile, solve, check" profiled
		does "$name: run" serves 90 "$stingy" run -m "$server_manifest" --
		does "$name: it ends" server_stop
		does "$name: run --ready" serves 90 "$stingy" run --ready --
		does "$name: stat, top, report" watches
		[ "$name" != nginx ] || does "$name: it ends" server_stop
	done
	does "a server outlives the package" outlives
	tap_ok "nothing is left" nothing_left
	tap_done
}

case ${1:-} in
--inside) inside "$2" ;;
*) outside "$@" ;;
esac
