# Adds sites to a manifest: made-up ones, of three addresses in a module that is loaded, until there are sites= of them.
# They have kinds and regions of their own, and nothing ever allocates there. text= is where in the file of the module
# libc.so.6, whose addresses they take, its code begins.
#
# As in real programs, few addresses call malloc and each is reached by many ways: one in 20 sites has a first address
# of its own, one in 5 a second. One in ten begins like the manifest's own last site, if that is of several addresses.

function added_regions(    i, text)
{
	for (i = 0; i < REGIONS; i++)
		text = text sprintf("region %d offset=%d slot=%d count=%d\n", n["region"] + i, slab + i * REGION_SIZE,
			64 * (i + 1), int(REGION_SIZE / (64 * (i + 1))))
	return text
}

function added_kinds(    i, text)
{
	for (i = 0; i < n_kinds; i++)
		text = text sprintf("kind %d region=%d size=64 name=made_up_%d\n", n["kind"] + i, n["region"] + i % REGIONS, i)
	return text
}

function address(group, i)
{
	return sprintf("%d+0x%x", libc, text + group * 65536 + i * 16)
}

function print_added_sites(    i, firsts, seconds, key)
{
	firsts = int((n_added + 19) / 20)
	seconds = firsts * 4
	for (i = 0; i < n_added; i++) {
		key = address(0, i % firsts) ":sp+" 16 + 8 * (i % firsts % 20)
		key = key " " address(2, i % seconds) ":sp+" 32 + 8 * (i % seconds % 10) "/bp-16"
		if (i % 10 == 0 && stem != "")
			key = stem
		print "site " n["site"] + i " kind=" n["kind"] + i % n_kinds " " key " " address(6, i)
	}
}

BEGIN { REGIONS = 16; REGION_SIZE = 32768 }
/^slab/ {
	sub("size=", "", $2)
	slab = int(($2 + 1023) / 1024) * 1024
	$2 = "size=" slab + REGIONS * REGION_SIZE
}
/^module .*\/libc\.so\.6/ { libc = $2 }
/^site/ {
	stem = ""
	for (i = 4; i < NF; i++)
		stem = (i > 4 ? stem " " : "") $i
}
{ n[$1]++; lines[$1] = lines[$1] $0 "\n" }
END {
	n_added = sites > n["site"] ? sites - n["site"] : 0
	n_kinds = int((n_added + 3) / 4)
	printf "%s", lines["stingy-manifest"] lines["cache"] lines["slab"] lines["module"]
	printf "%s", lines["region"] added_regions() lines["kind"] added_kinds() lines["site"]
	print_added_sites()
	print "end"
}
