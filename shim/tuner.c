#include "tuner.h"

#include <string.h>

#define BOUND_MOST     1024u /* events */
#define SLACK_MOST     64u   /* turns in a row that the bound is too large for */
#define BLOCK_UNITS    512u  /* answers of a block, besides half of the crowd, of whose events two make an answer */
#define BLOCK_TICKS    (UINT64_C(1) << 27) /* of a block at least, some 50 ms: shorter ones measure the change itself */
#define SKIPPED_UNITS  128u                /* before a block counts, besides an eighth of the crowd */
#define PATIENCE_LEAST 64u                 /* blocks */
#define PATIENCE_ON    256u                /* at least, where there is something to lose by a search */
#define PATIENCE_MOST  8192u
#define CROWD_CHANGE   4u     /* a crowd so many times as large or small is another one */
#define CHANGE_BLOCKS  8u     /* that a bound is held before any change counts */
#define SLEEP_MOST     65536u /* turns */
#define SHARE_SEEN     16u    /* of that many blocks without a bound one is looked at */
#define REFUSED_CHANGE 128u   /* of STINGY_TUNER_COST_UNITS answers: more than that more is another matter */
#define EARLY_PAIRS    3u     /* pairs that are enough if they are of one mind */
#define LEAD_TO_WIN    6      /* pairs that say yes, more than no */
#define LEAD_TO_LOSE   4      /* and the other way round; who loses is tried again in the next search */
#define LEAD_AT_LAST   3      /* when there have been as many pairs as there may be */
#define CLIMBING_PAIRS 15u    /* at most, where a bound is known to be good: less is at stake */
#define OPENING_GAIN   30     /* thousandths that a bound must win over none */
#define CLIMBING_GAIN  10     /* thousandths that another bound must win over the one we have */

#define USUAL      16u                 /* events: what many servers come to */
#define REST_LEAST (UINT64_C(1) << 35) /* ticks of work: some ten seconds */
#define REST_MOST  (UINT64_C(1) << 41)

/* What is tried against none: the start times this, in eighths; then the usual. */
static const uint32_t openings[] = {8, 32, 2};
#define N_OPENINGS (sizeof(openings) / sizeof(*openings))

static uint32_t within_bounds(uint32_t bound)
{
	if (bound < STINGY_TUNER_LEAST)
		return STINGY_TUNER_LEAST;
	return bound < BOUND_MOST ? bound : BOUND_MOST;
}

void stingy_tuner_init(struct stingy_tuner *tuner, uint64_t (*clock)(void), uint32_t bound,
		       enum stingy_tuner_begin begin)
{
	memset(tuner, 0, sizeof(*tuner));
	tuner->clock = clock;
	tuner->start = begin == STINGY_TUNER_FIX ? bound : within_bounds(bound);
	tuner->is_fixed = begin == STINGY_TUNER_FIX;
	tuner->is_resting = begin == STINGY_TUNER_EXPECT;
	tuner->bound = tuner->chosen = begin == STINGY_TUNER_SEARCH ? 0 : tuner->start;
	tuner->patience = 1; /* the first search need not wait */
}

static uint64_t now(const struct stingy_tuner *tuner)
{
	return tuner->phase != STINGY_TUNER_HOLDING ? tuner->clock() : 0;
}

/* What the last bound left under way does not count for the next one. */
static void begin_block(struct stingy_tuner *tuner, uint32_t bound)
{
	bool is_same = tuner->bound == bound;
	tuner->block = (struct stingy_tuner_block){.is_counting = is_same, .began = is_same ? now(tuner) : 0};
	tuner->bound = bound;
	tuner->slack = is_same ? tuner->slack : 0;
}

static void hold(struct stingy_tuner *tuner)
{
	tuner->phase = STINGY_TUNER_HOLDING;
	tuner->held = 0;
	tuner->held_ticks = 0;
	tuner->held_crowd = tuner->crowd;
	begin_block(tuner, tuner->chosen);
}

