/* The manifest's reader and writer: what is written is read, and the format's bounds are the reader's. */
#include "manifest-text.h"

static const struct stingy_manifest_record records[] = {
	{STINGY_MANIFEST_CACHE, 0, .cache = {.size = 2097152, .ways = 16, .line = 64}},
	{STINGY_MANIFEST_SLAB, 0, .slab = {.size = 1572000, .stack = 65536, .arenas = 4, .high = 1048576}},
	{STINGY_MANIFEST_MODULE, 0, .module = {{0x3f, 0x9a, 0, 0xff}, 4, .path = {"/usr/sbin/nginx", 15}}},
	{STINGY_MANIFEST_MODULE, 1, .module = {.size = UINT64_MAX, .path = {"/opt/a b%##\xc3\xa9~?", 14}}},
	{STINGY_MANIFEST_MODULE, 2,
	 .module = {"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"
		    "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
		    STINGY_ID_MAX}},
	{STINGY_MANIFEST_REGION, 0, .region = {.offset = 65536, .slot = 512, .count = 128}},
	{STINGY_MANIFEST_REGION, 1, .region = {.offset = 131072, .slot = 4096, .count = 351}},
	{STINGY_MANIFEST_REGION, 2, .region = {.offset = 1572864, .slot = 8192, .count = 128}},
	{STINGY_MANIFEST_KIND, 0,
	 .kind = {.region = 0, .size = 512, .high = UINT32_MAX, .name = {"ngx_create_pool", 15}}},
	{STINGY_MANIFEST_KIND, 1, .kind = {.region = 1, .size = 4000, .high = 2}},
	{STINGY_MANIFEST_SITE, 0,
	 .site = {0, 3, {{0, 0x4e2a1, {24, 0, STINGY_RULE_SP}}, {0, 0x3391c, {56, -16, STINGY_RULE_SP}}, {1, 0x2211}}}},
	{STINGY_MANIFEST_SITE, 1, .site = {1, 1, {{2, UINT64_MAX}}}},
	{STINGY_MANIFEST_STAGE, 0, .stage = {0, 0x3000, {"wait_request_handler", 20}, 2, {{0, 1}, {1, 2}}}},
	{STINGY_MANIFEST_STAGE, 1, .stage = {.module = UINT32_MAX}},
	{STINGY_MANIFEST_SCHEDULE, 0, .schedule = {.tasks = 24, .n_takes = 2, .takes = {{0, 2}, {1, 1}}}},
};

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
	assert_int_equal(reader.line, 20);
	assert_int_equal(reader.counts.modules, 3);
	assert_int_equal(reader.counts.regions, 3);
	assert_int_equal(reader.counts.kinds, 2);
	assert_int_equal(reader.counts.sites, 2);
	assert_int_equal(reader.counts.stages, 2);
}

/* Each sort of schedule, as it is written. */
static void test_schedules(void **state)
{
	static const char *const lines[] = {
		"schedule auto\n",
		"schedule auto tasks=1\n",
		"schedule auto takes=0\n",
		"schedule fixed tasks=1048575 takes=0*3,0\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		char text[512], *again;

		snprintf(text, sizeof(text), "%s%send\n", SITE, lines[i]);
		again = rewrite(text, strlen(text));
		assert_non_null(again);
		assert_string_equal(again, text);
		free(again);
	}
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

/* So that a manifest that needs no new field can be read by who knows none. */
static void test_defaults_are_left_out(void **state)
{
	const struct stingy_manifest_record slab = {STINGY_MANIFEST_SLAB, 0, .slab = {.size = 8192, .arenas = 1}};
	struct stingy_manifest_reader reader;
	struct stingy_manifest_record record;
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	stingy_manifest_write_begin(out);
	stingy_manifest_write(out, &slab);
	fclose(out);
	assert_string_equal(text, START "slab size=8192\n");
	open_text(&reader, text, len);
	assert_int_equal(stingy_manifest_next(&reader, &record), 1);
	assert_memory_equal(&record.slab, &slab.slab, sizeof(slab.slab));
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
		{SITE "stage 0 allocates=0", ",0*%u", STINGY_ALLOCATES_MAX, "allocates too many kinds"},
		{SITE "schedule auto takes=0", ",0*%u", STINGY_ALLOCATES_MAX, "allocates too many kinds"},
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

static void test_decoding_is_cut_to_fit(void **state)
{
	const struct stingy_text text = {memcpy(room + ROOM - 7, "a%20b%2", 7), 7};
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
		cmocka_unit_test(test_defaults_are_left_out),
		cmocka_unit_test(test_every_byte_survives_in_a_text),
		cmocka_unit_test(test_decoding_is_cut_to_fit),
		cmocka_unit_test(test_schedules),
		cmocka_unit_test(test_each_kind_fits_its_region),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
