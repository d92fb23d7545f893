#!/usr/bin/env bash
# The whole path on the sample server, in about a minute: profile it under load, solve, run it under the manifest, and
# compare before and after: requests a second, L2 misses, what share of the allocations the arena served.
# Run from the build directory (./bootstrap demo does). All traffic stays on 127.0.0.1.
set -euo pipefail
export LC_ALL=C

requests=20000    # for each count of misses
seconds=3         # for each timing
rounds=3          # timings of each kind, alternated; the median counts
connections=2500
stingy=$PWD/stingy
staged=$PWD/samples/staged
work=$(mktemp -d "${TMPDIR:-/tmp}/stingy-demo.XXXXXX")
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || :; rm -rf "$work"' EXIT

for program in wrk valgrind "$stingy" "$staged"; do
	command -v "$program" >/dev/null || { echo "demo: cannot find '$program': run ./bootstrap demo" >&2; exit 2; }
done

# Each connection takes two descriptors of the server and one of the client.
hard=$(ulimit -Hn)
if [ "$hard" != unlimited ] && [ "$hard" -lt 6000 ]; then
	connections=$((hard / 3))
	echo "demo: only $hard descriptors: $connections connections instead of 2500" >&2
fi
ulimit -n "$([ "$hard" = unlimited ] && echo 6000 || echo "$((hard < 6000 ? hard : 6000))")"

# With two processors, the server has one and the client the other.
on_first=() on_second=()
if [ "$(nproc)" -ge 2 ]; then
	on_first=(taskset -c 0) on_second=(taskset -c 1)
fi

# listens: waits until the server started last tells its port, and sets $port.
listens()
{
	for _ in $(seq 600); do
		port=$(sed -n 's/^listening on 127.0.0.1://p' "$work/out")
		[ -z "$port" ] || return 0
		sleep 0.05
	done
	cat "$work/err" >&2
	return 1
}

# start COMMAND...: starts the server by it, and sets $port. What the one before said of its own is not to be read:
# this shell may come to it before the new process has emptied the file.
start()
{
	: >"$work/out"
	"$@" "$staged" --root "$work/root" >"$work/out" 2>"$work/err" &
	server=$!
	listens
}

stop()
{
	kill "$server"
	wait "$server" || :
	server=
}

load()
{
	"${on_second[@]}" wrk -t 1 -c "$connections" -d "$1s" "http://127.0.0.1:$port/file" >"$work/load"
	! grep -q 'Socket errors\|Non-2xx' "$work/load" || { cat "$work/load" >&2; return 1; }
}

# timing COMMAND...: requests a second of a server so started.
timing()
{
	start "${on_first[@]}" "$@"
	load $seconds
	sed -n 's/^Requests\/sec: *//p' "$work/load"
	stop
}

# misses COMMAND...: L2 data misses for each request, by a simulation of this machine's L2 (deterministic; slow).
misses()
{
	: >"$work/out"
	"$@" valgrind --tool=cachegrind --cache-sim=yes --cachegrind-out-file=/dev/null "--LL=$cache" --log-file="$work/cachegrind" \
		"$staged" --root "$work/root" --max-requests $requests >"$work/out" 2>"$work/err" &
	server=$!
	listens
	wrk -t 1 -c "$connections" -d 60s "http://127.0.0.1:$port/file" >/dev/null 2>&1 &
	local client=$!
	wait "$server" || :
	server=
	kill "$client" 2>/dev/null || :
	wait "$client" 2>/dev/null || :
	awk -v n=$requests '/LLd misses:/ { gsub(",", ""); printf "%.1f", $4 / n }' "$work/cachegrind"
}

median()
{
	sort -g | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'
}

mkdir "$work/root"
head -c 8192 /dev/urandom >"$work/root/file"

echo "1. profile: the sample server under $connections connections, for $seconds s"
start "$stingy" profile -o "$work/staged" --
load $seconds
stop

echo "2. solve"
"$stingy" solve "$work"/staged.*.trace -o "$work/manifest"
cache=$(sed -n 's/^cache size=\([0-9]*\) ways=\([0-9]*\) line=\([0-9]*\).*/\1,\2,\3/p' "$work/manifest")

echo "3. run: before and after, $rounds times $seconds s each, alternated"
for _ in $(seq $rounds); do
	timing >>"$work/before"
	timing "$stingy" run -m "$work/manifest" -- >>"$work/after"
done
start "$stingy" run -m "$work/manifest" --
load 1
"$stingy" stat "$server"
served=$("$stingy" stat --json "$server" | sed -n 's/.*"served": *\([0-9]*\).*"unmanaged": *\([0-9]*\).*"total": *\([0-9]*\).*/\1 \2 \3/p' |
	awk '{ printf "%.1f%%", 100 * $1 / ($1 + $2 + $3) }')
stop

echo "4. misses of the L2 ($cache), by cachegrind, $requests requests each"
misses_before=$(misses)
misses_after=$(misses "$stingy" run -m "$work/manifest" --)

before=$(median <"$work/before") after=$(median <"$work/after")
awk -v c=$connections -v b="$before" -v a="$after" -v mb="$misses_before" -v ma="$misses_after" -v s="$served" 'BEGIN {
	printf "\n%-36s %12s %12s %9s\n", "sample server, " c " connections", "before", "after", "change"
	printf "%-36s %12.0f %12.0f %+8.1f%%\n", "requests/s (median)", b, a, 100 * (a / b - 1)
	printf "%-36s %12.1f %12.1f %+8.1f%%\n", "L2 data misses/request (cachegrind)", mb, ma, (mb > 0 ? 100 * (ma / mb - 1) : 0)
	printf "%-36s %12s %12s\n\n", "allocations from the arena", "-", s
}'
