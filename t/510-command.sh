#!/usr/bin/env bash
# The `stingy` command by itself: help, refusals, what it passes on to the program it becomes; `stingy map` and `stat`.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
manuals=$(realpath "${srcdir:-.}/man")
# shellcheck source=command.sh disable=SC2154
. "${0%/*}/command.sh"
sleeper=
trap '[ -z "$sleeper" ] || kill "$sleeper"; rm -rf "$work"' EXIT

# helps ARGUMENT...: a usage on stdout, nothing on stderr.
helps()
{
	run 0 "$@" && head -n 1 out | grep -q '^usage: stingy' && [ ! -s err ]
}

# lacks NAME: whether the environment in out has no such variable.
lacks()
{
	! grep -q -e "^$1=" out
}

# --- help and usage

tap_ok "--help" helps --help
for command in profile solve run stat check top tune report map; do
	tap_ok "$command --help" helps "$command" --help
	tap_ok "$command -h" helps "$command" -h
	tap_ok "$command refuses an unknown option" refuses 2 "'--nonsense'" "$command" --nonsense
done

version()
{
	run 0 --version && grep -qE '^stingy [0-9]' out
}
tap_ok "--version" version

no_arguments()
{
	run 2 && [ ! -s out ] && grep -q '^usage: ' err
}
tap_ok "no command: usage on stderr" no_arguments
helped()
{
	run 0 "$1" --help && cp out wanted && run 0 help "$1" && cmp out wanted
}
tap_ok "help of a command" helped tune
overview()
{
	run 0 --help && cp out wanted && run 0 help && cmp out wanted
}
tap_ok "help" overview
tap_ok "help of an unknown command" refuses 2 "'nonsense'" help nonsense
tap_ok "an unknown command" refuses 2 "'nonsense'" nonsense
tap_ok "profile without a program" refuses 2 "profile what" profile
tap_ok "profile with a size that is none" refuses 2 "'3Q'" profile --max-trace 3Q true
tap_ok "profile with a size beyond 64 bits" refuses 2 "'99999999999G'" profile --max-trace 99999999999G true
tap_ok "profile with a blank for a unit" refuses 2 "'1 '" profile --max-trace '1 ' true
tap_ok "profile with a size of zero" refuses 2 "'0'" profile --max-trace 0 true
tap_ok "profile into a directory that is not there" refuses 2 "nowhere/" profile -o nowhere/x true
tap_ok "run without a manifest" refuses 2 "which manifest" run true
tap_ok "run without a program" refuses 2 "run what" run -m good.manifest
tap_ok "run with -m and nothing after it" refuses 2 "'m'" run -m
tap_ok "check without a manifest" refuses 2 "which manifest" check
tap_ok "stat of what is no process number" refuses 2 "'12x'" stat 12x
tap_ok "stat of two processes" refuses 2 "'2'" stat 1 2

full_disk()
{
	"$stingy" --help >/dev/full 2>err
	[ $? -eq 2 ] && says err "cannot write the output"
}
[ -w /dev/full ] && tap_ok "output that does not arrive is an error" full_disk

# --- finding the libraries

no_library()
{
	STINGY_LIBDIR=$work/nowhere refuses 2 "'$work/nowhere'" "$@"
}
tap_ok "run: no library" no_library run -m good.manifest true
tap_ok "profile: no library" no_library profile true

unloadable()
{
	STINGY_LIBDIR=$1 refuses 2 "'$work/$1/libstingy.so'" run -m good.manifest true
}
tap_ok "a library whose path has a space" unloadable 'with space'
tap_ok "a library whose path has a colon" unloadable 'with:colon'

# --- what the program gets

run_environment()
{
	STINGY_DRY_RUN=1 run 0 run -m good.manifest --report env && [ ! -s err ] &&
		has "LD_PRELOAD=$work/lib/libstingy.so" && has "STINGY_MANIFEST=$work/good.manifest" &&
		has STINGY_REPORT=1 && lacks STINGY_DRY_RUN
}
tap_ok "run: the environment" run_environment

run_dry()
{
	run 0 run --dry-run --manifest=good.manifest -- env && has STINGY_DRY_RUN=1 && lacks STINGY_REPORT
}
tap_ok "run --dry-run" run_dry

profile_environment()
{
	run 0 profile env && says err "stingy: profiling env, traces go to $work/env.PID.trace" &&
		has "LD_PRELOAD=$work/lib/libstingy-profile.so" && has "STINGY_TRACE=$work/env" &&
		has STINGY_MAX_TRACE=1073741824 && lacks STINGY_BATCH && lacks STINGY_CHECK_WALK &&
		lacks STINGY_ONLY_ALLOCATIONS
}
tap_ok "profile: the environment" profile_environment

profile_options()
{
	run 0 profile -o traces/x --max-trace 64K --batch --check-walk --only-allocations env && has "STINGY_TRACE=$work/traces/x" &&
		has STINGY_MAX_TRACE=65536 && has STINGY_BATCH=1 && has STINGY_CHECK_WALK=1 &&
		has STINGY_ONLY_ALLOCATIONS=1
}
tap_ok "profile: its options" profile_options

profile_into()
{
	run 0 profile -o traces/ "$(command -v env)" && has "STINGY_TRACE=$work/traces/env"
}
tap_ok "profile -o FOLDER/: the program's name is added" profile_into

other_preloads()
{
	LD_PRELOAD=/nowhere/other.so run 0 run -m good.manifest env &&
		has "LD_PRELOAD=$work/lib/libstingy.so:/nowhere/other.so"
}
tap_ok "other preloads are kept, after ours" other_preloads

