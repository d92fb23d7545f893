/*
 * Stingy's public header: what an event-driven program may ask of the memory manager, and tell it.
 *
 * Nothing needs to be linked. The functions Stingy... are weak symbols: under `stingy profile` or `stingy run` (or the
 * LD_PRELOADs they set) they are there; without them the wrappers stingy_..., which programs call, say "yes", "as many
 * as you like" and "no library". `pkg-config --cflags stingy` finds this header.
 *
 * A stage is a function that a scheduler runs, for one task at a time. It is named by the address of that function
 * wherever something is told, or asked by way of trial. A scheduler that asks before each batch looks its stages up
 * once, by function, name or number in the manifest, and asks by what it found: a few nanoseconds. A task goes by any
 * address or number that is its own while it lives (usually the address of its record).
 *
 * Answers are about the arena of the calling thread, or, as long as it has none, about one that it could have. They are
 * advice. A run that goes ahead all the same is served by the next allocator, and is correct. So a scheduler never
 * refuses the only work it has left, and lets no refusal last: see samples/queue.h, which is meant to be copied.
 *
 * All may be called from any thread, but not from signal handlers, and none sets errno. The questions wait for nobody,
 * allocate nothing and make no system call; to look a stage up may take the loader's lock, and belongs into main, or
 * where a module was loaded. What is told may do all of that while a profile is made, and is a comparison and an
 * addition otherwise. Compile with -fPIE or -fPIC, as distributions do: without, the linker settles for good that the
 * functions are absent.
 */
#ifndef STINGY_H
#define STINGY_H

#if !defined(__PIC__) && !defined(__PIE__)
#warning "stingy.h: compile with -fPIE or -fPIC, or this program will never find the library"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A stage of the manifest. Good for as long as the process lives, even if the module of its function is unloaded. */
struct stingy_stage;

/* More runs than any memory has: nothing is known that would limit them. */
#define STINGY_MANY (~0u)

enum stingy_answer {
	STINGY_FULL,          /* no: a run would overflow the arena into the next allocator */
	STINGY_FITS,          /* yes, there are free instances of all that a run allocates */
	STINGY_TAKES_NOTHING, /* yes: the manifest knows nothing that a run of the stage allocates */
	STINGY_NOT_SERVED,    /* yes: other threads own the arenas, or it is a dry run; it makes no difference here */
	STINGY_UNKNOWN_STAGE, /* yes: no stage of the manifest, or there is none in force */
	STINGY_NO_LIBRARY,    /* yes: nobody to ask */
};

/* Why a run of a stage fits or does not: the region of the arena that limits it. */
struct stingy_why {
	enum stingy_answer answer;
	/* the rest is zeros but for STINGY_FULL and STINGY_FITS */
	unsigned region;   /* number in the manifest */
	unsigned n_free;   /* slots in it */
	unsigned n_needed; /* of them, for one run */
	const char *kinds; /* of objects that live in it, by their names in the manifest; never NULL */
};

/*
 * The priorities of the paper (Bhatia, Consel, Lawall, ISMM 2006), for a scheduler that goes stage by stage: highest
 * first; of equal ones, the stage that comes earlier in the life of a task, so that batches grow.
 */
enum stingy_priority {
	STINGY_PRIORITY_NONE,    /* not enough memory for a run */
	STINGY_PRIORITY_ENOUGH,  /* enough: but if more tasks are gathered first, the batch will be longer */
	STINGY_PRIORITY_MAXIMAL, /* maximal flow: as many tasks wait as can be run; to gather more is of no use */
};

/* Where a program looks a stage up: by its function, by its name or number in the manifest. NULL: not known. */
const struct stingy_stage *StingyStageOf(const void *function) __attribute__((weak));
const struct stingy_stage *StingyStageNamed(const char *name) __attribute__((weak));
const struct stingy_stage *StingyStageNumbered(unsigned number) __attribute__((weak));

/*
 * StingyDynCheck, the paper's dynamic check: are there enough free instances of every object kind that one run of the
 * stage allocates? 1 if so, and for a function that is no stage of the manifest; else 0. The others answer for a stage
 * that was looked up, and for NULL: how many runs of it fit now, one after the other (STINGY_MANY: no limit is known);
 * and why, with the same result as StingyDynCheck.
 */
