/* The manifest's reader and damage: what is wrong is refused for the right reason, without an overread. */
#include "manifest-text.h"

#include <time.h>

#define LINKS_8 "0+0x1:sp+8 0+0x1:sp+8 0+0x1:sp+8 0+0x1:sp+8 0+0x1:sp+8 0+0x1:sp+8 0+0x1:sp+8 0+0x1:sp+8 "

/* The last line of each text is wrong, and only that. */
static const struct {
	const char *text;
	const char *error;
} bad[] = {
	{"", "ends before its 'end' line"},
	{"\n# nothing\n", "ends before its 'end' line"},
	{"stingy\n", "not a manifest"},
	{"\x7f"
	 "ELF\x02\x01\x01",
	 "not a manifest"},
	{"end\n", "not a manifest"},
	{"stingy-manifest\n", "number missing"},
	{"stingy-manifest 2\n", "version of the format that this program does not know"},
	{"stingy-manifest 1 1\n", "something follows the version"},
	{START START, "unknown keyword"},
	{START "Cache size=65536 ways=8 line=64\n", "unknown keyword"},
	{START "end 1\n", "something follows 'end'"},
	{START "end\nend\n", "something follows 'end'"},
	{START "cache size=65536 ways=8\n", "field missing"},
	{START "cache size=65536 line=64\n", "field missing"},
	{START "cache size=65536 ways=8 line=64 sets=2\n", "word that is no field of such a line"},
	{START "cache size=65536 ways=8 line=64 ways=8\n", "field given twice"},
	{START "cache size=65536 ways=8 line=64 64\n", "word that is no field of such a line"},
	{START "cache size=65536 ways=8 =64\n", "word that is no field of such a line"},
	{START "cache size= ways=8 line=64\n", "number missing"},
	{START "cache size=0x10000 ways=8 line=64\n", "malformed number"},
	{START "cache size=-65536 ways=8 line=64\n", "malformed number"},
	{START "cache size=64k ways=8 line=64\n", "malformed number"},
	{START "cache size=64a ways=8 line=64\n", "malformed number"},
	{START "cache size=4294967296 ways=8 line=64\n", "number too large"},
	{START "cache size=18446744073709551616 ways=8 line=64\n", "number too large"},
	{START "cache size=65536 ways=8 line=0\n", "cache line is not a power of two"},
	{START "cache size=65536 ways=8 line=48\n", "cache line is not a power of two"},
	{START "cache size=65536 ways=0 line=64\n", "cache is smaller than one line a way"},
	{START "cache size=511 ways=8 line=64\n", "cache is smaller than one line a way"},
	{CACHE "cache size=65536 ways=8 line=64\n", "second line of a type that has one"},
	{SLAB "cache size=65536 ways=8 line=64\n", "record out of order"},
	{SLAB "slab size=8192\n", "second line of a type that has one"},
	{CACHE "slab size=268435457\n", "slab larger than the format allows"},
	{CACHE "slab high=1024\n", "field missing"},
	{CACHE "slab size=8192 stack=\n", "number missing"},
	{CACHE "slab size=8192 stack=1k\n", "malformed number"},
	{CACHE "slab size=8192 stack=1000\n", "size of the stack or the high slab is not aligned"},
	{CACHE "slab size=8192 stack=9216\n", "stack larger than the slab"},
	{CACHE "slab size=8192 high=8193\n", "size of the stack or the high slab is not aligned"},
	{CACHE "slab size=8192 arenas=0\n", "no arenas, or more than the format allows"},
	{CACHE "slab size=8192 arenas=65\n", "no arenas, or more than the format allows"},
	{CACHE "slab size=8192 arenas=1 arenas=1\n", "field given twice"},
	{CACHE "slab size=8192 high=2147475457\n", "size of the stack or the high slab is not aligned"},
	{CACHE "slab size=8193 high=2147475456\n", "arenas that are together larger than the format allows"},
	{CACHE "slab size=8192 high=2147476480\n", "arenas that are together larger than the format allows"},
	{CACHE "slab size=8192 high=4294966272\n", "arenas that are together larger than the format allows"},
	{CACHE "slab size=33554433 arenas=64\n", "arenas that are together larger than the format allows"},
	{SLAB "module 1 id=00 path=/p\n", "number out of turn"},
	{SLAB "module id=00 path=/p\n", "malformed number"},
	{SLAB "module 0 id=00\n", "field missing"},
	{SLAB "module 0 path=/p\n", "module with none or both of build-id and size"},
	{SLAB "module 0 id=00 size=1 path=/p\n", "module with none or both of build-id and size"},
	{SLAB "module 0 id= path=/p\n", "malformed build-id"},
	{SLAB "module 0 id=012 path=/p\n", "malformed build-id"},
	{SLAB "module 0 id=" HEX_32 "00 path=/p\n", "malformed build-id"},
	{SLAB "module 0 id=0g path=/p\n", "malformed build-id"},
	{SLAB "module 0 id=00 path=/\xc3\xa9\n", "text with a byte that must be percent-encoded"},
	{SLAB "module 0 id=00 path=/\x01\n", "text with a byte that must be percent-encoded"},
	{SLAB "module 0 id=00 path=/%2\n", "text with a '%' that two hexadecimal digits do not follow"},
	{SLAB "module 0 id=00 path=/%2g\n", "text with a '%' that two hexadecimal digits do not follow"},
	{MODULE "module 0 id=00 path=/p\n", "number out of turn"},
	{MODULE "slab size=8192\n", "record out of order"},
	{START "region 0 offset=0 slot=64 count=1\n", "region before the cache line and the slab line"},
	{CACHE "region 0 offset=0 slot=64 count=1\n", "region before the cache line and the slab line"},
	{MODULE "region 0 offset=1k slot=64 count=1\n", "malformed number"},
	{MODULE "region 0 offset=512 slot=64 count=1\n", "region's offset is not aligned"},
	{MODULE "region 0 offset=0 slot=0 count=1\n", "region's slot size is zero or not aligned"},
	{MODULE "region 0 offset=0 slot=24 count=1\n", "region's slot size is zero or not aligned"},
	{MODULE "region 0 offset=0 slot=64 count=0\n", "region without slots, or with more than the format allows"},
	{MODULE "region 0 offset=0 slot=16 count=1048576\n",
	 "region without slots, or with more than the format allows"},
	{MODULE "region 0 offset=0 slot=64 count=129\n", "region does not fit its slab"},
	{MODULE "region 0 offset=8192 slot=16 count=1\n", "region does not fit its slab"},
	{MODULE "region 0 offset=0 slot=4294967280 count=1048575\n", "region does not fit its slab"},
	{MODULE "region 0 offset=4294966272 slot=4294967280 count=1048575\n", "region does not fit its slab"},
	{CACHE "slab size=8192 stack=2048\nregion 0 offset=1024 slot=64 count=1\n",
	 "region in the stack's part of the slab"},
	{CACHE "slab size=8192 stack=8192\nregion 0 offset=7168 slot=64 count=1\n",
	 "region in the stack's part of the slab"},
	{CACHE "slab size=8000 high=4096\nregion 0 offset=7168 slot=16 count=53\n", "region does not fit its slab"},
	{CACHE "slab size=8192 high=4096\nregion 0 offset=7168 slot=1024 count=2\n", "region does not fit its slab"},
	{CACHE "slab size=8000 high=4096\nregion 0 offset=8192 slot=4112 count=1\n", "region does not fit its slab"},
	{CACHE "slab size=8192 high=4096\nregion 0 offset=12288 slot=16 count=1\n", "region does not fit its slab"},
	{HIGH "region 2 offset=11264 slot=1024 count=1\n", "region overlaps the one before it"},
	{HIGH "region 2 offset=7168 slot=16 count=1\n", "region overlaps the one before it"},
	{HIGH "kind 0 region=0 size=32 high=2\n", "kind's high region is none of the high slab"},
	{HIGH "kind 0 region=0 size=32 high=0\n", "kind's high region is none of the high slab"},
	{HIGH "kind 0 region=0 size=32 high=4294967295\n", "kind's high region is none of the high slab"},
	{HIGH "kind 0 region=0 size=32 high=\n", "number missing"},
	{HIGH "kind 0 region=0 size=33 high=1\n", "kind larger than its high region's slots"},
	{HIGH "kind 0 region=0 size=32 high=1\n", "ends before its 'end' line"},
	{HIGH "kind 0 region=1 size=32\n", "ends before its 'end' line"},
	{CACHE "slab size=8193 stack=8192\nregion 0 offset=8192 slot=16 count=1\n", "region does not fit its slab"},
	{CACHE "slab size=8192 high=2147475456 arenas=1\n", "ends before its 'end' line"},
	{CACHE "slab size=33554432 arenas=64\n", "ends before its 'end' line"},
	{REGION "region 1 offset=0 slot=64 count=16\n", "region overlaps the one before it"},
	{REGION "region 1 offset=1024 slot=64 count=1\n", "region overlaps the one before it"},
	{REGION "module 1 id=00 path=/p\n", "record out of order"},
	{REGION "kind 0 region=1 size=64\n", "kind in a region that is not declared"},
	{REGION "kind 0 region=0 size=65\n", "kind larger than its region's slots"},
	{REGION "kind 0 region=0 size=64 name=%\n", "text with a '%' that two hexadecimal digits do not follow"},
	{KIND "kind 2 region=0 size=64\n", "number out of turn"},
	{SLAB "site 0 kind=0 0+0x1\n", "site before module 0"},
	{REGION "site 0 kind=0 0+0x1\n", "site of a kind that is not declared"},
	{KIND "site 0 kind=1 0+0x1\n", "site of a kind that is not declared"},
	{KIND "site 0 kinds=0 0+0x1\n", "site whose first field is not its kind"},
	{KIND "site 0 kind 0+0x1\n", "site whose first field is not its kind"},
	{KIND "site 0\n", "site whose first field is not its kind"},
	{KIND "site 0 0+0x1 kind=0\n", "site whose first field is not its kind"},
	{KIND "site 0 kind=0\n", "site without an address"},
	{KIND "site 0 kind=0 1+0x1\n", "address in a module that is not declared"},
	{KIND "site 0 kind=0 x+0x1\n", "malformed number"},
	{KIND "site 0 kind=0 +0x1\n", "malformed number"},
	{KIND "site 0 kind=0 4294967296+0x1\n", "number too large"},
	{KIND "site 0 kind=0x 0+0x1\n", "malformed number"},
	{KIND "site 0 kind=0 0+0x1#\n", "malformed number"},
	{KIND "site 0 kind=0 0+0x1:sp+8: 0+0x1\n", "malformed rule"},
	{KIND "site 0 kind=0 0+1\n", "address that is not MODULE+0xOFFSET"},
	{KIND "site 0 kind=0 0\n", "address that is not MODULE+0xOFFSET"},
	{KIND "site 0 kind=0 0+0x\n", "number missing"},
	{KIND "site 0 kind=0 0+0xg\n", "malformed number"},
	{KIND "site 0 kind=0 0+0x10000000000000000\n", "number too large"},
	{KIND "site 0 kind=0 0+0x1:\n", "malformed rule"},
	{KIND "site 0 kind=0 0+0x1:sp+7 0+0x2\n", "malformed rule"},
	{KIND "site 0 kind=0 0+0x1:none 0+0x2\n", "rule that a key cannot go on by"},
	{KIND "site 0 kind=0 0+0x1:end\n", "rule that a key cannot go on by"},
	{KIND "site 0 kind=0 0+0x1:sp+8\n", "rule at the last address of a site"},
	{KIND "site 0 kind=0 0+0x1 0+0x2\n", "address without a rule before another"},
	{KIND "site 0 kind=0 " LINKS_8 LINKS_8 "0+0x1\n", "site with too many addresses"},
	{SITE "kind 1 region=0 size=64\n", "record out of order"},
	{SITE "stage 0 function=1+0x1\n", "address in a module that is not declared"},
	{SITE "stage 0 function=0+0x1:sp+8\n", "malformed number"},
	{SITE "stage 0 allocates=1\n", "allocates a kind that is not declared"},
	{SITE "stage 0 allocates=\n", "number missing"},
	{SITE "stage 0 allocates=0,\n", "number missing"},
	{SITE "stage 0 allocates=0*\n", "number missing"},
	{SITE "stage 0 allocates=0*0\n", "allocates a kind no times"},
	{SITE "stage 0 allocates=0*1*1\n", "malformed number"},
	{SITE "schedule\n", "schedule that is neither auto nor fixed"},
	{SITE "schedule tasks=1\n", "schedule that is neither auto nor fixed"},
	{SITE "schedule automatic\n", "schedule that is neither auto nor fixed"},
	{SITE "schedule auto fixed\n", "word that is no field of such a line"},
	{SITE "schedule fixed\n", "field missing"},
	{SITE "schedule auto tasks=\n", "number missing"},
	{SITE "schedule auto tasks=0\n", "schedule of no tasks, or of more than the format allows"},
	{SITE "schedule auto tasks=1048576\n", "schedule of no tasks, or of more than the format allows"},
	{SITE "schedule auto takes=1\n", "allocates a kind that is not declared"},
	{SITE "schedule auto takes=0*0\n", "allocates a kind no times"},
	{SITE "schedule auto\nschedule auto\n", "second line of a type that has one"},
	{SITE "schedule auto\nstage 0\n", "record out of order"},
	{SITE "stage 0\n", "ends before its 'end' line"},
	{SITE "schedule auto\n", "ends before its 'end' line"},
	{SITE "schedule auto takes=0 tasks=1048575\n", "ends before its 'end' line"},
};

