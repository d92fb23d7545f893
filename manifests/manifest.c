/*
 * The manifest's reader, line by line: see manifest.h for the records and FORMAT.md for the text.
 *
 * It runs in the production shim's constructor: no malloc, no stdio, no locale. The functions that read a part return
 * NULL, or a static string that says why the text is refused.
 */
#include "manifest.h"
#include "records.h"
#include "words.h"

/* The reader's phases between and around the types of records. */
#define PHASE_START   (-1) /* the first line is still to come */
#define PHASE_RECORDS 0
#define PHASE_ENDED   (STINGY_MANIFEST_SCHEDULE + 1)

/* Reads the rest of a line whose records have numbers. */
static const char *read_numbered(struct stingy_manifest_reader *reader, struct stingy_words *words,
				 const struct stingy_record_type *type, struct stingy_manifest_record *record)
{
	uint32_t *count = (uint32_t *)((char *)&reader->counts + type->counter);
	const char *error;

	stingy_words_more(words);
	if ((error = stingy_words_last_u32(words, &record->number)))
		return error;
	if (record->number != *count)
		return "number out of turn";
	if (record->number >= type->max)
		return "more records of this type than the format allows";
	if ((error = type->read(reader, words, record)))
		return error;
	++*count;
	return NULL;
}

/* Reads the rest of a line whose keyword was the type's. */
static const char *read_record(struct stingy_manifest_reader *reader, struct stingy_words *words, int type,
			       struct stingy_manifest_record *record)
{
	const struct stingy_record_type *of = &stingy_record_types[type];

	if (type < reader->phase)
		return "record out of order";
	if (type == reader->phase && of->max == 0)
		return "second line of a type that has one";
	reader->phase = type;
	record->type = (enum stingy_manifest_type)type;
	record->number = 0;
	return of->max ? read_numbered(reader, words, of, record) : of->read(reader, words, record);
}

/* Takes the keyword off the line. Returns its type; PHASE_ENDED for the last line's, PHASE_START if it is none. */
static int read_keyword(const struct stingy_manifest_reader *reader, struct stingy_words *words)
{
	int type = reader->phase;

	/* Mostly it is the same as in the line before. */
	if (type > PHASE_RECORDS && stingy_words_skip_word(words, stingy_record_types[type].keyword))
		return type;
	for (type = STINGY_MANIFEST_CACHE; type <= STINGY_MANIFEST_SCHEDULE; type++)
		if (stingy_words_skip_word(words, stingy_record_types[type].keyword))
			return type;
	return stingy_words_skip_word(words, "end") ? PHASE_ENDED : PHASE_START;
}

/* Reads a line that may be a record, or the last one. */
static const char *read_line(struct stingy_manifest_reader *reader, struct stingy_words *words,
			     struct stingy_manifest_record *record)
{
	int type = read_keyword(reader, words);

	if (type == PHASE_ENDED) {
		reader->phase = PHASE_ENDED;
		if (stingy_words_more(words) ||
		    stingy_words_next_line(words, &reader->next, reader->end, &reader->line))
			return "something follows 'end'";
		return NULL;
	}
	/* Only the last line can do without a line feed: another that does was cut, maybe inside a number. */
	if (!words->whole)
		return "ends before its 'end' line";
	return type == PHASE_START ? "unknown keyword" : read_record(reader, words, type, record);
}

/* Reads the first line. */
static const char *read_start(struct stingy_manifest_reader *reader, struct stingy_words *words)
{
	uint32_t version;
	const char *error;

	if (!stingy_words_skip_word(words, "stingy-manifest"))
		return "not a manifest";
	if (!words->whole)
		return "ends before its 'end' line";
	stingy_words_more(words);
	if ((error = stingy_words_last_u32(words, &version)))
		return error;
	if (version != STINGY_MANIFEST_VERSION)
		return "version of the format that this program does not know";
	reader->phase = PHASE_RECORDS;
	return stingy_words_more(words) ? "something follows the version" : NULL;
}

void stingy_manifest_reader_init(struct stingy_manifest_reader *reader, const char *text, size_t len)
{
	*reader = (struct stingy_manifest_reader){.next = text, .end = text + len, .phase = PHASE_START};
}

/* Finds the next line that counts and reads it; the first one too, which makes no record. */
static const char *read_next(struct stingy_manifest_reader *reader, struct stingy_manifest_record *record)
{
	struct stingy_words words;

	if (!stingy_words_next_line(&words, &reader->next, reader->end, &reader->line)) {
		reader->line++;
		return "ends before its 'end' line";
	}
	return reader->phase == PHASE_START ? read_start(reader, &words) : read_line(reader, &words, record);
}

int stingy_manifest_next(struct stingy_manifest_reader *reader, struct stingy_manifest_record *record)
{
	if (reader->error)
		return -1;
	if (reader->phase == PHASE_START)
		reader->error = read_next(reader, record);
	if (reader->phase != PHASE_ENDED && !reader->error)
		reader->error = read_next(reader, record);
	return reader->error ? -1 : reader->phase != PHASE_ENDED;
}
