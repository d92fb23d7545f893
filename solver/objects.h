/*
 * The objects that are live at a point of a replay, by address.
 *
 * An open-addressed table of 32 bytes an entry, kept at most two thirds full: a trace of tens of millions of events
 * goes through it twice an object, and a million live objects must not weigh more than a few tens of megabytes.
 * Entries move when others are put or taken: nobody keeps a pointer. Heap memory, from init to fini; one thread.
 */
#ifndef STINGY_OBJECTS_H
#define STINGY_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stingy_task;

/* Where an object is, when an arena is tried out. */
enum stingy_whereabouts {
	STINGY_NOWHERE = 0, /* of no kind that is in the arena, or of no thread that has one */
	STINGY_IN_REGION,
	STINGY_IN_HIGH_REGION,
	STINGY_BESIDE, /* it should be in the arena, and found no slot */
};

struct stingy_object {
	uint64_t address;         /* never 0 */
	struct stingy_task *task; /* NULL: of no known task */
	uint32_t unit;
	uint32_t turn;     /* in which it began */
	uint32_t run;      /* runs that its task had had when it began */
	uint16_t thread;   /* that made it: less than STINGY_CENSUS_THREADS */
	uint8_t arena;     /* its thread's, when an arena is tried out */
	bool serving : 1;  /* began in a turn or an announced stage; else at set-up */
	uint8_t where : 7; /* enum stingy_whereabouts */
};

struct stingy_objects {
	struct stingy_object *slot; /* address 0: empty */
	size_t n_slots;             /* a power of two, or 0 */
	size_t n_objects;
};

/* A table of zeros is an empty one. */
void stingy_objects_fini(struct stingy_objects *objects);

/* Puts an object whose address is not in the table. */
void stingy_objects_put(struct stingy_objects *objects, const struct stingy_object *object);

/* Takes the object at the address out, into *object. Returns whether there was one. */
bool stingy_objects_take(struct stingy_objects *objects, uint64_t address, struct stingy_object *object);

#endif