static unsigned count_lines(const char *text)
{
	unsigned n = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		n++;
	}
	return n;
}

static void test_bad_lines_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *text = bad[i].text;
		size_t len = strlen(text);
		struct stingy_manifest_reader reader;
		/* A text that ends too early is found to be wrong at the line that is not there. */
		bool is_after = strncmp(bad[i].error, "ends", 4) == 0 || text[len - 1] != '\n';

		assert_refused(text, len, bad[i].error);
		open_text(&reader, text, len);
		read_all(&reader);
		if (reader.line != count_lines(text) + is_after)
			fail_msg("'%s' gave line %u", text, reader.line);
	}
}

/* A cut text gives the records whose lines are whole, and then an error. */
static void test_every_truncation(void **state)
{
	struct stingy_manifest_reader reader;
	struct stingy_manifest_record record;

	(void)state;
	for (size_t len = 0; len < strlen(canonical) - 1; len++) {
		char *text = strndup(canonical, len);
		unsigned n = 0, n_lines = count_lines(text);

		open_text(&reader, text, len);
		while (stingy_manifest_next(&reader, &record) == 1)
			n++;
		assert_non_null(reader.error);
		if (n_lines > 0)
			assert_string_equal(reader.error, "ends before its 'end' line");
		assert_int_equal(n, n_lines ? n_lines - 1 : 0);
		free(text);
	}
	open_text(&reader, canonical, strlen(canonical) - 1);
	assert_int_equal(read_all(&reader), 0);
}

