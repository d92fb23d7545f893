#!/usr/bin/env bash
# What bootstrap does to a machine besides building: the policy against starting services is there while packages are
# installed, and gone whatever comes after. With an apt-get that installs nothing, and a copy that keeps its policy here.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"

work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
source=$(realpath "${0%/*}/..")
policy=$work/policy

mkdir -p "$work/bin" "$work/samples"
sed "s|^\tpolicy=.*|\tpolicy=$policy|" "$source/bootstrap" >"$work/bootstrap"
# program NAME TEXT: a command of that name which bootstrap finds first.
program()
{
	printf '#!/bin/sh\n%s\n' "$2" >"$work/$1"
	chmod 755 "$work/$1"
}
for name in bin/autoreconf bin/make; do
	program $name :
done
program bin/dpkg-query 'exit 1'
program bin/id 'echo 0'
program bin/apt-get "test -x $policy && echo \"\$*\" >>$work/asked"
program configure :
program samples/demo.sh "test ! -e $policy"

# boots ARGUMENT...: bootstrap succeeds, has asked for packages, and leaves no policy.
boots()
{
	rm -f "$work/asked"
	PATH=$work/bin:$PATH sh "$work/bootstrap" "$@" && grep -q ' wrk\>' "$work/asked" && [ ! -e "$policy" ]
}
tap_ok "the copy has its own policy" grep -qF "policy=$policy" "$work/bootstrap"
tap_ok "a demo leaves no policy behind" boots demo

own_policy()
{
	program policy ': mine'
	PATH=$work/bin:$PATH sh "$work/bootstrap" demo
	grep -q ': mine' "$policy" && rm "$policy"
}
tap_ok "one that was there stays" own_policy

fails()
{
	program bin/apt-get 'exit 1'
	! PATH=$work/bin:$PATH sh "$work/bootstrap" demo && [ ! -e "$policy" ]
}
tap_ok "without packages there is no build, and no policy" fails

tap_done
