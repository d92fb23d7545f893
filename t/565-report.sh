#!/usr/bin/env bash
# stingy report in a browser: all parts are there, nothing is loaded or complained of, nothing is wider than the window
# but what scrolls in its own box; and names that are HTML stay names.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
tap_require chromium dot xmllint
# shellcheck source=servers.sh disable=SC2154
. "${0%/*}/servers.sh"
stingy=$(realpath "$stingy")

server_use nginx
tap_require nginx ab
server_start_profiled && server_load closed
server_stop
traces=("$server_dir"/traces/*.trace)
cd "$server_dir" || exit 1

# What a process might say of itself, with a name that would do harm if it were taken for HTML.
cat >stat.json <<'END'
[{"pid": 7, "program": "/x/<script>alert(1)</script>&\"'", "state": "serving", "pages": "transparent", "huge_kib": 2048,
"resident_kib": 2048, "arenas": 1, "owned": 1, "manifest": "/x/m", "note": "<b>note</b>", "served": 900,
"unmanaged": 50, "fell_back": {"size": 0, "align": 0, "full": 50, "thread": 0, "no_arena": 0, "total": 50}, "sites": 5,
"sites_here": 5, "order": [{"ordering": "on", "why": "", "bound": 16, "crowd": 99, "comparisons": 9, "won": 3,
"saved": 23, "tasks": 13, "connections": 2500, "turns": 1000, "events": 9000, "first_turns": 400, "first_events": 600},
{"ordering": "searching", "why": "", "tasks": null, "connections": null}], "regions": [{"slot": 512,
"count": 100, "in_use": 40, "peak": 70, "served": 900, "full": 50, "kinds":
["aVeryLongNameOfAFunctionOfATemplate<WithMany,Parameters>::thatGoesOnAndOnAndOnWithoutABlankAnywhereInIt<img src=x>"]}]}]
END

tap_ok "a page" "$stingy" report "${traces[@]}" --stat stat.json -o page.html

# The same page, with a script that lays it out as wide as the address says, and writes into the title what comes of it.
# The page itself has no script.
cat >probe.js <<'END'
<script>
const body = document.body, all = [document.documentElement, body, ...document.querySelectorAll("section")];
body.style.width = location.hash.slice(1) + "px";
document.title = "probed: " + all.filter(e => e.scrollWidth > e.clientWidth).length + " too wide for " +
	body.clientWidth + ", " + performance.getEntriesByType("resource").length + " loaded, " +
	document.querySelectorAll("script").length + " script, dark " +
	matchMedia("(prefers-color-scheme: dark)").matches + " " + getComputedStyle(body).backgroundColor + ", " +
	[...document.querySelectorAll("table")].filter(e => e.scrollWidth > e.parentElement.clientWidth).length +
	" tables scroll";
</script>
END
sed '/<\/body>/{
r probe.js
}' page.html >probe.html

# browse WIDTH [OPTION...]: loads the probe; dom and log are what it prints.
browse()
{
	local width=$1
	shift
	timeout 240 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$server_dir/browser" \
		--enable-logging=stderr --hide-scrollbars --window-size="$width,900" "$@" \
		--dump-dom "file://$server_dir/probe.html#$width" >dom 2>log
	title=$(sed -n 's/.*<title>\(probed: [^<]*\)<.*/\1/p' dom)
}

# fits WIDTH TABLES: what the title says; TABLES, a pattern: how many of them scroll.
fits()
{
	browse "$1"
	printf 'title: %s\n' "$title"
	# shellcheck disable=SC2053 # a pattern
	[[ $title = "probed: 0 too wide for $1, 0 loaded, 1 script, dark false rgb(255, 255, 255), "$2\ tables\ scroll ]]
}
tap_ok "1280 pixels: nothing is wider, not even in its box; nothing is loaded, no script but the test's" fits 1280 0
tap_ok "480 pixels: tables scroll" fits 480 '[1-9]'

quiet()
{
	! grep -i 'CONSOLE' log
}
tap_ok "the browser has no complaints" quiet

dark()
{
	browse 1280 --blink-settings=preferredColorScheme=0
	printf 'title: %s\n' "$title"
	[[ $title = *"dark true rgb(22, 24, 29), "* ]]
}
tap_ok "dark, for those who like it so" dark

parts()
{
	local id
	for id in live loads graph stages map kinds sites input; do
		if ! grep -q "<section id=\"$id\">" page.html || ! grep -q "<a href=\"#$id\">" page.html; then
			echo "no part '$id'"
			return 1
		fi
	done
	[ "$(grep -c '<dt>' page.html)" -eq 5 ] && [ "$(grep -c '<svg' page.html)" -eq 2 ]
}
tap_ok "all parts, and links to them" parts

tap_ok "the answers: what was measured goes before what was expected" grep -q \
	'<dd class="good">yes: in production, ordering saved 23% of a request&#39;s time' page.html
flights()
{
	grep -q 'Order of events on: at most 16 events begin a turn; 3 of 9 comparisons' page.html &&
		grep -q 'in flight when the figures were taken: 13, on 2500 connections' page.html &&
		grep -q 'in flight when the figures were taken: -' page.html && grep -q 'fell back: no free slot' page.html
}
tap_ok "the words of 'stingy stat' for the order of events and what fell back; what is not known is not 0" flights
tap_ok "what limits it, by the names of what it holds" grep -q \
	'<dd class="fair">5.0% of the allocations find their region full, most in region 0 (aVeryLong[^&]*&lt;' page.html
names()
{
	! grep -qE '<script|<img|<b>' page.html &&
		grep -qF '&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;' page.html && grep -qF '&lt;b&gt;note' page.html
}
tap_ok "names that are HTML stay names" names

# Its parser knows no elements of HTML 5, and says so.
well_formed()
{
	! xmllint --html --noout page.html 2>&1 | grep 'error' | grep -vE 'Tag (main|nav|section|svg|[a-zA-Z]+) invalid'
}
tap_ok "well-formed" well_formed

tap_ok "the same again" cmp <("$stingy" report "${traces[@]}" --stat stat.json) page.html
"$stingy" solve "${traces[@]}" -o manifest 2>/dev/null
tap_ok "with a manifest, and without statistics" "$stingy" report -m manifest -o plain.html "${traces[@]}"
without()
{
	! grep -q 'id="live"' plain.html && grep -q 'has no live statistics' plain.html
}
tap_ok "then there is no such part" without

# refuses TEXT ARGUMENT...: exits with 2, says so in one line, and leaves no page.
refuses()
{
	local text=$1
	shift
	"$stingy" report -o none.html "$@" >out 2>err
	[ $? -eq 2 ] && [ ! -s out ] && [ ! -e none.html ] && [ "$(wc -l <err)" -eq 1 ] && grep -qF -e "$text" err && return 0
	cat err
	return 1
}
echo '{"pid": 3' >cut.json
echo '[]' >empty.json
tap_ok "no trace" refuses "of which trace?"
tap_ok "a trace that is not there" refuses "'none.trace'" none.trace
tap_ok "statistics that are cut off" refuses "'cut.json'" --stat cut.json "${traces[@]}"
tap_ok "statistics of nobody" refuses "no process in it" --stat empty.json "${traces[@]}"
tap_ok "a manifest that is none" refuses "empty.json:1: not a manifest" -m empty.json "${traces[@]}"

tap_done