/* What the reader passes must keep its promises, however it came about. */
static void check_promises(const struct stingy_manifest_record *record, const struct stingy_manifest_counts *counts)
{
	if (record->type == STINGY_MANIFEST_REGION)
		assert_true(record->region.offset + (uint64_t)record->region.slot * record->region.count <=
			    STINGY_MEMORY_MAX + (uint64_t)STINGY_REGION_ALIGN);
	if (record->type == STINGY_MANIFEST_KIND)
		assert_true(record->kind.region < counts->regions);
	if (record->type == STINGY_MANIFEST_SITE) {
		assert_true(record->site.kind < counts->kinds);
		assert_in_range(record->site.depth, 1, STINGY_DEPTH_MAX);
		for (unsigned i = 0; i < record->site.depth; i++) {
			assert_true(record->site.chain[i].module < counts->modules);
			assert_true(stingy_rule_is_valid(&record->site.chain[i].rule));
		}
	}
	if (record->type == STINGY_MANIFEST_STAGE) {
		assert_true(record->stage.module < counts->modules || record->stage.module == UINT32_MAX);
		for (unsigned i = 0; i < record->stage.n_allocates; i++)
			assert_true(record->stage.allocates[i].kind < counts->kinds);
	}
	if (record->type == STINGY_MANIFEST_SCHEDULE) {
		assert_in_range(record->schedule.tasks, record->schedule.is_fixed, STINGY_TASKS_MAX);
		for (unsigned i = 0; i < record->schedule.n_takes; i++)
			assert_true(record->schedule.takes[i].kind < counts->kinds);
	}
}

