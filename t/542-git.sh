#!/usr/bin/env bash
# git under the two libraries: a repository is made, changed, packed and read. Every command is a process that runs
# others in turn; those that pack have threads.

# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"
# shellcheck source=outside.sh
. "$testdir/outside.sh"
tap_require git

cat >job.sh <<'JOB'
set -e
rm -rf repository clone
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0 GIT_PAGER=cat
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@localhost GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@localhost
export GIT_AUTHOR_DATE='1000000000 +0000' GIT_COMMITTER_DATE='1000000000 +0000'
# Each is to say for itself what it was served: as if the user had started it, not this script.
git()
{
	env -u STINGY_MAIN git "$@"
}
git init -q -b main repository
cd repository
for n in 1 2 3 4 5 6 7 8; do
	for file in a b c; do
		seq $n 7 3000 | sed "s/\$/ $file/" >$file
	done
	mkdir -p dir-$n
	seq $n 300 >dir-$n/numbers
	git add -A
	git commit -q -m "change $n"
done
git checkout -q -b other HEAD~3
sed -i 's/^1/one/' a
git commit -q -a -m 'on the other branch'
git log --graph --all --stat --format='%h %an %s'
git diff --stat main other
git diff main other -- a | cksum
git merge -q main || echo "merge ended with $?"
git status --short
git checkout -q -f main
git gc -q --aggressive
git fsck --full
git log --format=%H -p | cksum
git blame a | cksum
git archive HEAD | cksum
git clone -q . ../clone
git -C ../clone rev-parse HEAD
git show no-such-commit 2>/dev/null || echo "show ended with $?"
JOB

outside git bash job.sh
outside_managed "$(realpath "$(command -v git)")" 60

tap_done