/* Whether the bound would make a difference. */
static bool is_worth_trying(const struct stingy_tuner *tuner, uint32_t bound)
{
	return bound >= STINGY_TUNER_LEAST && bound <= BOUND_MOST && bound <= tuner->crowd / 2;
}

/* The next to be tried against none: what was settled on, then the others; 0: that was all. */
static uint32_t next_opening(struct stingy_tuner *tuner)
{
	uint32_t start = tuner->start > tuner->floor ? tuner->start : tuner->floor;
	while (tuner->step < N_OPENINGS + 2) {
		uint32_t step = tuner->step++, bound = tuner->before;
		if (step > N_OPENINGS)
			bound = start != USUAL ? USUAL : 0;
		else if (step > 0)
			bound = start * openings[step - 1] / 8;
		bool is_new = bound != tuner->before && bound >= tuner->floor;
		if (is_worth_trying(tuner, bound) && (step == 0 || is_new))
			return bound;
	}
	return 0;
}

/* The challenger of the next duel; what is chosen itself if the search is over. */
static uint32_t next_challenger(struct stingy_tuner *tuner)
{
	if (tuner->phase == STINGY_TUNER_OPENING) {
		uint32_t bound = next_opening(tuner);
		if (bound != 0)
			return bound;
		tuner->phase = STINGY_TUNER_CLIMBING;
	}
	if (tuner->phase == STINGY_TUNER_CLIMBING) {
		if (!tuner->is_tight && is_worth_trying(tuner, tuner->chosen * 2))
			return tuner->chosen * 2;
		tuner->phase = STINGY_TUNER_DESCENDING;
	}
	return !tuner->has_climbed && is_worth_trying(tuner, tuner->chosen / 2) ? tuner->chosen / 2 : tuner->chosen;
}

/* Goes on to the next duel of the search, or ends it: what it has come to is held longer if it is nothing new. */
static void go_on(struct stingy_tuner *tuner)
{
	uint32_t challenger = next_challenger(tuner);
	if (challenger != tuner->chosen) {
		tuner->duel = (struct stingy_tuner_duel){.bound = {tuner->chosen, challenger}};
		begin_block(tuner, tuner->chosen);
		return;
	}
	bool is_new = tuner->chosen != tuner->before || tuner->rest == 0;
	if (is_new)
		tuner->patience = tuner->chosen ? PATIENCE_ON : PATIENCE_LEAST;
	else if (tuner->patience < PATIENCE_MOST)
		tuner->patience *= 2;
	if (is_new)
		tuner->rest = REST_LEAST;
	else if (tuner->rest < REST_MOST)
		tuner->rest *= 2;
	hold(tuner);
}

static void begin_search(struct stingy_tuner *tuner)
{
	tuner->phase = STINGY_TUNER_OPENING;
	tuner->before = tuner->chosen;
	tuner->chosen = 0;
	tuner->is_resting = false;
	tuner->step = 0;
	tuner->has_climbed = false;
	go_on(tuner);
}

static void end_duel(struct stingy_tuner *tuner, bool is_won)
{
	uint32_t challenger = tuner->duel.bound[1];
	tuner->n_duels++;
	tuner->n_won += is_won;
	if (is_won)
		tuner->chosen = challenger;
	if (tuner->phase == STINGY_TUNER_CLIMBING) {
		tuner->has_climbed |= is_won;
		if (!is_won)
			tuner->phase = STINGY_TUNER_DESCENDING;
	} else if (tuner->phase == STINGY_TUNER_DESCENDING) {
		tuner->has_climbed |= !is_won; /* it is over */
	} else if (is_won) {
		tuner->phase = STINGY_TUNER_CLIMBING;
	}
	go_on(tuner);
}

/* Which arm has the n-th block: ABBA ABBA... */
static uint32_t arm(uint32_t n)
{
	return (n + 1) / 2 % 2;
}