/* Overwrites, removes or doubles a few bytes. Returns the new length. */
static size_t mutate(char *text, size_t len)
{
	static const char bytes[] = "\n\r\t #%=+:*,/0123456789abcdefx\x80\xff";

	for (int n = rand() % 3; n >= 0; n--) {
		size_t at = (size_t)rand() % (len - 40), span = (size_t)rand() % 40;

		switch (rand() % 4) {
		case 0:
			memmove(text + at, text + at + span, len - at - span);
			len -= span;
			break;
		case 1:
			memmove(text + at + span, text + at, len - at);
			len += span;
			break;
		default:
			text[at] = bytes[(size_t)rand() % sizeof(bytes)];
		}
	}
	return len;
}

static void test_random_mutations(void **state)
{
	unsigned seed = getenv("STINGY_TEST_SEED") ? (unsigned)atoi(getenv("STINGY_TEST_SEED")) : (unsigned)time(NULL);
	unsigned n_accepted = 0;

	(void)state;
	printf("# seed %u (set STINGY_TEST_SEED to repeat)\n", seed);
	srand(seed);
	for (int i = 0; i < 20000; i++) {
		char text[sizeof(loose) + 3 * 40];
		struct stingy_manifest_reader reader;
		struct stingy_manifest_record record;
		size_t len = mutate(memcpy(text, loose, sizeof(loose)), strlen(loose));
		int result;

		open_text(&reader, text, len);
		while ((result = stingy_manifest_next(&reader, &record)) == 1)
			check_promises(&record, &reader.counts);
		if (result == 0) {
			char *once = rewrite(text, len), *twice = rewrite(once, strlen(once));

			assert_string_equal(once, twice);
			free(once);
			free(twice);
			n_accepted++;
		}
	}
	assert_in_range(n_accepted, 100, 19900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_lines_are_refused),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_random_mutations),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
