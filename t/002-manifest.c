/* The manifest's reader and writer: what is written is read, and what is damaged is refused, without an overread. */
#include "../manifests/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ROOM (1u << 26) /* bytes: the longest text read where an overread faults */

#define HEX_32 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static char *guard; /* what lies here must not be read */

/* The same manifest twice: as a person might write it, and as the writer does. */
static const char loose[] = "# Made by hand.\n"
			    "stingy-manifest\t1\r\n"
			    "\n"
			    "\t cache line=64 ways=16 size=2097152   # the L2\n"
			    "slab size=1572864\r\n"
			    "module 0 path=/usr/%73bin/nginx id=3F9A00FF\n"
			    "module 1 size=018446744073709551615 path=/opt/a%20b%25%23#%C3%A9~\n"
			    "module 2 path= id=" HEX_32 " #\n"
			    "region 0 offset=0 slot=512 count=128\n"
			    "region 1\tcount=368 slot=4096 \t offset=65536   \n"
			    " # kinds\n"
			    "kind 0 region=0 size=512 name=ngx_create_pool\n"
			    "kind 1 size=4000 region=1 name=\n"
			    "site 0 kind=0 0+0x4E2A1:sp+24 0+0x3391c:sp+56/bp-16 1+0x00002211\t#\n"
			    "site 1 kind=1 2+0xffffffffffffffff\n"
			    "stage 0 allocates=0*1,1*2 function=0+0x3000 name=wait_request_handler\n"
			    "stage 1 #\n"
			    "end";

static const char canonical[] = "stingy-manifest 1\n"
				"cache size=2097152 ways=16 line=64\n"
				"slab size=1572864\n"
				"module 0 id=3f9a00ff path=/usr/sbin/nginx\n"
				"module 1 size=18446744073709551615 path=/opt/a%20b%25%23%23%c3%a9~\n"
				"module 2 id=" HEX_32 " path=\n"
				"region 0 offset=0 slot=512 count=128\n"
				"region 1 offset=65536 slot=4096 count=368\n"
				"kind 0 region=0 size=512 name=ngx_create_pool\n"
				"kind 1 region=1 size=4000\n"
				"site 0 kind=0 0+0x4e2a1:sp+24 0+0x3391c:sp+56/bp-16 1+0x2211\n"
				"site 1 kind=1 2+0xffffffffffffffff\n"
				"stage 0 function=0+0x3000 name=wait_request_handler allocates=0,1*2\n"
				"stage 1\n"
				"end\n";

static const struct stingy_manifest_record records[] = {
	{STINGY_MANIFEST_CACHE, 0, .cache = {.size = 2097152, .ways = 16, .line = 64}},
	{STINGY_MANIFEST_SLAB, 0, .slab = 1572864},
	{STINGY_MANIFEST_MODULE, 0, .module = {{0x3f, 0x9a, 0, 0xff}, 4, .path = {"/usr/sbin/nginx", 15}}},
	{STINGY_MANIFEST_MODULE, 1, .module = {.size = UINT64_MAX, .path = {"/opt/a b%##\xc3\xa9~?", 14}}},
	{STINGY_MANIFEST_MODULE, 2,
	 .module = {"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"
		    "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
		    STINGY_ID_MAX}},
	{STINGY_MANIFEST_REGION, 0, .region = {.offset = 0, .slot = 512, .count = 128}},
	{STINGY_MANIFEST_REGION, 1, .region = {.offset = 65536, .slot = 4096, .count = 368}},
	{STINGY_MANIFEST_KIND, 0, .kind = {.region = 0, .size = 512, .name = {"ngx_create_pool", 15}}},
	{STINGY_MANIFEST_KIND, 1, .kind = {.region = 1, .size = 4000}},
	{STINGY_MANIFEST_SITE, 0,
	 .site = {0, 3, {{0, 0x4e2a1, {24, 0, STINGY_RULE_SP}}, {0, 0x3391c, {56, -16, STINGY_RULE_SP}}, {1, 0x2211}}}},
	{STINGY_MANIFEST_SITE, 1, .site = {1, 1, {{2, UINT64_MAX}}}},
	{STINGY_MANIFEST_STAGE, 0, .stage = {0, 0x3000, {"wait_request_handler", 20}, 2, {{0, 1}, {1, 2}}}},
	{STINGY_MANIFEST_STAGE, 1, .stage = {.module = UINT32_MAX}},
};

