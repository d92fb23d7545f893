/*
 * One trace file as the solver sees it: mapped, surveyed once, then replayed as often as needed.
 *
 * The survey reads all records and brings the trace's own numbers (modules, frames, chains) to those of the tables
 * that all traces share; it finds out which program the trace is of, whether it ever served, and how far it can be
 * read. A trace that is cut off or damaged is used up to there. The file may grow all the while, as that of a process
 * that still runs does: what comes after the survey is never looked at. Nothing is printed. Heap memory and a mapping,
 * from init to fini; the file must not shrink meanwhile.
 */
#ifndef STINGY_INPUT_H
#define STINGY_INPUT_H

#include "chains.h"
#include "declarations.h"
#include "mapped-file.h"
#include "spread.h"

#define STINGY_NO_CHAIN UINT32_MAX

struct stingy_stages;

/* A thread that had last waited at one chain allocated at another, or called the system there, or queued a stage. */
struct stingy_input_pair {
	uint32_t wait;
	uint32_t chain;
	uint64_t n;    /* times */
	uint32_t call; /* 0: allocations; else calls of the system, by its number + 1, or STINGY_STAGES_QUEUED */
};

struct stingy_input {
	const char *path; /* the caller's */
	struct stingy_mapped_file file;
	uint32_t program; /* module; STINGY_NO_MODULE: the trace does not even tell its program */
	uint32_t *frame;  /* the trace's frame numbers to places */
	uint32_t *chain;  /* the trace's chain numbers to chains */
	uint32_t n_frames, n_chains;
	struct stingy_input_pair
		*pair; /* each one once; those of waiting chains that were seen but once are left out */
	size_t n_pairs;
	uint32_t *announced; /* places: the functions that the program announced as stages, each one once */
	size_t n_announced;
	struct stingy_cache cache; /* the L2 of the machine that it is from; size 0: it is not known */
	struct stingy_declarations declarations;
	struct stingy_spread stack; /* bytes of the main thread's, down to the deepest, of runs measured; whole KiB */
	uint64_t serving; /* allocations made in a turn of an event loop or in an announced stage, before served_to */
	/*
	 * Bytes: the program served up to there, and all the passes after the survey end there. It is just after the
	 * last wait or the last announced end of a stage; where there is neither, at the end of what was surveyed. A
	 * program that shuts down frees what it never would while it serves: that is no evidence of how long it lives.
	 */
	size_t served_to;
	bool waited;        /* some thread has an event loop */
	bool accepted;      /* a connection */
	bool full;          /* it reached its bound while it was recorded, */
	bool stuck;         /* or could not grow to it */
	const char *damage; /* why it could not be read to its end; NULL: it could */
	size_t damaged_at;  /* bytes: what is before that was read */
};

/* Maps and surveys the file. Returns 0, or -1 with errno if it cannot be opened or mapped. */
int stingy_input_init(struct stingy_input *input, const char *path, struct stingy_places *places,
		      struct stingy_chains *chains);
void stingy_input_fini(struct stingy_input *input);

/* Tells the stages what the survey saw; they are settled when all inputs have done so. */
void stingy_input_note_stages(const struct stingy_input *input, struct stingy_stages *stages,
			      const struct stingy_places *places, const struct stingy_chains *chains);

#endif
