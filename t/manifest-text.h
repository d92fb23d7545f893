/* What the tests of the manifest share: a guarded copy of a text, manifests that are right, reading and rewriting. */
#ifndef STINGY_TEST_MANIFEST_TEXT_H
#define STINGY_TEST_MANIFEST_TEXT_H

#include "../manifests/manifest.h"
#include "guarded-room.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ROOM (1u << 26) /* bytes: the longest text read where an overread faults */

#define HEX_32 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* Texts are read from room[0] to room[ROOM - 1]; what lies before and behind must not be read. */
static char *room;

/* The same manifest twice: as a person might write it, and as the writer does. */
static const char loose[] = "# Made by hand.\n"
			    "stingy-manifest\t1\r\n"
			    "\n"
			    "\t cache line=64 ways=16 size=2097152   # the L2\n"
			    "slab high=1048576 arenas=04 size=1572000 stack=65536\r\n"
			    "module 0 path=/usr/%73bin/nginx id=3F9A00FF\n"
			    "module 1 size=018446744073709551615 path=/opt/a%20b%25%23#%C3%A9~\n"
			    "module 2 path= id=" HEX_32 " #\n"
			    "region 0 offset=65536 slot=512 count=128\n"
			    "region 1\tcount=351 slot=4096 \t offset=131072   \n"
			    "region 2 offset=1572864 slot=8192 count=128\n"
			    " # kinds\n"
			    "kind 0 region=0 size=512 name=ngx_create_pool\n"
			    "kind 1 high=2 size=4000 region=1 name=\n"
			    "site 0 kind=0 0+0x4E2A1:sp+24 0+0x3391c:sp+56/bp-16 1+0x00002211\t#\n"
			    "site 1 kind=1 2+0xffffffffffffffff\n"
			    "stage 0 allocates=0*1,1*2 function=0+0x3000 name=wait_request_handler\n"
			    "stage 1 #\n"
			    "schedule\tauto takes=0*2,1*1 tasks=024 # \n"
			    "end";

static const char canonical[] = "stingy-manifest 1\n"
				"cache size=2097152 ways=16 line=64\n"
				"slab size=1572000 stack=65536 arenas=4 high=1048576\n"
				"module 0 id=3f9a00ff path=/usr/sbin/nginx\n"
				"module 1 size=18446744073709551615 path=/opt/a%20b%25%23%23%c3%a9~\n"
				"module 2 id=" HEX_32 " path=\n"
				"region 0 offset=65536 slot=512 count=128\n"
				"region 1 offset=131072 slot=4096 count=351\n"
				"region 2 offset=1572864 slot=8192 count=128\n"
				"kind 0 region=0 size=512 name=ngx_create_pool\n"
				"kind 1 region=1 size=4000 high=2\n"
				"site 0 kind=0 0+0x4e2a1:sp+24 0+0x3391c:sp+56/bp-16 1+0x2211\n"
				"site 1 kind=1 2+0xffffffffffffffff\n"
				"stage 0 function=0+0x3000 name=wait_request_handler allocates=0,1*2\n"
				"stage 1\n"
				"schedule auto tasks=24 takes=0*2,1\n"
				"end\n";

#define START  "stingy-manifest 1\n"
#define CACHE  START "cache size=512 ways=8 line=64\n"
#define SLAB   CACHE "slab size=8192\n"
#define MODULE SLAB "module 0 id=00 path=/p\n"
#define REGION MODULE "region 0 offset=1024 slot=64 count=16\n"
#define KIND   REGION "kind 0 region=0 size=64\n"
#define HIGH                                                                                                           \
	CACHE "slab size=8000 stack=1024 high=4096\nmodule 0 id=00 path=/p\n"                                          \
	      "region 0 offset=1024 slot=64 count=16\nregion 1 offset=8192 slot=32 count=128\n"
#define SITE KIND "site 0 kind=0 0+0x1:sp+8 0+0x2\n"

static int set_up(void **state)
{
	(void)state;
	room = guarded_room(ROOM);
	return room ? 0 : -1;
}

/* Begins to read a copy of the text that ends where reading faults. */
static void open_text(struct stingy_manifest_reader *reader, const char *text, size_t len)
{
	assert_true(len <= ROOM);
	stingy_manifest_reader_init(reader, memmove(room + ROOM - len, text, len), len);
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

/* Reads the text at the end of the room, and at the start. */
static void assert_refused(const char *text, size_t len, const char *error)
{
	struct stingy_manifest_reader reader;

	open_text(&reader, text, len);
	for (int i = 0; i < 2; i++) {
		if (read_all(&reader) == 0 || strcmp(reader.error, error) != 0)
			fail_msg("'%.200s' gave '%s', not '%s'", text, reader.error ? reader.error : "no error", error);
		stingy_manifest_reader_init(&reader, memmove(room, text, len), len);
	}
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

#endif
