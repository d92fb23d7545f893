#!/usr/bin/env bash
# All that a program may ask by the public header, answer by answer: how many runs of a stage fit, why none does, and
# which stage is meant; in threads, after fork, in modules that come and go; and what is counted of the runs it tells.

# shellcheck source-path=SCRIPTDIR source=tap.sh disable=SC2317 # test functions are called by name
. "${0%/*}/tap.sh"
stingy=$(realpath "${STINGY:-${builddir:-.}/stingy}")
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"
tap_require nm readelf python3

asker=$progdir/asker

# gives WANTED: whether the program's output, in out, is that text, given on stdin.
gives()
{
	diff -u <(cat) out
}

# --- without anybody to ask

# nobody KNOWN ANSWER: what it prints if nothing limits its runs.
nobody()
{
	local when stage
	for stage in request 'a reply' both nothing; do
		echo "$stage is $1"
	done
	printf '%s is unknown\n' main 'no function' nobody 'no name' 'number 5' 'number 4294967295'
	for when in 'at first' 'with 3 requests and a reply' 'with 4 requests and 3 replies' 'in a child' \
		'in a child that has freed' 'in a thread' 'in a thread with a request' 'when a thread has freed a reply' \
		'at the end'; do
		echo "$when"
		for stage in request 'a reply' both nothing 'no function'; do
			echo "  $stage: many, $2"
		done
	done
}

bare "$asker" >out
tap_ok "without a library" gives < <(nobody unknown "no library")
profiled asker "$asker" >out
tap_ok "in a profile" gives < <(nobody unknown "no library")
managed "" "$asker" >out
tap_ok "without a manifest" gives < <(nobody unknown unknown)
managed "$work/none" "$asker" >out 2>err
tap_ok "with a manifest that is not there" gives < <(nobody unknown unknown)

# --- with a manifest: requests in region 0, replies in region 1, four slots each

for trace in asker.*.trace; do
	"$progdir/tracedump" "$trace" >dump
	grep -q '^trace .* parent=0 ' dump && cp dump parent.dump
done

