# From the windows of bench-results/load.jsonl (slurped) to a list of what they come to: for each server, number of connections and
# variant, medians, and the ratios to the bare server's window beside each.

def median: sort | if length == 0 then null else .[((length - 1) / 2 | floor)] end;
def spread: sort | {median: median, least: .[0], most: .[-1], quarter: .[(length / 4 | floor)], three_quarters: .[(length * 3 / 4 | floor)]};
def rate: .requests / .seconds;
def cost: .cpu_ns / .requests / 1000;

map(select(.window > 0 and .requests > 0)) as $windows
| map(select(.lost)) as $losses
| map(select(.window == 0)) as $lives
| ($windows | map(select(.variant == "bare")) | map({key: "\(.server) \(.connections) \(.start) \(.window)", value: .}) | from_entries) as $bare
| def beside: $bare["\(.server) \(.connections) \(.start) \(.window)"];
$windows
| group_by([.server, .connections, .variant])
| map(
	. as $all
	| .[0] as {$server, $connections, $variant}
	| ($lives | map(select(.server == $server and .connections == $connections and .variant == $variant))) as $live
	| {
		server: $server, connections: $connections, variant: $variant, pairs: length,
		rate: (map(rate) | spread),
		cpu_us: (map(cost) | spread),
		user: ((map(.user_ns) | add) / (map(.cpu_ns) | add)),
		rate_ratio: (map(select(beside) | rate / (beside | rate)) | spread),
		cpu_ratio: (map(select(beside) | cost / (beside | cost)) | spread),
		p50_ms: (map(.p50_us / 1000) | median), p99_ms: (map(.p99_us / 1000) | median),
		longest_ms: (map(.longest_us / 1000) | max),
		errors: ((map(.errors) | add) + ($losses | map(select(.server == $server and .connections == $connections and .variant == $variant)) | length)),
		server_busy: (map(.cpu_ns / 1e9 / .seconds) | median),
		client_busy: (map(.client_ns / 1e9 / .seconds) | median),
		searched: ($live | map(.searched) | max),
		orders: ($live | map(.live.order[]? | {ordering, why, bound, crowd, saved})),
		served: ($live | map(.live | (.served + .unmanaged + ([.fell_back[]?] | add // 0)) as $all | if $all > 0 then 100 * .served / $all else null end) | median)
	}
)
