#!/usr/bin/env bash
# Completion in bash: what it offers is what --help names.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317,SC2016 # test functions are called by name
. "${0%/*}/tap.sh"
stingy=$(realpath "${STINGY:-${builddir:-.}/stingy}")
completion=$(realpath "${srcdir:-.}/solver/completion/stingy")
work=$(mktemp -d "${TMPDIR:-/tmp}/stingy-completion.XXXXXX")
trap 'rm -rf "$work"' EXIT
touch "$work/nginx.manifest"

# offered WORD...: what is offered for the last word, in one line.
offered()
{
	bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _stingy; printf "%s\n" "${COMPREPLY[@]}"' - \
		"$completion" "$stingy" "$@" | sort | tr '\n' ' ' | sed 's/ $//'
}

cd "$work" || exit
tap_is "a command" "$(offered sol)" solve
commands=$("$stingy" --help | sed -n 's/^  \([a-z]\{1,\}\)  .*/\1/p' | sort | tr '\n' ' ')
tap_is "all commands" "$(offered '')" "--help --version ${commands% }"
tap_is "an option" "$(offered solve --outp)" --output
for command in $commands; do
	for option in $("$stingy" "$command" --help | grep -oE -- '(^|[ ,])--[a-z-]+' | sort -u); do
		tap_is "$command: $option" "$(offered "$command" "$option" | tr ' ' '\n' | grep -cx -e "$option")" 1
	done
done
tap_is "a file" "$(offered run -m ngi)" nginx.manifest
tap_is "behind --: a program" "$(offered run --order -- cksu)" cksum
tap_is "behind the program: a file" "$(offered run --order -- cksum ng)" nginx.manifest
tap_is "nothing for no command" "$(offered nonsense --x)" ''

tap_done
