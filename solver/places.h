/*
 * Modules and the places in them (return addresses), the same whatever trace they come from.
 *
 * Traces number modules and frames each in their own way; here every module is one (by build-id, else by path and
 * size), every return address is one (by module and offset), and numbers are given in the order of arrival. What
 * several traces say of one address is brought together: a rule is kept unless two traces contradict each other;
 * then no key may lead past the address. Nothing is ever taken out. Heap memory, from new to free; one thread.
 */
#ifndef STINGY_PLACES_H
#define STINGY_PLACES_H

#include "../profiler/trace.h"

#include <stdbool.h>

#define STINGY_NO_MODULE UINT32_MAX

struct stingy_module {
	uint8_t id[STINGY_ID_MAX];
	uint32_t id_len; /* bytes; 0: none, then path and size name the module */
	uint64_t size;   /* bytes of the file; 0 where there is a build-id */
	char *path;      /* the least of those seen */
};

/* What an interface file declared of the function of a place. */
#define STINGY_PLACE_SCHEDULER 1u
#define STINGY_PLACE_WRAPPER   2u
#define STINGY_PLACE_STAGE     4u
#define STINGY_PLACE_LEFT_OUT  8u

struct stingy_place {
	uint32_t module; /* STINGY_NO_MODULE: a bare address, which no manifest can name */
	uint64_t offset;
	uint64_t function; /* offset of its function; 0: unknown */
	struct stingy_rule rule;
	bool disputed;     /* two traces gave it different rules */
	bool indirect;     /* the call before it takes its target from a pointer */
	unsigned declared; /* set of the above */
	char *name;        /* of its function, for people: clean; NULL: none */
};

struct stingy_places {
	struct stingy_module *module;
	struct stingy_place *place;
	uint32_t n_modules, n_places;
	/* the rest is the module's own */
	size_t module_room, place_room;
	struct stingy_place_index *index;
};

void stingy_places_init(struct stingy_places *places);
void stingy_places_fini(struct stingy_places *places);

/* The number of the module that a trace declares. */
uint32_t stingy_places_module(struct stingy_places *places, const struct stingy_trace_module *declared);

/* The number of the place that a trace declares, its module being our number, or STINGY_NO_MODULE. */
uint32_t stingy_places_add(struct stingy_places *places, uint32_t module, const struct stingy_trace_frame *declared);

/* Whether a key may lead from this place to the frame that called it. */
bool stingy_place_leads_on(const struct stingy_place *place);

/* An order of modules, and of places, that does not depend on who came first: less than, equal to, more than 0. */
int stingy_places_compare_modules(const struct stingy_places *places, uint32_t a, uint32_t b);
int stingy_places_compare(const struct stingy_places *places, uint32_t a, uint32_t b);

/* The place for people: "name", else "module+0xoffset", clean. Writes into text, always terminated. Returns text. */
char *stingy_places_print(const struct stingy_places *places, uint32_t place, char *text, size_t size);

#endif
