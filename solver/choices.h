/*
 * What the user may choose about a model, where the traces leave a choice: `stingy solve`'s options. Plain data; a
 * field of 0 stands for its default until stingy_choices_settle has put that there.
 */
#ifndef STINGY_CHOICES_H
#define STINGY_CHOICES_H

#include "problem.h"

#define STINGY_CHOICES_COVER      99u  /* percent */
#define STINGY_CHOICES_HEAD_ROOM  125u /* percent */
#define STINGY_CHOICES_CONFIDENCE 95u  /* percent */

/* The user's word on how many objects of a kind one task holds. */
struct stingy_choices_count {
	const char *site; /* name of a kind */
	uint32_t count;   /* at least 1 */
};

struct stingy_choices {
	uint32_t cover;      /* percent of a kind's allocations that its slot must hold */
	uint32_t head_room;  /* percent of the objects that the traces had live at once: more were never of use */
	uint32_t confidence; /* percent: how sure a bound of the objects in one task must be, where nothing else bounds
				them */
	enum stingy_objective objective;
	const char *stage; /* whose concurrency alone is the objective; NULL: that of all stages, by their weights */
	const struct stingy_choices_count *count;
	uint32_t n_counts;
};

static inline void stingy_choices_settle(struct stingy_choices *choices)
{
	if (!choices->cover)
		choices->cover = STINGY_CHOICES_COVER;
	if (!choices->head_room)
		choices->head_room = STINGY_CHOICES_HEAD_ROOM;
	if (!choices->confidence)
		choices->confidence = STINGY_CHOICES_CONFIDENCE;
}

#endif