static int set_up(void **state)
{
	char *pages = mmap(NULL, ROOM + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	guard = pages + ROOM;
	return pages == MAP_FAILED || mprotect(guard, 4096, PROT_NONE);
}

/* Begins to read a copy of the text that ends where reading faults. */
static void open_text(struct stingy_manifest_reader *reader, const char *text, size_t len)
{
	assert_true(len <= ROOM);
	stingy_manifest_reader_init(reader, memmove(guard - len, text, len), len);
}

/* Reads to the end or the first error; returns what the last call returned, and the next one too. */
static int read_all(struct stingy_manifest_reader *reader)
{
	struct stingy_manifest_record record;
	int result;

	while ((result = stingy_manifest_next(reader, &record)) == 1)
		;
	assert_int_equal(stingy_manifest_next(reader, &record), result);
	assert_true(result == 0 ? !reader->error : reader->error != NULL);
	return result;
}

static void assert_refused(const char *text, size_t len, const char *error)
{
	struct stingy_manifest_reader reader;

	open_text(&reader, text, len);
	if (read_all(&reader) == 0 || strcmp(reader.error, error) != 0)
		fail_msg("'%.200s' gave '%s', not '%s'", text, reader.error ? reader.error : "no error", error);
}

/* Decodes a text into buf and points the text there. */
static void decode(struct stingy_text *text, char *buf, size_t size)
{
	stingy_text_decode(*text, buf, size);
	*text = (struct stingy_text){buf, strlen(buf)};
}

/* Reads the text and writes every record again. Returns the new text, to be freed, or NULL if it was refused. */
static char *rewrite(const char *text, size_t len)
{
	struct stingy_manifest_reader reader;
	struct stingy_manifest_record record;
	char *out = NULL, buf[1024];
	size_t out_len;
	FILE *stream = open_memstream(&out, &out_len);
	int result;

	open_text(&reader, text, len);
	stingy_manifest_write_begin(stream);
	while ((result = stingy_manifest_next(&reader, &record)) == 1) {
		if (record.type == STINGY_MANIFEST_MODULE)
			decode(&record.module.path, buf, sizeof(buf));
		else if (record.type == STINGY_MANIFEST_KIND)
			decode(&record.kind.name, buf, sizeof(buf));
		else if (record.type == STINGY_MANIFEST_STAGE)
			decode(&record.stage.name, buf, sizeof(buf));
		stingy_manifest_write(stream, &record);
	}
	stingy_manifest_write_end(stream);
	fclose(stream);
	if (result == 0)
		return out;
	free(out);
	return NULL;
}

/* That the writer gives the text for the records, and that the reader gives the same records for the text. */
static void test_writer_and_reader_agree(void **state)
{
	char *text, *again;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	stingy_manifest_write_begin(out);
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++)
		stingy_manifest_write(out, &records[i]);
	stingy_manifest_write_end(out);
	fclose(out);
	assert_string_equal(text, canonical);
	again = rewrite(text, len);
	assert_non_null(again);
	assert_string_equal(again, canonical);
	free(text);
	free(again);
}

static void test_layout_of_the_text_is_free(void **state)
{
	struct stingy_manifest_reader reader;
	char *text = rewrite(loose, strlen(loose));

	(void)state;
	assert_non_null(text);
	assert_string_equal(text, canonical);
	free(text);
	open_text(&reader, loose, strlen(loose));
	assert_int_equal(read_all(&reader), 0);
	assert_int_equal(reader.line, 18);
	assert_int_equal(reader.counts.modules, 3);
	assert_int_equal(reader.counts.regions, 2);
	assert_int_equal(reader.counts.kinds, 2);
	assert_int_equal(reader.counts.sites, 2);
	assert_int_equal(reader.counts.stages, 2);
}

