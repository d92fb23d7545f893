#!/usr/bin/env bash
# A program out of tree, against an installed Stingy: pkg-config finds the header, nothing is linked, as C and as C++, and
# the installed library answers it.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
tap_require pkg-config gcc g++ make readelf
builddir=$(realpath "${builddir:-.}")
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"

unset MAKEFLAGS MAKELEVEL MFLAGS
export DESTDIR=$work/root
tap_ok "it installs" make --no-print-directory -C "$builddir" install || { tap_done; }
config=$(find "$DESTDIR" -name stingy.pc)
library=$(find "$DESTDIR" -name libstingy.so)
tap_ok "with one stingy.pc and one libstingy.so" test -f "$config" -a -f "$library"

export PKG_CONFIG_LIBDIR=${config%/*} PKG_CONFIG_SYSROOT_DIR=$DESTDIR PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1
flags=$(pkg-config --cflags stingy | sed 's/ *$//')
tap_is "pkg-config names the header's directory, and nothing to link" \
	"$flags|$(pkg-config --libs stingy)" "-I$(dirname "$(find "$DESTDIR" -name stingy.h)")|"

mkdir elsewhere
cat >elsewhere/program.c <<'END'
#include <stingy.h>
#include <stdio.h>
#include <stdlib.h>

static void stage(void)
{
	stingy_stage_begin((const void *)stage, "task");
	free(malloc(100));
	stingy_stage_end((const void *)stage, "task");
	stingy_task_end("task");
}

int main(void)
{
	struct stingy_why why;
	const struct stingy_stage *known = stingy_stage_named("stage");

	stage();
	stingy_dyn_why(known, &why);
	printf("%d %d %d %d\n", stingy_dyn_check((const void *)stage), stingy_dyn_count(known) == STINGY_MANY,
	       stingy_dyn_priority(stingy_dyn_count(known), 1) == STINGY_PRIORITY_MAXIMAL, why.answer == STINGY_NO_LIBRARY);
	return stingy_stage_of((const void *)main) != stingy_stage_numbered(7);
}
END

# builds NAME COMPILER...: with all warnings; a warning is an error.
builds()
{
	local name=$1
	shift
	# shellcheck disable=SC2086 # a list
	"$@" -Wall -Wextra -Werror $flags -fPIE -pie -o "elsewhere/$name" elsewhere/program.c
}
tap_ok "a program compiles as C99" builds c99 gcc -std=c99
tap_ok "as C17 with optimisation" builds c17 gcc -std=gnu17 -O2
tap_ok "as C++" builds cxx g++ -x c++ -std=c++11 -O2
tap_ok "as C++20" builds cxx20 g++ -x c++ -std=c++20

pedantic()
{
	# shellcheck disable=SC2086 # a list
	echo '#include <stingy.h>' | gcc -std=c99 -pedantic -Wall -Wextra -Wconversion -Wshadow -Wundef -Werror $flags -fPIE -fsyntax-only -xc -
}
tap_ok "the header itself is pedantically right" pedantic

warns()
{
	# shellcheck disable=SC2086 # a list
	gcc $flags -fno-pie -no-pie -o elsewhere/fixed elsewhere/program.c 2>err && grep -q 'compile with -fPIE' err
}
tap_ok "without -fPIE the header warns" warns

for program in c99 c17 cxx cxx20; do
	tap_is "$program: nothing of ours is needed" "$(readelf -dW elsewhere/$program | grep -c 'NEEDED.*stingy')" 0
	tap_is "$program: without the library" "$(bare elsewhere/$program)" "1 1 0 1"
	tap_is "$program: under the installed one" "$(production=$library managed "" elsewhere/$program)" "1 1 0 0"
done

tap_done
