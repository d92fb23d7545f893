# The paper's figures and the targets beside ours: rows of [what, the paper's, server, ours, what there is to be won, target, whether
# it is reached]. To be won: what would be if 2,500 connections cost the server no more for a request than 100 do.
# Input: {load: the summary, misses, uniform, mock}, each a list.

def of($list; $server; $connections; $variant):
	$list | map(select(.server == $server and .connections == $connections and .variant == $variant)) | .[0];
def verdict($value; $target): if $target == null then "" elif $value == null then "not measured" elif $value >= $target then "yes" else "no" end;

. as $all
| def misses($server):
	of($all.misses; $server; 2500; "bare").misses as $bare | of($all.misses; $server; 2500; "both").misses as $both
	| if $bare and $both and $bare > 0 then $both / $bare else null end;
def rate($server; $connections): of($all.load; $server; $connections; "both") | .rate_ratio.median;
def cost($server; $connections): of($all.load; $server; $connections; "both") | .cpu_ratio.median;
def fall($server; $variant):
	$all.load | map(select(.server == $server and .variant == $variant)) | map({connections, rate: .rate.median})
	| if map(.connections) | index(4000) then (map(select(.connections == 4000)) | .[0].rate) / (map(.rate) | max) else null end;
def most($server): of($all.load; $server; 100; "bare") as $few | of($all.load; $server; 2500; "bare") as $many
	| if $few and $many then $many.cpu_us.median / $few.cpu_us.median else null end;
def peak($server; $variant): $all.uniform | map(select(.server == $server and .variant == $variant) | .peak) | if length > 0 then median else null end;
def ns($place; $policy): $all.mock | map(select(.options == "" and .tasks == 2500 and .place == $place and .policy == $policy)) | .[0].ns;

[
	("staged -75", "squid -75", "evhttp -75", "haproxy", "lighttpd", "merecat" | split(" ") as [$server, $target]
		| misses($server) as $ratio | select($ratio or $target)
		| ["L2 data misses, 2,500 connections", "TUX -75%, thttpd -53%", $server, ($ratio | change), "",
			(if $target then "\($target)%" else "" end), verdict(if $ratio then -$ratio else null end; if $target then -0.25 else null end)]),
	("staged 40", "squid 60", "evhttp 45", "haproxy 20", "lighttpd 4", "merecat", "nginx -1", "redis -1", "memcached -1" | split(" ") as [$server, $target]
		| rate($server; 2500) as $ratio | select($ratio or $target)
		| ["requests/s, 2,500 connections", "TUX +38 to +40%, thttpd +12%", $server, ($ratio | change), (most($server) | change),
			(if $target then "\($target | tonumber | if . > 0 then "+\(.)" else "\(.)" end)%" else "" end),
			verdict($ratio; if $target then 1 + ($target | tonumber) / 100 else null end)]),
	("squid", "evhttp", "staged" | . as $server | of($all.load; $server; 2500; "bare") as $bare | of($all.load; $server; 2500; "both") as $both
		| select($bare and $both)
		| ["latency p50 and p99, 2,500 connections", "", $server,
			"\($bare.p50_ms | fixed(1)) to \($both.p50_ms | fixed(1)) ms, \($bare.p99_ms | fixed(1)) to \($both.p99_ms | fixed(1)) ms", "",
			"no higher", (if $both.p50_ms <= $bare.p50_ms and $both.p99_ms <= $bare.p99_ms then "yes" else "no" end)]),
	("staged", "evhttp", "squid" | . as $server | peak($server; "bare") as $bare | peak($server; "both") as $both
		| select($bare and $both)
		| ["peak rate before overload (httperf)", "TUX +21%", $server, ($both / $bare | change), "", "", ""]),
	("L2", "L1" | . as $place | ns("glibc"; "round-robin") as $bare | ns($place; "staged") as $both | select($bare and $both)
		| ["mock server, 2,500 tasks", "up to 4 times", "for the \($place)", "\($bare / $both | fixed(2)) times as fast", "", "7 times", verdict($bare / $both; 7)]),
	("squid", "evhttp", "staged" | . as $server | fall($server; "bare") as $bare | fall($server; "both") as $both | select($bare and $both)
		| ["throughput at 4,000 against its peak", "nearly flat", $server, "\($both | change) (bare \($bare | change))", "", "-25%", verdict($both; 0.75)]),
	($all.load | map(select(.variant == "both" and .connections <= 100)) | sort_by(.server, .connections) | group_by(.server) | .[]
		| . as $rows | ["no loss at \(map("\(.connections)") | join(", ")) connections: requests/s; CPU", "", .[0].server,
			"\(map(.rate_ratio.median | change) | join(", ")); \(map(.cpu_ratio.median | change) | join(", "))", "", "within 1%",
			(if all($rows[]; .rate_ratio.median >= 0.99 and .cpu_ratio.median <= 1.01) then "yes"
				elif all($rows[]; .rate_ratio.three_quarters >= 0.99 and .cpu_ratio.quarter <= 1.01) then "within noise" else "no" end)])
]