static void test_comments_are_one_line(void **state)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	stingy_manifest_write_comment(out, "cut\nhere");
	stingy_manifest_write_comment(out, "");
	stingy_manifest_write_comment(out, "and here\r");
	fclose(out);
	assert_string_equal(text, "# cut\n#\n# and here\n");
	free(text);
}

static void test_every_byte_survives_in_a_text(void **state)
{
	struct stingy_manifest_record record = {.type = STINGY_MANIFEST_MODULE};
	struct stingy_manifest_reader reader;
	char bytes[255], back[sizeof(bytes) + 1], *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i + 1);
	record.module.path = (struct stingy_text){bytes, sizeof(bytes)};
	stingy_manifest_write_begin(out);
	stingy_manifest_write(out, &record);
	fclose(out);
	open_text(&reader, text, len);
	assert_int_equal(stingy_manifest_next(&reader, &record), 1);
	stingy_text_decode(record.module.path, back, sizeof(back));
	assert_memory_equal(back, bytes, sizeof(bytes));
	free(text);
}

#define START   "stingy-manifest 1\n"
#define CACHE   START "cache size=512 ways=8 line=64\n"
#define SLAB    CACHE "slab size=8192\n"
#define MODULE  SLAB "module 0 id=00 path=/p\n"
#define REGION  MODULE "region 0 offset=1024 slot=64 count=16\n"
#define KIND    REGION "kind 0 region=0 size=64\n"
#define SITE    KIND "site 0 kind=0 0+0x1:sp+8 0+0x2\n"
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
	{START "cache size=65536 ways=8 line=64 sets=2\n", "unknown field"},
	{START "cache size=65536 ways=8 line=64 ways=8\n", "field given twice"},
	{START "cache size=65536 ways=8 line=64 64\n", "a word that is no field"},
	{START "cache size=65536 ways=8 =64\n", "unknown field"},
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
	{MODULE "region 0 offset=512 slot=64 count=1\n", "region's offset is not aligned"},
	{MODULE "region 0 offset=0 slot=0 count=1\n", "region's slot size is zero or not aligned"},
	{MODULE "region 0 offset=0 slot=24 count=1\n", "region's slot size is zero or not aligned"},
	{MODULE "region 0 offset=0 slot=64 count=0\n", "region without slots"},
	{MODULE "region 0 offset=0 slot=64 count=129\n", "region does not fit the slab"},
	{MODULE "region 0 offset=8192 slot=16 count=1\n", "region does not fit the slab"},
	{MODULE "region 0 offset=0 slot=4294967280 count=4294967295\n", "region does not fit the slab"},
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
	{KIND "site 0\n", "site whose first field is not its kind"},
	{KIND "site 0 0+0x1 kind=0\n", "site whose first field is not its kind"},
	{KIND "site 0 kind=0\n", "site without an address"},
	{KIND "site 0 kind=0 1+0x1\n", "address in a module that is not declared"},
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
	{SITE "stage 0 allocates=1\n", "stage allocates a kind that is not declared"},
	{SITE "stage 0 allocates=\n", "number missing"},
	{SITE "stage 0 allocates=0,\n", "number missing"},
	{SITE "stage 0 allocates=0*\n", "number missing"},
	{SITE "stage 0 allocates=0*0\n", "stage allocates a kind no times"},
	{SITE "stage 0 allocates=0*1*1\n", "malformed number"},
	{SITE "stage 0\n", "ends before its 'end' line"},
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

/* Slot sizes in an order that is neither theirs nor the regions'. */
static unsigned slot_of(unsigned region)
{
	return 16 * (region * 577 % STINGY_REGIONS_MAX + 1);
}