# place_of FUNCTION: where it is in the program's file, as the manifest has it.
place_of()
{
	local function offset address size
	function=$((16#$(nm "$asker" | awk -v name="$1" '$3 == name { print $1 }')))
	readelf -lW "$asker" | awk '$1 == "LOAD" { print $2, $3, $6 }' | while read -r offset address size; do
		((function < address || function >= address + size)) || printf '0+%#x\n' $((function - address + offset))
	done
}

awk '$1 == "frame" || $1 == "module" || $1 == "chain" || $2 !~ /=/ { print; next } $3 == "size=100" || $3 == "size=300"' \
	parent.dump | awk -v slots=4 -v spare=1 -v home=1 -v arenas=1 -f "$testdir/trace-manifest.awk" |
	sed -e 's/^\(kind 0 .*\)/\1 name=a%20request/' -e 's/^\(kind 1 .*\)/\1 name=a%20reply/' -e '/^end/d' >manifest
cat >>manifest <<END
stage 0 function=$(place_of get_request) name=request allocates=0
stage 1 function=$(place_of get_reply) name=a%20reply allocates=1*3
stage 2 function=$(place_of get_both) name=both allocates=0*2,1,0
stage 3 function=$(place_of get_nothing) name=nothing
stage 4 allocates=0*4294967295,0*4294967295
end
END

known()
{
	sed '/^at first/,$d; s/ is unknown/ is known/; /^main\|^no \|^nobody\|^number/s/known/unknown/' < <(nobody known x)
}
in_requests="of region 0 (a request)" in_replies="of region 1 (a reply)"

# The stages' answers where N requests and M replies are free.
free()
{
	local n=$1 m=$2
	is()
	{
		[ "$2" -eq 0 ] && echo "  $1: 0, full: $3" || echo "  $1: $2, fits: $3"
	}
	is request "$n" "1 $in_requests, $n free"
	is 'a reply' $((m / 3)) "3 $in_replies, $m free"
	if [ $((n / 3)) -lt "$m" ]; then
		is both $((n / 3)) "3 $in_requests, $n free"
	else
		is both "$m" "1 $in_replies, $m free"
	fi
	echo "  nothing: many, takes nothing"
	is 'no function' 0 "4294967295 $in_requests, $n free"
}

# not_served: where the thread cannot have an arena.
not_served()
{
	printf '  %s: many, not served\n' request 'a reply' both nothing 'no function'
}

# served_answers N M: with the two answers of a thread in between, given on stdin.
served_answers()
{
	known
	echo "at first" && free 4 4
	echo "with 3 requests and a reply" && free 1 3
	echo "with 4 requests and 3 replies" && free 0 1
	echo "in a child" && free 0 1
	echo "in a child that has freed" && free 1 1
	cat
	echo "when a thread has freed a reply" && free 0 2
	echo "at the end" && free 4 4
}

managed "$work/manifest" "$asker" >out 2>err
tap_ok "with a manifest, as slots are taken and given back" gives < <(
	{ echo "in a thread" && not_served && echo "in a thread with a request" && not_served; } | served_answers)
tap_is "and nothing is said" "$(cat err)" ""

sed 's/arenas=1/arenas=2/' manifest >two.manifest
managed "$work/two.manifest" "$asker" >out 2>err
tap_ok "a thread is told of its own arena" gives < <(
	{ echo "in a thread" && free 4 4 && echo "in a thread with a request" && free 3 4; } | served_answers)

# A slot is lengthened by what is put behind it: there is room for three.
STINGY_CANARIES=1 managed "$work/manifest" "$asker" >out 2>err
tap_is "with canaries, slots are fewer" "$(sed -n '/^at first/,/request/p' out)" \
	"$(printf 'at first\n  request: 3, fits: 1 %s, 3 free' "$in_requests")"

STINGY_DRY_RUN=1 managed "$work/manifest" "$asker" >out 2>err
tap_ok "in a dry run stages are known, and nothing limits them" gives < <(nobody known "not served")

# --- a stage in a module

module=$progdir/chain-module.so
rm -f ./*.trace
bare "$asker" "$module" >out
module_free()
{
	echo "  loaded: many, $1" && echo "  unloaded: unknown" && echo "  loaded again: many, $1" && echo "  unloaded: unknown"
	echo "  still asked: many, $1"
}
tap_ok "of a module, without a library" gives < <(module_free "no library")
profiled module "$asker" "$module" >out
"$progdir/tracedump" module.*.trace >module.dump
stage=$(awk '$1 == "frame" { place[$2] = $3; function_at[$2] = $4 }
	$1 == "stage" { sub("frame=", "", $3); split(place[$3], a, "+"); sub("function=", "", function_at[$3])
		print a[1] "+" function_at[$3]; exit }' module.dump)
solve module -v slots=4 >module.manifest
kind=$(sed -n "s/^site .* kind=\([0-9]*\) ${stage%%+*}+0x.*/\1/p" module.manifest) # what the module allocates
region=$(sed -n "s/^kind $kind region=\([0-9]*\) .*/\1/p" module.manifest)
sed -i "s/^end/stage 0 function=$stage allocates=$kind*5\nend/" module.manifest
managed "$work/module.manifest" "$asker" "$module" >out 2>err
module_answers()
{
	echo "  loaded: 0, $1" && echo "  unloaded: unknown" && echo "  loaded again: 0, $1" && echo "  unloaded: unknown"
	echo "  still asked: 0, $1"
}
# The two objects of the profile had a slot each. A kind without a name goes by a place.
place=$(sed -n "s/^site .* kind=$kind ${stage%%+*}+\(0x[0-9a-f]*\).*/chain-module.so+\1/p" module.manifest)
tap_ok "as soon as it is loaded, and what was found is good for ever" gives < <(
	module_answers "full: 5 of region $region ($place), 2 free")

# --- batches

# told WHEN WANTED: the stages that `stingy stat` shows of the process whose number comes on descriptor 3.
read_stages()
{
	local pid
	read -r pid <&3 || return 1
	"$stingy" stat --json "$pid" >stat.json && "$stingy" stat "$pid" >stat.text && python3 - <<'END'
import json
process, = json.load(open("stat.json"))
def show(name, stage):
    batches = stage["batches"]
    assert len(batches) == 15
    print(name, stage["runs"], {2**i: n for i, n in enumerate(batches) if n})
for stage in process["stages"]:
    show(stage["name"] or "unnamed", stage)
show("others", process["other_stages"])
END
}

announce()
{
	rm -f to from
	mkfifo to from
	"$@" "$asker" --batches <to >from 2>err &
	exec 4>to 3<from
	read_stages >parent.stages
	mv stat.text parent.text
	echo >&4
	read_stages >child.stages
	echo >&4
	exec 3<&- 4>&-
	wait $!
}

parent_stages="request 40018 {1: 1, 2: 1, 4: 1, 8: 1, 16384: 1}
a reply 5 {1: 2}
both 0 {}
nothing 0 {}
unnamed 0 {}
others 4 {1: 1, 2: 1}"
child_stages="request 3 {2: 1}
a reply 1 {}
both 0 {}
nothing 0 {}
unnamed 0 {}
others 0 {}"
announce managed "$work/manifest"
tap_is "runs and batches of two threads" "$(cat parent.stages)" "$parent_stages"
tap_is "those of a child begin at zero" "$(cat child.stages)" "$child_stages"
tap_is "as text: runs, batches, mean, and the batches of 1, of 2 and so on" \
	"$(sed -n '/^ *stage/,$p' parent.text | awk '{ print $1, $2, $3, $4, $5, $6, $7, $8, $NF }')" \
	"stage runs batches mean 1 2 4 8 16384
0 40018 5 8003.6 1 1 1 1 request
1 5 2 2.5 2 0 0 0 reply
others 4 2 2.0 1 1 0 0 0"
STINGY_DRY_RUN=1 announce managed "$work/manifest"
tap_is "in a dry run, for comparison, likewise" "$(cat parent.stages)" "$parent_stages"
sed '/^stage/d' manifest >stageless.manifest
announce managed "$work/stageless.manifest"
tap_is "nothing is counted for a manifest without stages" "$(cat parent.stages child.stages)" "$(printf 'others 0 {}\nothers 0 {}')"

tap_done
