/*
 * A made-up server for the tests of the tuner: what a request costs there follows from the bound and from how many
 * requests are ready, and there is noise. No clock is looked at; include it once in a program, and seed_random() first.
 */
#ifndef MADE_CLIENTS_H
#define MADE_CLIENTS_H

#include "../shim/tuner.h"
#include "seed.h"

#include <stdbool.h>
#include <stdint.h>

#define REQUEST 30000u /* ticks of a request that hits the cache */

/* A server with so many clients, each of whom asks again when it has been answered. */
struct model {
	struct stingy_tuner tuner;
	uint32_t clients;
	uint32_t best;       /* bound at which a request costs least; 0: it costs the same with any */
	uint32_t per_turn;   /* ticks of a turn, whatever is in it */
	uint32_t noise;      /* per cent */
	uint32_t room;       /* events at a time that find room in the arena; 0: any number */
	bool is_in_step;     /* without a bound it reads in one turn, and answers in the next */
	bool has_answered;   /* in the last of them */
	bool has_clock;      /* that does not go on while others have the processor */
	uint64_t n_requests; /* in all */
	uint64_t n_bounded;  /* of these, while there was a bound */
	uint64_t ticks;      /* in all, without the noise */
	uint64_t n_turns;    /* in all */
	uint64_t n_asleep;   /* of these, that the tuner did not need to know of */
};

/* Twice as dear where far more tasks than `best` are begun at a time; fewer win nothing more. */
static inline uint64_t cost(const struct model *model, uint32_t n)
{
	if (model->best == 0 || n <= model->best)
		return REQUEST;
	uint64_t over = n - model->best;
	return REQUEST + REQUEST * over / (over + model->best);
}

static uint64_t clocked; /* what the processor clock would say; 0: there is none */

static inline uint64_t read_clock(void)
{
	return clocked;
}

static inline void turn(struct model *model)
{
	bool is_asleep = stingy_tuner_sleeps(&model->tuner);
	uint32_t bound = model->tuner.bound;
	uint32_t n = bound != 0 && bound < model->clients ? bound : model->clients;
	uint64_t ticks = model->per_turn + n * cost(model, n);
	bool is_reading = model->is_in_step && bound == 0 && model->has_answered;
	if (model->is_in_step && bound == 0)
		ticks /= 2;
	model->has_answered = !is_reading;
	model->n_requests += is_reading ? 0 : n;
	model->n_bounded += bound != 0 ? n : 0;
	model->ticks += ticks;
	clocked = model->has_clock ? clocked + ticks : 0;
	int percent = model->noise ? (int)below(2 * model->noise + 1) - (int)model->noise : 0;
	ticks += (uint64_t)((int64_t)ticks * percent / 100);
	const struct stingy_tuner_turn turn = {
		.ticks = ticks,
		.events = n,
		.units = is_reading ? 0 : n,
		.refused = model->room && n > model->room ? n - model->room : 0,
	};
	if (is_asleep)
		stingy_tuner_heard(&model->tuner, (int)n);
	else
		stingy_tuner_turn(&model->tuner, &turn);
	model->n_turns++;
	model->n_asleep += is_asleep;
}

static inline void run(struct model *model, uint64_t requests)
{
	uint64_t end = model->n_requests + requests;
	while (model->n_requests < end)
		turn(model);
}

/* On to the end of a search, if there is one. */
static inline void settle(struct model *model)
{
	while (model->tuner.phase != STINGY_TUNER_HOLDING)
		turn(model);
}

/* The model, begun anew. */
static inline void begin(struct model *model, uint32_t clients, uint32_t best, uint32_t per_turn, uint32_t noise)
{
	*model = (struct model){.clients = clients, .best = best, .per_turn = per_turn, .noise = noise};
	stingy_tuner_init(&model->tuner, read_clock, 32, STINGY_TUNER_SEARCH);
}

#endif
