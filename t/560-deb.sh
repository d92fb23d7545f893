#!/usr/bin/env bash
# The Debian package: it builds from what make dist packs, holds what it should, and what is in it works.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
tap_require dpkg-buildpackage dpkg-deb dh
build=$(realpath "${builddir:-.}")
work=$(mktemp -d "${TMPDIR:-/tmp}/stingy-deb.XXXXXX")
trap 'rm -rf "$work"' EXIT
lib=usr/lib/x86_64-linux-gnu

# A package is built by itself: nothing of the make that runs the tests, and without the symbols' package.
package()
{
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL DEB_BUILD_OPTIONS=noautodbgsym make -C "$build" deb >"$work/log" 2>&1 &&
		mv "$build"/stingy_*_amd64.deb "$work/stingy.deb" && return
	tail -n 30 "$work/log"
	return 1
}
tap_ok "make deb" package || { tap_done; exit; }
tap_ok "it unpacks" dpkg-deb -x "$work/stingy.deb" "$work/root"

for file in usr/bin/stingy $lib/stingy/libstingy.so $lib/stingy/libstingy-profile.so usr/include/stingy.h $lib/pkgconfig/stingy.pc \
	usr/share/bash-completion/completions/stingy usr/share/man/man1/stingy-solve.1.gz \
	usr/share/man/man5/stingy-manifest.5.gz usr/share/man/man5/stingy-trace.5.gz usr/share/doc/stingy/README.md.gz; do
	tap_ok "it has $file" test -s "$work/root/$file"
done
tap_is "and nothing outside of /usr" "$(ls "$work/root")" usr
# The profiling library opens libunwind when it needs it, which no tool can see.
tap_ok "it asks for libunwind" grep -q libunwind8 <<<"$(dpkg-deb -f "$work/stingy.deb" Depends)"

# works: profile, solve, check and run a program, with the packaged files alone.
works()
{
	local stingy=$work/root/usr/bin/stingy program=$build/t/prog/loops
	export STINGY_LIBDIR=$work/root/$lib/stingy
	cd "$work" || return
	"$stingy" profile -o p -- "$program" >profiled &&
		"$stingy" solve p.*.trace -o p.manifest &&
		"$stingy" check -m p.manifest -- "$program" &&
		"$stingy" run -m p.manifest --report -- "$program" >managed 2>told && cmp profiled managed || return
	cat told
	grep -q '^stingy: .* [1-9][0-9]* of [0-9]* allocations' told
}
tap_ok "what it has profiles, solves and runs" works

tap_done