/* What the challenger saved in the pair that is done, in thousandths of what the other cost. */
static int gain(const struct stingy_tuner_duel *duel)
{
	int64_t before = (int64_t)duel->cost[0], after = (int64_t)duel->cost[1];
	return before > 0 ? (int)((before - after) * 1000 / before) : 0;
}

/* Puts what was saved in a pair among what was saved in those before, by size. */
static void add_pair(struct stingy_tuner_duel *duel, int value)
{
	uint32_t at = duel->n_pairs++;
	for (; at > 0 && duel->gain[at - 1] > value; at--)
		duel->gain[at] = duel->gain[at - 1];
	duel->gain[at] = value;
}

enum result { OPEN, WON, LOST };

/* By what each pair says: at once where all are of one mind, and are farther from the margin than from each other. */
static enum result judge(const struct stingy_tuner_duel *duel, int margin, uint32_t n_most)
{
	uint32_t n = duel->n_pairs;
	int far = duel->gain[n / 2] - margin, spread = duel->gain[n - 1] - duel->gain[0];
	if (n >= EARLY_PAIRS && duel->lead == (int)n && far >= spread)
		return WON;
	if (n >= EARLY_PAIRS && duel->lead == -(int)n && -far >= spread)
		return LOST;
	if (duel->lead <= -LEAD_TO_LOSE || (n == n_most && duel->lead < LEAD_AT_LAST))
		return LOST;
	if (duel->lead < LEAD_TO_WIN && n < n_most)
		return OPEN;
	int middle = duel->gain[n * 3 / 4] - duel->gain[n / 4];
	return margin < 0 || duel->gain[n / 2] * 5 >= middle * 2 ? WON : LOST;
}

static enum result judge_pair(struct stingy_tuner *tuner)
{
	struct stingy_tuner_duel *duel = &tuner->duel;
	bool is_opening = tuner->phase == STINGY_TUNER_OPENING;
	int margin = is_opening ? OPENING_GAIN : CLIMBING_GAIN, value = gain(duel);
	if (tuner->phase == STINGY_TUNER_DESCENDING && duel->refused[1] < duel->refused[0] / 2)
		margin = -margin; /* it is roomier */
	add_pair(duel, value);
	duel->lead += value >= margin ? 1 : -1;
	if (is_opening)
		tuner->saved = duel->gain[duel->n_pairs / 2] / 10;
	return judge(duel, margin, is_opening ? STINGY_TUNER_PAIRS : CLIMBING_PAIRS);
}

/* A block of a duel is done. */
static void score(struct stingy_tuner *tuner, uint64_t cost)
{
	struct stingy_tuner_duel *duel = &tuner->duel;
	duel->cost[arm(duel->n)] = cost;
	duel->refused[arm(duel->n)] += tuner->block.refused;
	duel->n++;
	enum result result = duel->n % 2 == 0 ? judge_pair(tuner) : OPEN;
	if (result == OPEN)
		begin_block(tuner, duel->bound[arm(duel->n)]);
	else
		end_duel(tuner, result == WON);
}

static bool is_another_crowd(const struct stingy_tuner *tuner)
{
	return tuner->held >= CHANGE_BLOCKS &&
	       (tuner->crowd > tuner->held_crowd * CROWD_CHANGE || tuner->crowd < tuner->held_crowd / CROWD_CHANGE);
}

static bool has_become_tight(const struct stingy_tuner *tuner)
{
	return tuner->bound != 0 && tuner->held >= PATIENCE_LEAST &&
	       tuner->refused > tuner->held_refused + REFUSED_CHANGE;
}