int StingyDynCheck(const void *function) __attribute__((weak));
unsigned StingyDynCount(const struct stingy_stage *stage) __attribute__((weak));
int StingyDynWhy(const struct stingy_stage *stage, struct stingy_why *why) __attribute__((weak));

/*
 * What the program tells: that it begins to run a stage for a task, that the run is over, and that a task has ended
 * (its record may be used again). A profile has stages and tasks as they were told; without these calls they are
 * inferred. In production `stingy stat` shows how many runs of a stage followed each other.
 */
void StingyStageBegin(const void *function, const void *task) __attribute__((weak));
void StingyStageEnd(const void *function, const void *task) __attribute__((weak));
void StingyTaskEnd(const void *task) __attribute__((weak));

/* What a system call cost the thread that made it. */
struct stingy_call_cost {
	unsigned long ns;         /* from its beginning to its end */
	unsigned long blocked_ns; /* of these: without the processor */
	unsigned long faults;     /* page faults */
	unsigned long switches;   /* context switches */
};

struct stingy_system_calls {
	unsigned long n_calls; /* since it was switched on */
	long number;           /* of the last of them: the kernel's, as in <sys/syscall.h> */
	struct stingy_call_cost last;
	struct stingy_call_cost sum; /* of all of them */
};

/*
 * Switches on, for the calling thread, that *into is filled in after each system call that it makes through the C
 * library, all zeros to begin with; NULL switches it off. Returns 1, or 0: nobody measures, as in production. The
 * structure must be there until then, or until the thread ends. Each call takes about a microsecond longer for it.
 */
int StingySystemCalls(struct stingy_system_calls *into) __attribute__((weak));

static inline const struct stingy_stage *stingy_stage_of(const void *function)
{
	return StingyStageOf ? StingyStageOf(function) : 0;
}

static inline const struct stingy_stage *stingy_stage_named(const char *name)
{
	return StingyStageNamed ? StingyStageNamed(name) : 0;
}

static inline const struct stingy_stage *stingy_stage_numbered(unsigned number)
{
	return StingyStageNumbered ? StingyStageNumbered(number) : 0;
}

static inline int stingy_dyn_check(const void *function)
{
	return StingyDynCheck ? StingyDynCheck(function) : 1;
}

static inline unsigned stingy_dyn_count(const struct stingy_stage *stage)
{
	return StingyDynCount ? StingyDynCount(stage) : STINGY_MANY;
}

static inline int stingy_dyn_why(const struct stingy_stage *stage, struct stingy_why *why)
{
	if (StingyDynWhy)
		return StingyDynWhy(stage, why);
	why->answer = STINGY_NO_LIBRARY;
	why->region = why->n_free = why->n_needed = 0;
	why->kinds = "";
	return 1;
}

/*
 * The priority of a stage for which n_tasks wait, of which n_fit runs fit: stingy_dyn_count()'s answer, or less if the
 * scheduler has a bound of its own. What the tasks hold from earlier stages need not be looked at: where that is used
 * up, the stages that allocate it have no priority, and so let this one pass.
 */
static inline enum stingy_priority stingy_dyn_priority(unsigned n_fit, unsigned n_tasks)
{
	if (n_fit == 0)
		return STINGY_PRIORITY_NONE;
	return n_tasks < n_fit ? STINGY_PRIORITY_ENOUGH : STINGY_PRIORITY_MAXIMAL;
}

static inline void stingy_stage_begin(const void *function, const void *task)
{
	if (StingyStageBegin)
		StingyStageBegin(function, task);
}

static inline void stingy_stage_end(const void *function, const void *task)
{
	if (StingyStageEnd)
		StingyStageEnd(function, task);
}

static inline void stingy_task_end(const void *task)
{
	if (StingyTaskEnd)
		StingyTaskEnd(task);
}

static inline int stingy_system_calls(struct stingy_system_calls *into)
{
	return StingySystemCalls ? StingySystemCalls(into) : 0;
}

#ifdef __cplusplus
}
#endif
#endif
