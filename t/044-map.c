/* map: the parts of an arena, the lines they are drawn in, and what becomes of odd names and odd caches. */
#include "../solver/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A stack, two regions with a gap between them, one of them global; a high slab; 16 KiB are free. */
static const char full[] = "stingy-manifest 1\n"
			   "cache size=65536 ways=8 line=64\n"
			   "slab size=32768 stack=8192 arenas=2 high=16384\n"
			   "module 0 id=00ff path=/usr/sbin/a%26b\n"
			   "region 0 offset=8192 slot=512 count=10\n"
			   "region 1 offset=16384 slot=4080 count=4\n"
			   "region 2 offset=32768 slot=8192 count=2\n"
			   "# global, final; 2 allocations\n"
			   "kind 0 region=0 size=512 name=x%3cy%3e\n"
			   "# per task; # global, final\n"
			   "kind 1 region=1 size=4000 high=2 name=one\n"
			   "kind 2 region=1 size=16 name=caf%c3%a9\n"
			   "end\n";

static void draw(struct stingy_map *map, const char *text)
{
	stingy_map_init(map, text, strlen(text));
}

static char *text_of(const struct stingy_map *map, unsigned columns)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	if (columns)
		stingy_map_text(map, columns, out);
	else
		stingy_map_svg(map, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void assert_part(const struct stingy_map *map, uint32_t i, enum stingy_map_what what, uint64_t offset,
			uint64_t size, const char *kinds)
{
	assert_true(i < map->n_parts);
	assert_int_equal(map->part[i].what, what);
	assert_int_equal(map->part[i].offset, offset);
	assert_int_equal(map->part[i].size, size);
	assert_string_equal(map->part[i].kinds, kinds);
}

static void test_parts(void **state)
{
	struct stingy_map map;

	(void)state;
	draw(&map, full);
	assert_string_equal(map.program, "/usr/sbin/a&b");
	assert_int_equal(map.n_parts, 6);
	assert_part(&map, 0, STINGY_MAP_STACK, 0, 8192, "");
	assert_part(&map, 1, STINGY_MAP_GLOBAL, 8192, 5120, "x<y>");
	assert_part(&map, 2, STINGY_MAP_FREE, 13312, 3072, "");
	assert_part(&map, 3, STINGY_MAP_TASKS, 16384, 16384,
		    "one, caf\xc3\xa9"); /* with the 64 bytes behind its slots */
	assert_part(&map, 4, STINGY_MAP_HIGH, 32768, 16384, "one");
	assert_part(&map, 5, STINGY_MAP_FREE, 49152, 16384, "");
	assert_int_equal(map.n_blocks, 1);
	assert_int_equal(map.block[0].line, 8192);
	stingy_map_fini(&map);
}

static void test_text(void **state)
{
	struct stingy_map map;
	char *text;

	(void)state;
	draw(&map, full);
	text = text_of(&map, 80);
	assert_non_null(strstr(text, "slab of 32 KiB (50%), high slab of 16 KiB; 2 arenas like this\n"));
	assert_non_null(strstr(text, "\n         0 ================================================================\n"
				     "     8 KiB 0000000000000000000000000000000000000000........................\n"
				     "    16 KiB 1111111111111111111111111111111111111111111111111111111111111111\n"));
	assert_non_null(
		strstr(text, "\n    56 KiB ................................................................\n"));
	assert_null(strstr(text, "\n    64 KiB"));
	assert_non_null(strstr(text, "\n0    0       8192    5 KiB       10 x 512 global x<y>\n"));
	assert_null(strstr(text, " \n"));
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
	free(text);
	text = text_of(&map, 140);
	assert_non_null(strstr(text, "a character 64.\n"));
	free(text);
	stingy_map_fini(&map);
}

/* Characters of 2 KiB: what covers most of one is shown, and of two that cover as much the first. */
static void test_small_regions(void **state)
{
	static const char small[] = "stingy-manifest 1\ncache size=1048576 ways=8 line=64\nslab size=10240\n"
				    "module 0 id=00 path=/x\nregion 0 offset=0 slot=16 count=64\n"
				    "region 1 offset=1024 slot=16 count=128\nregion 2 offset=3072 slot=16 count=448\n"
				    "kind 0 region=1 size=16\nend\n";
	struct stingy_map map;
	char *text;

	(void)state;
	draw(&map, small);
	assert_part(&map, 1, STINGY_MAP_TASKS, 1024, 2048, "");
	text = text_of(&map, 80);
	assert_non_null(strstr(text, "\n         0 01222..."));
	free(text);
	stingy_map_fini(&map);
}

static void test_beyond_the_cache(void **state)
{
	static const char large[] = "stingy-manifest 1\ncache size=65536 ways=1 line=64\nslab size=65536 high=8388608\n"
				    "module 0 id=00 path=/x\nregion 0 offset=65536 slot=8192 count=1024\nend\n";
	struct stingy_map map;
	char *text;

	(void)state;
	draw(&map, large);
	assert_false(stingy_map_has_ways(&map));
	assert_int_equal(map.n_blocks, 2);
	assert_int_equal(map.block[0].line, 4096);
	assert_int_equal(map.block[1].begin, 65536);
	assert_int_equal(map.block[1].end, 65536 + 8388608);
	assert_int_equal(map.block[1].line, 524288);
	text = text_of(&map, 80);
	assert_non_null(strstr(text, "Beyond the cache"));
	assert_non_null(strstr(text, "0000\n  7744 KiB 000"));
	free(text);
	stingy_map_fini(&map);
}

static void test_nothing(void **state)
{
	struct stingy_map map;
	char *text;

	(void)state;
	draw(&map, "stingy-manifest 1\nmodule 0 id=00 path=/x\nend\n");
	assert_int_equal(map.n_parts + map.n_blocks, 0);
	text = text_of(&map, 80);
	assert_string_equal(text, "/x\nno cache and no slab: nothing is served\n");
	free(text);
	text = text_of(&map, 0);
	assert_non_null(strstr(text, "</svg>\n"));
	free(text);
	stingy_map_fini(&map);
}

/* Every element that is opened is closed in its turn, and nothing of a name is taken for markup. */
static void assert_well_formed(const char *text)
{
	char open[16][16] = {""};
	unsigned depth = 0;

	for (text = strchr(text, '<'); text; text = strchr(text + 1, '<')) {
		size_t name = strcspn(text + 1 + (text[1] == '/'), " >/"), len = strcspn(text, ">");

		assert_true(name && name < 16 && text[len] == '>');
		if (text[1] == '/') {
			assert_true(depth > 0);
			depth--;
			assert_int_equal(strlen(open[depth]), name);
			assert_memory_equal(open[depth], text + 2, name);
		} else if (text[len - 1] != '/') {
			assert_true(depth < 16);
			memcpy(open[depth], text + 1, name);
			open[depth++][name] = '\0';
		}
	}
	assert_int_equal(depth, 0);
}

static void test_svg(void **state)
{
	struct stingy_map map;
	char *text;

	(void)state;
	draw(&map, full);
	text = text_of(&map, 0);
	assert_memory_equal(text, "<svg ", 5);
	assert_well_formed(text);
	assert_non_null(strstr(text, "/usr/sbin/a&#38;b"));
	assert_non_null(strstr(text, "x&#60;y&#62;"));
	assert_non_null(strstr(text, "region 0, global: 10 slots of 512 bytes"));
	assert_non_null(strstr(text, "prefers-color-scheme:dark"));
	for (const char *at = text; *at; at++)
		assert_true((unsigned char)*at < 0x80);
	free(text);
	stingy_map_fini(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),         cmocka_unit_test(test_text),
		cmocka_unit_test(test_small_regions), cmocka_unit_test(test_beyond_the_cache),
		cmocka_unit_test(test_nothing),       cmocka_unit_test(test_svg),
	};

	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