relative_libdir()
{
	STINGY_LIBDIR=lib run 0 run -m good.manifest env && has "LD_PRELOAD=$work/lib/libstingy.so"
}
tap_ok "a relative STINGY_LIBDIR is made absolute" relative_libdir

build_tree()
{
	mkdir -p build/.libs && cp "$stingy" build/stingy && touch build/.libs/libstingy.so && unset STINGY_LIBDIR
	stingy=build/stingy
	run 0 run -m good.manifest env && has "LD_PRELOAD=$work/build/.libs/libstingy.so"
}
tap_ok "a command where it was built takes the libraries from there" build_tree

same_process()
{
	# shellcheck disable=SC2016 # the program under test expands it
	run 0 run -m good.manifest sh -c 'test "$$" = "$STINGY_MAIN"'
}
tap_ok "STINGY_MAIN is the program's own number" same_process

its_own_options()
{
	run 0 run -m good.manifest echo --dry-run -m x && has '--dry-run -m x'
}
tap_ok "options after the program are the program's" its_own_options

# ready_runs: the manifest that names env by its build-id is found among others, and one that is spoilt is passed over.
ready_runs()
{
	local id
	id=$(readelf -n "$(command -v env)" | sed -n 's/.*Build ID: //p')
	rm -rf ready && mkdir ready && echo spoilt >ready/a.manifest && cp good.manifest ready/b.manifest &&
		printf 'stingy-manifest 1\nmodule 0 id=%s path=/env\nend\n' "$id" >ready/c.manifest
	STINGY_READY=$work/ready run 0 run --ready env && has "STINGY_MANIFEST=$work/ready/c.manifest" &&
		STINGY_READY=$work/ready run 1 check --ready env && grep -qx "ready: $work/ready/c.manifest" out
}
tap_ok "run --ready, check --ready" ready_runs
ready_refuses()
{
	rm -rf ready && mkdir ready && cp good.manifest ready/b.manifest
	STINGY_READY=$work/ready refuses 2 "no ready manifest for this build of" run --ready env &&
		STINGY_READY=$work/nowhere refuses 2 "no ready manifest" check --ready env
}
tap_ok "run --ready: there is none" ready_refuses
tap_ok "run --ready without a program" refuses 2 "run what" run --ready

tap_ok "run: the program's exit status" run 7 run -m good.manifest sh -c 'exit 7'
tap_ok "profile: the program's exit status" run 7 profile sh -c 'exit 7'
# shellcheck disable=SC2016
tap_ok "run: the signal that ends the program" run 143 run -m good.manifest sh -c 'kill -TERM $$'
# shellcheck disable=SC2016
tap_ok "profile: the signal that ends the program" run 137 profile sh -c 'kill -KILL $$'

tap_ok "a program that is not there: 127" refuses 127 "'$work/nonsense'" run -m good.manifest "$work/nonsense"
tap_ok "a program that cannot be run: 126" refuses 126 "'/'" run -m good.manifest /

# --- a manifest that is spoilt must not keep a server from coming up

# What is wrong with it the library says (104-manifests.sh), and the one here is none.
runs_on()
{
	run 0 run -m "$1" echo alive && has alive
}
tap_ok "run: with a malformed manifest" runs_on bad.manifest
tap_ok "run: with one that is missing" runs_on missing.manifest
ordered()
{
	run 0 run --order="$1" sh -c "echo \$STINGY_SCHEDULE" && has "$1"
}
for order in auto off 16; do
	tap_ok "run: --order=$order" ordered $order
done
tap_ok "run: --order with what is none" refuses 2 "'on'" run --order=on echo
tap_ok "run: with a directory" runs_on lib

# --- map

map_text()
{
	run 0 map good.manifest && [ ! -s err ] && has /bin/sh && has '0    0          0    4 KiB        8 x 512 tasks' &&
		[ "$(grep -c '^ *[0-9]*\( KiB\)\? [0.]*$' out)" -eq 8 ]
}
tap_ok "map: the lines of the cache, and the table" map_text
map_file()
{
	run 0 map --format svg --output map.svg good.manifest && [ ! -s out ] && [ ! -s err ] &&
		[ "$(tail -n 1 map.svg)" = '</svg>' ]
}
tap_ok "map: SVG into a file" map_file
map_manual()
{
	sed -n '/^stingy-manifest 1$/,/^end$/p' "$manuals/stingy-manifest.5" >manual.manifest
	run 0 map manual.manifest && [ ! -s err ] && has /usr/sbin/nginx &&
		has '2    2     458752   64 KiB       8 x 8192 high   request pool'
}
tap_ok "map: of the manual's example" map_manual
tap_ok "map without a manifest" refuses 2 "which manifest" map
tap_ok "map of two" refuses 2 "takes one" map good.manifest good.manifest
tap_ok "map in a format that there is not" refuses 2 "neither text nor svg" map -f png good.manifest
tap_ok "map of a malformed manifest" refuses 2 "bad.manifest:5: " map bad.manifest
tap_ok "map into a directory that there is not" refuses 2 "cannot write 'none/map'" map -o none/map good.manifest

# --- stat

tap_ok "stat of a process that is not there" refuses 1 "no such process" stat 2147483647
sleep 60 &
sleeper=$!
tap_ok "stat of a process that does not run under stingy" refuses 1 "process $sleeper: " stat "$sleeper"
stat_json()
{
	run 1 stat --json "$sleeper" && [ "$(cat out)" = '[]' ] && says err "process $sleeper: "
}
tap_ok "stat --json of it: an empty array" stat_json
kill "$sleeper"
wait "$sleeper" 2>/dev/null
sleeper=

tap_done
