/*
 * Finds out at run time whether ordering (order.h) pays, and with which bound: how many events a turn of the loop may
 * begin with. Arithmetic only, with no memory but its own structure; whoever waits in the loop, one thread at a time.
 *
 * Blocks: it is told how many answers (units) came of each turn, and adds turns up to blocks. The cost of a block is
 * read off the thread's processor clock at its beginning and its end, during a search only; where there is no such
 * clock, it is the sum of the ticks that its turns took.
 *
 * Duels: two bounds, of which one may be "none", get blocks in the order ABBA, so that a drift of the load favours
 * neither; neighbours make a pair. Each pair has one vote: did the challenger save more than a margin? (How much more
 * does not count: while another process has the processor or the cache, it can be anything.) The challenger wins when
 * it is six votes ahead, and loses when it is four behind. So clear cases take few pairs and others take more, up to a
 * number at which it must be three ahead. Three pairs are enough if they agree and their median is farther from the
 * margin than they are from each other. To win, the median gain must also be large against how much the pairs differ
 * (at least two fifths of what the middle half of them spans), as noise can yield six votes by chance.
 *
 * Searches: a row of duels. A few bounds are tried against "none", the one last settled on first; then the winner
 * against its double and its half, until none is better. Where a turn costs much, whatever is in it, a search begins
 * with bounds no smaller than a floor, and goes below it only from one that has won. The result is held for a number of
 * blocks, and "none" also for an amount of work, as blocks are short on a fast server. Both numbers double when the
 * next search has the same result, so that in the long run searching costs next to nothing. A load that is much larger
 * or smaller brings the next search forward.
 *
 * Full regions: where allocations find the arena's regions full, the bound is too large for them. If that happens more
 * often than when the bound was settled on, the next search is brought forward, and tries half of the bound and not its
 * double; and of two bounds that cost the same, the smaller one wins if it has less than half as many such allocations.
 *
 * An expected bound (a manifest's) is in force from the beginning, at rest. When it comes to matter, it has to win
 * against "none" like one that was settled on.
 *
 * Sleep: while "none" is held, one block in sixteen is looked at and stands for the others. In between the tuner sleeps
 * for a number of turns, of which it need only be told how many events each brought. A turn with far more events than
 * those before wakes it.
 *
 * Rest: where fewer events than the bound are ready in many turns in a row, ordering rests until a turn brings as many.
 * The bound stays in force, which costs nothing, but nobody need ask for what is under way. Where the crowd is less
 * than twice the least bound, there is no search.
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
	uint32_t floor;          /* with less no search begins; who has the tuner sets it, if turns cost more */
	bool is_fixed;           /* the bound is the user's: it rests, but there is no search */
	bool is_resting;         /* there are too few events for the bound to matter */
	uint32_t rich;           /* answers of a turn: about the most there were lately */
	uint32_t slack;          /* turns in a row that brought fewer events than the bound */
	uint32_t sleep;          /* turns yet to sleep through; 0: it is awake */
	uint32_t alarm;          /* a turn of more events than this wakes it */
	uint32_t crowd; /* events in the turn in which the average event came, in the last block without bound */
	uint32_t patience, held; /* blocks to hold, at least; how many it has been */
	uint64_t rest;           /* ticks of work to do without a bound, at least */
	uint64_t held_ticks;     /* how long it has held what it holds */
	uint32_t held_crowd;     /* the crowd when it settled */
	uint32_t refused;        /* allocations for STINGY_TUNER_COST_UNITS answers, in the last block */
	uint32_t held_refused;   /* the same in the first block that it held */
	bool is_tight;           /* the search was brought forward by full regions */
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

/* clock must be callable at any time. bound: as `begin` says; brought within the limits of a search, unless it is
 * fixed. */
void stingy_tuner_init(struct stingy_tuner *tuner, uint64_t (*clock)(void), uint32_t bound,
		       enum stingy_tuner_begin begin);

/* Takes a turn that is over. Afterwards the bound in force may be another one. */
void stingy_tuner_turn(struct stingy_tuner *tuner, const struct stingy_tuner_turn *turn);

/*
 * To be called before each turn: whether the tuner sleeps through it. Then the turn goes to stingy_tuner_heard, with
 * the number of events that it brought (or -1), else to stingy_tuner_turn.
 */
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
