/*
 * What the user may choose about a model, and about how it is solved, where the traces leave a choice: options of
 * `stingy solve`, read here. A field of 0 stands for its default until stingy_choices_settle has put that there. Heap
 * memory only for what stingy_choices_take has taken; other texts are the caller's.
 */
#ifndef STINGY_CHOICES_H
#define STINGY_CHOICES_H

#include "program.h"

#define STINGY_CHOICES_COVER      99u  /* percent */
#define STINGY_CHOICES_HEAD_ROOM  125u /* percent */
#define STINGY_CHOICES_CONFIDENCE 95u  /* percent */
#define STINGY_CHOICES_COUNT_MAX  1000000u

/* The user's word on how many objects of a kind one task holds. */
struct stingy_choices_count {
	char *site;     /* name of a kind */
	uint32_t count; /* at least 1 */
};

struct stingy_choices {
	uint32_t cover;      /* percent of a kind's allocations that its slot must hold */
	uint32_t head_room;  /* percent of the objects that the traces had live at once: more were never of use */
	uint32_t confidence; /* percent: how sure a bound of the objects in one task must be, where nothing else bounds
				them */
	enum stingy_objective objective;
	const char *stage; /* whose concurrency alone is the objective; NULL: that of all stages, by their weights */
	struct stingy_choices_count *count;
	uint32_t n_counts;
	struct stingy_program_limits limits;
	size_t count_room; /* the module's own */
};

void stingy_choices_fini(struct stingy_choices *choices);

/*
 * Takes the value of an option: cover, head-room, confidence, count, objective, gap or time-limit. Returns 0, or -1
 * after a line that says what is wrong with it.
 */
int stingy_choices_take(struct stingy_choices *choices, const char *option, const char *value);

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