/* A block without a bound stands for those that are slept through. */
static void sleep_on(struct stingy_tuner *tuner)
{
	uint32_t busy = tuner->crowd > STINGY_TUNER_LEAST ? tuner->crowd : STINGY_TUNER_LEAST;
	tuner->alarm = busy < UINT32_MAX / CROWD_CHANGE ? busy * CROWD_CHANGE : UINT32_MAX;
	tuner->sleep =
		tuner->block.turns < SLEEP_MOST / SHARE_SEEN ? tuner->block.turns * (SHARE_SEEN - 1) : SLEEP_MOST;
	begin_block(tuner, 0);
}

/* A block of a time of holding is done. */
static void grow_older(struct stingy_tuner *tuner)
{
	uint32_t stands_for = tuner->bound == 0 ? SHARE_SEEN : 1;
	if (tuner->held == 0)
		tuner->held_refused = tuner->refused;
	tuner->held += stands_for;
	tuner->held_ticks += tuner->block.ticks * stands_for;
	tuner->is_tight = has_become_tight(tuner);
	bool is_due = tuner->held >= tuner->patience && (tuner->chosen != 0 || tuner->held_ticks >= tuner->rest);
	if (!tuner->is_fixed && !tuner->is_resting && (is_due || tuner->is_tight || is_another_crowd(tuner)))
		begin_search(tuner);
	else if (tuner->bound == 0)
		sleep_on(tuner);
	else
		begin_block(tuner, tuner->bound);
}

static void end_block(struct stingy_tuner *tuner)
{
	const struct stingy_tuner_block *block = &tuner->block;
	uint64_t ended = block->began ? now(tuner) : 0;
	uint64_t cost = (ended ? ended - block->began : block->ticks) * STINGY_TUNER_COST_UNITS / block->units;
	tuner->refused = block->refused * STINGY_TUNER_COST_UNITS / block->units;
	if (tuner->bound == 0 && block->events > 0)
		tuner->crowd = (uint32_t)(block->squares / block->events);
	if (tuner->phase == STINGY_TUNER_HOLDING)
		grow_older(tuner);
	else
		score(tuner, cost);
}

/* Rests while too little is ready for the bound to make a difference. */
static void watch_slack(struct stingy_tuner *tuner, const struct stingy_tuner_turn *turn)
{
	bool is_slack = turn->events < (turn->most ? turn->most : tuner->bound);
	tuner->slack = is_slack ? tuner->slack + 1 : 0;
	if (!is_slack)
		tuner->is_resting = false;
	else if (tuner->slack >= SLACK_MOST)
		tuner->is_resting = true;
}

/*
 * Whether a round of the server's may be over. Without a bound all clients are in step: a server that reads in one turn
 * and answers in the next has turns of no answers and turns of thousands. A block of three of them would have one round
 * of answers or two, so blocks begin and end after turns that had as many as any of late.
 */
static bool ends_round(struct stingy_tuner *tuner, uint32_t units)
{
	tuner->rich -= (tuner->rich + 7) / 8;
	if (units > tuner->rich)
		tuner->rich = units;
	return units >= tuner->rich / 2;
}

void stingy_tuner_turn(struct stingy_tuner *tuner, const struct stingy_tuner_turn *turn)
{
	struct stingy_tuner_block *block = &tuner->block;
	bool is_end = ends_round(tuner, turn->units);
	block->units += turn->units;
	if (block->is_counting) {
		block->turns++;
		block->ticks += turn->ticks;
		block->events += turn->events;
		block->refused += turn->refused;
		block->squares += (uint64_t)turn->events * turn->events;
		if (block->units >= BLOCK_UNITS + tuner->crowd / 2 && block->ticks >= BLOCK_TICKS && is_end)
			end_block(tuner);
	} else if ((block->skipped += turn->ticks) >= BLOCK_TICKS / 4 && is_end &&
		   block->units >= SKIPPED_UNITS + tuner->crowd / 8) {
		*block = (struct stingy_tuner_block){.is_counting = true, .began = now(tuner)};
	}
	if (!turn->is_first && tuner->bound != 0 && tuner->phase == STINGY_TUNER_HOLDING)
		watch_slack(tuner, turn);
}