/* Many regions, with comments among their lines: each kind is held against its own region's slots. */
static void test_each_kind_fits_its_region(void **state)
{
	char *text, kind[64];
	size_t len, fits;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	fprintf(out, CACHE "slab size=%u\n", STINGY_SLAB_MAX);
	for (unsigned i = 0; i < STINGY_REGIONS_MAX; i++)
		fprintf(out, "%sregion %u offset=%u slot=%u count=1\n", i % 3 ? "" : "# here\n\n", i, i << 15,
			slot_of(i));
	for (unsigned i = 0; i < STINGY_REGIONS_MAX; i++)
		fprintf(out, "kind %u region=%u size=%u\n", i, i, slot_of(i));
	fflush(out);
	fits = len;
	fprintf(out, "%63s", "");
	fclose(out);
	for (unsigned i = 0; i < STINGY_REGIONS_MAX; i++) {
		int n = snprintf(kind, sizeof(kind), "kind %u region=%u size=%u\n", STINGY_REGIONS_MAX, i,
				 slot_of(i) + 1);

		memcpy(text + fits, kind, (size_t)n);
		assert_refused(text, fits + (size_t)n, "kind larger than its region's slots");
	}
	free(text);
}

/* As many of each thing as the format allows, and then one more. */
static void test_bounds(void **state)
{
	static const char too_many[] = "more records of this type than the format allows";
	static const struct {
		const char *start, *format;
		unsigned max;
		const char *error;
	} bounds[] = {
		{SLAB, "module %u size=0 path=\n", STINGY_MODULES_MAX, too_many},
		{CACHE "slab size=1048576\n", "region %1$u offset=%2$u slot=16 count=64\n", STINGY_REGIONS_MAX,
		 too_many},
		{REGION, "kind %u region=0 size=64\n", STINGY_KINDS_MAX, too_many},
		{KIND, "site %u kind=0 0+0x1\n", STINGY_SITES_MAX, too_many},
		{SITE, "stage %u\n", STINGY_STAGES_MAX, too_many},
		{SITE "stage 0 allocates=0", ",0*%u", STINGY_ALLOCATES_MAX, "stage that allocates too many kinds"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
		bool is_list = bounds[i].format[0] == ',';
		char *text;
		size_t len, fits = 0;
		FILE *out = open_memstream(&text, &len);

		fputs(bounds[i].start, out);
		for (unsigned n = is_list; n <= bounds[i].max; n++) {
			fflush(out);
			fits = len;
			fprintf(out, bounds[i].format, n, n * STINGY_REGION_ALIGN);
		}
		fputs("\n", out);
		fclose(out);
		assert_refused(text, len, bounds[i].error);
		text[fits] = '\n';
		assert_refused(text, fits + 1, "ends before its 'end' line");
		free(text);
	}
}

/* What the reader passes must keep its promises, however it came about. */
static void check_promises(const struct stingy_manifest_record *record, const struct stingy_manifest_counts *counts)
{
	if (record->type == STINGY_MANIFEST_REGION)
		assert_true(record->region.offset + (uint64_t)record->region.slot * record->region.count <=
			    STINGY_SLAB_MAX);
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

static void test_decoding_is_cut_to_fit(void **state)
{
	const struct stingy_text text = {memcpy(guard - 7, "a%20b%2", 7), 7};
	char buf[8] = "";

	(void)state;
	assert_string_equal(stingy_text_decode(text, buf, 8), "a b%2");
	assert_string_equal(stingy_text_decode(text, buf, 3), "a ");
	assert_string_equal(stingy_text_decode(text, buf, 1), "");
	buf[0] = 'x';
	assert_int_equal(*stingy_text_decode(text, buf, 0), 'x');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writer_and_reader_agree),
		cmocka_unit_test(test_layout_of_the_text_is_free),
		cmocka_unit_test(test_comments_are_one_line),
		cmocka_unit_test(test_every_byte_survives_in_a_text),
		cmocka_unit_test(test_decoding_is_cut_to_fit),
		cmocka_unit_test(test_bad_lines_are_refused),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_each_kind_fits_its_region),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_random_mutations),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
