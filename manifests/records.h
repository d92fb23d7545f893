/*
 * The lines of the manifest's records: how the rest of a line is read behind its keyword and its number, type by type.
 *
 * For the manifest's reader alone, and under its rules. A function notes in the reader what later lines are held
 * against: it is called in the order of the text, with the number already checked and not yet counted.
 */
#ifndef STINGY_RECORDS_H
#define STINGY_RECORDS_H

#include "manifest.h"
#include "words.h"

struct stingy_record_type {
	const char *keyword; /* the first word of its lines */
	/* Reads the rest of the line. Returns NULL, or a static string that says why it is refused. */
	const char *(*read)(struct stingy_manifest_reader *reader, struct stingy_words *words,
			    struct stingy_manifest_record *record);
	uint32_t max;   /* how many there may be; 0: these have no number, and there is one */
	size_t counter; /* offset in struct stingy_manifest_counts; only of those with a number */
};

/* By enum stingy_manifest_type. */
extern const struct stingy_record_type stingy_record_types[];

#endif
