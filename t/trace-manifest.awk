# Makes a manifest of what t/prog/tracedump prints: every site is served, from a region of its own. What the solver does
# with sense, this does without: for tests that want all sites served, by keys of a depth of their choice.
#
#	tracedump TRACE | awk -v depth=4 -v slots=64 -f trace-manifest.awk
#
# depth: addresses in a key, where the chain has as many (1); slots: the most a region has (as many as allocations);
# largest: objects of more bytes than this are left out (65536); home: if set, only sites whose first address is in the
# program itself.

function align_up(n, to) { return int((n + to - 1) / to) * to }

BEGIN {
	if (!depth) depth = 1
	if (!largest) largest = 65536
}

$1 == "module" { module[$2] = $0; if ($2 + 0 > last_module) last_module = $2 + 0 }
$1 == "frame" { address[$2] = $3 }
$1 == "chain" { chain[$2] = $0 }

$1 == "alloc" || $1 == "realloc" {
	split($2, c, "="); split($3, s, "="); split($4, a, "=")
	key = key_of(c[2])
	if (key == "" || s[2] > largest) next
	if (!(key in count)) order[n++] = key
	count[key]++
	if (s[2] + 0 > size[key]) size[key] = s[2] + 0
	if (a[2] + 0 > align[key]) align[key] = a[2] + 0
}

# The key of a chain: addresses with their rules, the last one without. "" if there can be none.
function key_of(number,    frame, i, key, part, m) {
	if (number in keys) return keys[number]
	m = split(chain[number], frame, " ")
	for (i = 4; i <= m && i < 4 + depth; i++) {
		split(address[frame[i]], part, ":")
		if (part[1] ~ /^\?/) break
		if (i == 4 && home && part[1] !~ /^0\+/) break
		key = key (i > 4 ? ":" rule " " : "") part[1]
		rule = part[2]
		if (rule == "none" || rule == "end") break
	}
	return keys[number] = key
}

END {
	for (i = 0; i < n; i++) {
		key = order[i]
		step = align[key] > 16 ? align[key] : 16
		slot[i] = align_up(size[key] ? size[key] : 1, step)
		many[i] = slots && count[key] > slots ? slots : count[key]
		used = align_up(used, step > 1024 ? step : 1024)
		offset[i] = used
		used += slot[i] * many[i]
	}
	print "stingy-manifest 1"
	print "cache size=1048576 ways=8 line=64"
	printf "slab size=%d\n", used
	for (i = 0; i <= last_module; i++)
		print (i in module) ? module[i] : "module " i " size=0 path=/nowhere"
	for (i = 0; i < n; i++)
		printf "region %d offset=%d slot=%d count=%d\n", i, offset[i], slot[i], many[i]
	for (i = 0; i < n; i++)
		printf "kind %d region=%d size=%d\n", i, i, size[order[i]]
	for (i = 0; i < n; i++)
		printf "site %d kind=%d %s\n", i, i, order[i]
	print "end"
}
