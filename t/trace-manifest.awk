# Makes a manifest of what t/prog/tracedump prints: every site is served. What the solver does with sense, this does
# without: for tests that want all sites served, by keys of a depth of their choice.
#
#	tracedump TRACE... | awk -v depth=4 -v slots=64 -f trace-manifest.awk
#
# Several traces must be of one program. depth: addresses in a key, where the chain has as many (1); slots: the most a
# region has (as many as allocations, and spare more); largest: objects of more bytes than this are left out (65536);
# home: if set, only sites whose first address is in the program itself; share: if set, sites of like sizes share a
# region (without, each has its own, and there may be 1,024); stack: bytes at the bottom of the slab for the main
# thread's stack; arenas: as in the manifest (1); high: slots of 32 KiB in the high slab for what does not fit (0).

function align_up(n, to) { return int((n + to - 1) / to) * to }

BEGIN {
	if (!depth) depth = 1
	if (!largest) largest = 65536
	if (!arenas) arenas = 1
	n = n_regions = last_module = 0
	used = stack + 0
}

# Each trace has numbers of its own: a module's becomes the one that it has in the manifest.
$1 == "trace" { delete number_of; delete address; delete chain; delete keys }
$1 == "module" { number_of[$2] = module_number($0) }
$1 == "frame" {
	split($3, part, "+")
	address[$2] = part[1] in number_of ? number_of[part[1]] substr($3, index($3, "+")) : $3
}
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

# The number in the manifest of a module with that line; the program's is 0 in both.
function module_number(line,    old, identity) {
	split(line, old, " ")
	identity = substr(line, length("module " old[2] " ") + 1)
	if (!(identity in numbers)) {
		numbers[identity] = old[2] == 0 ? 0 : ++last_module
		module[numbers[identity]] = "module " numbers[identity] " " identity
	}
	return numbers[identity]
}

# The key of a chain: addresses with their rules, the last one without. "" if there can be none.
function key_of(number,    frame, i, key, part, m, rule) {
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

# Puts the objects of a key into a region, a new one if need be.
function place(key,    step, bytes, class) {
	step = align[key] > 16 ? align[key] : 16
	bytes = align_up(size[key] ? size[key] : 1, step)
	class = key
	if (share) {
		for (class = step; class < bytes; class *= 2)
			;
		bytes = class
		class = step " " bytes
	}
	if (!(class in region)) {
		region[class] = n_regions
		slot[n_regions] = bytes
		grain[n_regions++] = step > 1024 ? step : 1024
	}
	many[region[class]] += count[key]
	return region[class]
}

END {
	for (i = 0; i < n; i++)
		home_of[i] = place(order[i])
	for (i = 0; i < n_regions; i++) {
		many[i] += spare
		if (slots && many[i] > slots) many[i] = slots
		offset[i] = align_up(used, grain[i])
		used = offset[i] + slot[i] * many[i]
	}
	print "stingy-manifest 1"
	print "cache size=1048576 ways=8 line=64"
	printf "slab size=%d stack=%d arenas=%d high=%d\n", used, stack, arenas, high * 32768
	for (i = 0; i <= last_module; i++)
		print (i in module) ? module[i] : "module " i " size=0 path=/nowhere"
	for (i = 0; i < n_regions; i++)
		printf "region %d offset=%d slot=%d count=%d\n", i, offset[i], slot[i], many[i]
	if (high)
		printf "region %d offset=%d slot=32768 count=%d\n", n_regions, align_up(used, 1024), high
	for (i = 0; i < n; i++)
		printf "kind %d region=%d size=%d%s\n", i, home_of[i], size[order[i]], high ? " high=" n_regions : ""
	for (i = 0; i < n; i++)
		printf "site %d kind=%d %s\n", i, i, order[i]
	print "end"
}
