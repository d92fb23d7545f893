/*
 * Finds out at run time whether ordering (order.h) is worth its while, and with which bound: how many events a turn of
 * the loop may begin with. Arithmetic only, with no memory but its own structure.
 *
 * It is told of each turn how many answers came of it (units). Turns make up blocks. What a block cost says the
 * thread's processor clock, which is asked at the ends of the blocks of a search, and never else; or if there is none
 * to be had, the ticks that the turns took. A duel between two bounds, of which one may be "none", alternates blocks of
 * both, in the order ABBA, so that a drift of the load favours neither; the two blocks of a pair are side by side. Each
 * pair has one vote: whether the challenger saved a margin in it. (By how much does not count: when another process had
 * the processor or the cache, it may be anything.) The challenger wins when it is six votes ahead, and loses when it is
 * four behind: what is clear costs a few pairs, and what is not gets more, up to a number at which it must be three
 * ahead. Three pairs are enough if all say the same, and what they say in the median is farther from the margin than
 * they are from each other. Nobody wins by less than the pairs differ among themselves, or nearly so (two fifths of
 * what the middle half of them spans): there is noise in which six votes are had by chance.
 *
 * A search is a row of duels: a few bounds against "none", first of all the one that was settled on before; then the
 * winner against its double and its half, until none is better. What it settles on is kept for so many blocks, and
 * "none" also for so much work, as a fast server has done with a block at once; both double when the next search comes
 * to the same end, so that in the long run searching costs next to nothing; much more or much less load brings it
 * forward.
 *
 * Where what the server allocates finds the arena's regions full, the bound is too large for them: more of that than
 * when the bound was settled on brings the next search forward, which then tries the half of the bound and not its
 * double; and of two bounds that cost the same, the smaller one wins if it has half as much of that.
 *
 * An expected bound (a manifest's) is in force from the beginning, at rest. When it comes to matter, it has to win
 * against "none" like one that was settled on.
 *
 * While it holds "none", only one block in sixteen is looked at, and stands for the others: meanwhile the tuner sleeps
 * for so many turns, and whoever has turns to tell of need not know what is in them. It is woken by a turn that brings
 * far more events than those before.
 *
 * Where fewer events than the bound are ready in many turns in a row, ordering rests until a turn brings as many: the
 * bound stays in force, as it costs nothing, but nobody need ask for what is under way. Where the crowd is less than
 * twice the least bound, there is no search.
 */
#ifndef STINGY_TUNER_H
#define STINGY_TUNER_H

#include <stdbool.h>
#include <stdint.h>

#define STINGY_TUNER_PAIRS      31u   /* of blocks, in a duel, at most */
#define STINGY_TUNER_COST_UNITS 1024u /* what costs are given for */
#define STINGY_TUNER_LEAST      4u    /* events: with fewer, the loop itself costs more than any cache can win */

/* A turn of the loop: what it was given, and what it made of it. */
struct stingy_tuner_turn {
	uint64_t ticks;
	uint32_t events;
	uint32_t units;
	uint32_t most;    /* events that it could have been given; 0: any number */
	uint32_t refused; /* allocations that found a region full */
	bool is_first;    /* it only went on with what had begun: the bound had nothing to do with it */
};

/* What turns have added up to. */
struct stingy_tuner_block {
	uint64_t began; /* by the clock; 0: not known */
	uint64_t ticks;
	uint64_t skipped; /* ticks of turns that the bound before left behind */
	uint64_t squares; /* of the events of each turn, added up */
	uint32_t units, events, refused;
	uint32_t turns;
	bool is_counting; /* the turns that the bound before left behind are over */
};

/* The challenger is arm 1. */
struct stingy_tuner_duel {
	uint32_t bound[2];
	uint32_t n;                   /* blocks that are done */
	uint32_t n_pairs;             /* that are judged */
	uint64_t cost[2];             /* in the pair that is under way */
	int gain[STINGY_TUNER_PAIRS]; /* of each pair, in thousandths, by size */
	int lead;                     /* pairs in which the challenger won its margin, less those in which it did not */
	uint64_t refused[2];          /* in all blocks of each */
};

enum stingy_tuner_phase {
	STINGY_TUNER_HOLDING = 0, /* the bound settled on is in force, or rests */
	STINGY_TUNER_OPENING,     /* a search: "none" against bounds, or the bound settled on against "none" */
	STINGY_TUNER_CLIMBING,    /* to its double */
	STINGY_TUNER_DESCENDING,  /* to its half */
};

struct stingy_tuner {
	uint64_t (*clock)(void); /* the thread's processor time, in ns; 0: not to be had */
	uint32_t bound;          /* now in force; 0: none */
	uint32_t chosen;         /* the best so far; 0: none */
	uint32_t start;          /* the first bound that is tried */
	bool is_fixed;           /* the bound is the user's: it rests, but there is no search */
	bool is_resting;         /* there are too few events for the bound to matter */
	uint32_t rich;           /* answers of a turn, about the most of late */
	uint32_t slack;          /* turns in a row that brought fewer events than the bound */
	uint32_t sleep;          /* turns that nothing need be told of */
	uint32_t alarm;          /* events in one of them that end that */
	uint32_t crowd; /* events in the turn in which the average event came, in the last block without bound */
	uint32_t patience, held; /* blocks to hold, at least; how many it has been */
	uint64_t rest;           /* ticks of work to do without a bound, at least */
	uint64_t held_ticks;     /* how many it held what it holds */
	uint32_t held_crowd;     /* the crowd when it settled */
	uint32_t refused;        /* for so many answers as costs are given for, in the last block */
	uint32_t held_refused;   /* in the first block that it held */
	bool is_tight;           /* so much more than that brought the search */
	enum stingy_tuner_phase phase;
	uint32_t before;  /* what was chosen when the search began */
	uint32_t step;    /* of the opening */
	bool has_climbed; /* so half of what is chosen has been beaten already */
	struct stingy_tuner_block block;
	struct stingy_tuner_duel duel;
	/* only for reports */
	uint32_t n_duels, n_won;
	int saved; /* per cent of a request's time, in the median of the last duel against "none" */
};

enum stingy_tuner_begin {
	STINGY_TUNER_SEARCH, /* there is no bound; the first to try is known */
	STINGY_TUNER_EXPECT, /* there is one */
	STINGY_TUNER_FIX,    /* there is one, for good */
};

/* bound: as `begin` says; within the bounds of a search, if there is to be one. */
void stingy_tuner_init(struct stingy_tuner *tuner, uint64_t (*clock)(void), uint32_t bound,
		       enum stingy_tuner_begin begin);

/* The bound may be another afterwards. */
void stingy_tuner_turn(struct stingy_tuner *tuner, const struct stingy_tuner_turn *turn);

/* Before each turn: whether it need not be told of. Then stingy_tuner_heard is told how many events it brought. */
static inline bool stingy_tuner_sleeps(struct stingy_tuner *tuner)
{
	if (tuner->sleep == 0)
		return false;
	tuner->sleep--;
	return true;
}

static inline void stingy_tuner_heard(struct stingy_tuner *tuner, int events)
{
	if (__builtin_expect(events >= 0 && (uint32_t)events > tuner->alarm, 0))
		tuner->sleep = 0;
}

#endif
