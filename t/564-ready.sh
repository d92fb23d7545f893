#!/usr/bin/env bash
# The ready manifests: each is whole, says what it was made from, and is found for the build that it is for.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
stingy=$(realpath "${STINGY:-${builddir:-.}/stingy}")
ready=$(realpath "${srcdir:-.}/manifests/debian-12")
export STINGY_READY=$ready

# whole MANIFEST: check finds nothing malformed, whatever is installed here.
whole()
{
	local status=0
	"$stingy" check -m "$1" || status=$?
	[ "$status" -lt 2 ]
}

told()
{
	sed -n 2p "$1" | grep -q "^# Ready for Debian 12's [a-z]" && sed -n 3p "$1" | grep -q '^#   .* came from the arena$'
}

for manifest in "$ready"/*.manifest; do
	name=$(basename "$manifest" .manifest)
	tap_ok "$name: whole" whole "$manifest"
	tap_ok "$name: what it was made from" told "$manifest"
	read -r id program < <(sed -n 's/^module 0 id=\([0-9a-f]*\) path=\(.*\)/\1 \2/p' "$manifest")
	[ -e "$program" ] || program=${STINGY_PACKAGES:-${srcdir:-.}/t/packages}$program
	if readelf -n "$program" 2>/dev/null | grep -q "Build ID: $id"; then
		tap_is "$name: found for its build" "$("$stingy" check --ready -- "$program" | head -n 1)" "ready: $manifest"
	else
		tap_skip "$name: found for its build" "another build is installed here"
	fi
done

tap_done
