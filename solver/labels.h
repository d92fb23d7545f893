/*
 * What the regions of a running process hold, and what its stages are called, by its manifest, as far as that
 * can still be read and is the one that it was started with: anything else would give them wrong names.
 *
 * A mapping of the manifest and heap memory, from init to fini; labels of zeros say nothing, and need no fini. Nothing
 * is printed but names. One thread.
 */
#ifndef STINGY_LABELS_H
#define STINGY_LABELS_H

#include "live-reader.h"
#include "mapped-file.h"

#include <stdbool.h>
#include <stdio.h>

#define STINGY_LABELS_NAME 128u /* bytes of a name, its end included; longer ones are cut */

struct stingy_labels {
	struct stingy_mapped_file file;    /* the manifest; data is NULL if there are no labels */
	struct stingy_manifest_kind *kind; /* names point into the file */
	size_t n_kinds, room;
	struct stingy_text *stage; /* names of the stages by their numbers; they point into the file */
	uint32_t n_stages;
};

/* Finds out as much as can be. */
void stingy_labels_init(struct stingy_labels *labels, const struct stingy_live_reader *live);
void stingy_labels_fini(struct stingy_labels *labels);

/* The next kind of the region that has a name, from *at on, which begins with 0; false: there is none. */
bool stingy_labels_next(const struct stingy_labels *labels, uint32_t region, size_t *at, char name[STINGY_LABELS_NAME]);

/* The name of the stage; empty if it has none. Returns name. */
char *stingy_labels_stage(const struct stingy_labels *labels, uint32_t stage, char name[STINGY_LABELS_NAME]);

/* Prints for people the names of the first most kinds of the region, and how many there are more. */
void stingy_labels_print(const struct stingy_labels *labels, uint32_t region, uint32_t most, FILE *out);

#endif
