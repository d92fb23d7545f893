/*
 * mock: a server without sockets, to measure what the memory of the tasks in flight costs and nothing else.
 *
 * A fixed number of tasks is in flight; as one ends the next arrives. A task goes through all stages; stage k
 * allocates object kind k, and every stage walks all objects that its task holds. Tasks are taken either in turn, one
 * stage each (as a server does that handles events as they come), or stage by stage, as many as the memory manager
 * finds room for or as --admit allows. What the walks see is added up: the sum is the same whatever the allocator,
 * the policy and the order, so a result can be checked.
 */
#include "number.h"
#include "queue.h"

#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define STAGES_MAX 8
#define LINE       64 /* bytes of a cache line: what a walk steps over */
#define WINDOW     64 /* arrivals that come in any order */

static const char usage[] =
	"usage: mock [OPTIONS]\n"
	"Runs tasks through stages that allocate, walk and release memory, and prints how long a task takes.\n"
	"\n"
	"  --tasks N       tasks in flight (default 2500)\n"
	"  --total N       tasks to run in all (default 20000)\n"
	"  --stages N      stages of a task, 1 to 8 (default 6)\n"
	"  --kinds N       object kinds, at most one a stage (default 5)\n"
	"  --state BYTES   what all objects of a task take together (default 16384)\n"
	"  --access WAY    chase: from line to line by pointers, in random order (default); or sequential\n"
	"  --compute NS    time a stage computes besides (default 0)\n"
	"  --policy NAME   round-robin: the tasks in turn (default); or staged: stage by stage\n"
	"  --admit N       staged: at most N tasks hold memory at a time (default: no bound)\n"
	"  --seed N        of all that is random (default 1)\n"
	"  --help          print this and end\n";

struct options {
	unsigned long tasks, total, stages, kinds, state, compute, admit, seed;
	bool sequential, staged;
};

/* What an object consists of. */
struct line {
	struct line *next; /* in the order of the walk, in a circle */
	uint64_t value;
	uint64_t unused[6];
};

_Static_assert(sizeof(struct line) == LINE, "a line of an object is a line of the cache");

struct kind {
	size_t lines;
	unsigned last;  /* the stage that releases it */
	unsigned *next; /* for each line the next one of the walk: one circle */
};

/* The record of a task in flight; as one task ends, the next takes it over. */
struct mock_task {
	struct task task; /* first: stages are given this */
	unsigned stage;   /* the next, or the one that runs */
	unsigned late;    /* turns to let pass at the start, so that tasks in turn are not all at the same stage */
	struct line *object[STAGES_MAX];
};

static struct options options = {
	.tasks = 2500, .total = 20000, .stages = 6, .kinds = 5, .state = 16384, .admit = ULONG_MAX, .seed = 1};
static struct kind kinds[STAGES_MAX];
static unsigned long arrived, ended;
static uint64_t checksum;

static struct mock_task *tasks;

/* The tasks that wait for their turn: a ring with room for all. */
static struct mock_task **ring;
static unsigned long ring_first, ring_count;

static uint64_t random_below(uint64_t bound)
{
	static uint64_t state;

	if (!state)
		state = options.seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % bound;
}

static struct mock_task **ring_at(unsigned long i)
{
	return &ring[(ring_first + i) % options.tasks];
}

static void ring_put(struct mock_task *task)
{
	*ring_at(ring_count++) = task;
}

/* Each time a window's worth was taken, the next window is shuffled. */
static struct mock_task *ring_take(void)
{
	static unsigned taken;

	if (taken++ % WINDOW == 0) {
		for (unsigned long i = ring_count < WINDOW ? ring_count : WINDOW; i > 1; i--) {
			struct mock_task **a = ring_at(i - 1), **b = ring_at(random_below(i)), *swap = *a;
			*a = *b;
			*b = swap;
		}
	}
	struct mock_task *task = *ring_at(0);
	ring_first = (ring_first + 1) % options.tasks;
	ring_count--;
	return task;
}

/* Writes all of the new object, in order, as a program fills in a record. */
static void fill(const struct mock_task *task, unsigned k)
{
	struct line *lines = task->object[k];

	if (!lines)
		err(1, "no memory");
	for (size_t i = 0; i < kinds[k].lines; i++) {
		lines[i].next = &lines[kinds[k].next[i]];
		lines[i].value = (task->task.name * STAGES_MAX + k) * UINT64_C(0x9e3779b97f4a7c15) + i;
	}
}

static uint64_t walk(const struct line *line, size_t n)
{
	uint64_t sum = 0;

	if (options.sequential) {
		for (size_t i = 0; i < n; i++)
			sum += line[i].value;
	} else {
		for (size_t i = 0; i < n; i++, line = line->next)
			sum += line->value;
	}
	return sum;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void compute(void)
{
	if (!options.compute)
		return;
	for (uint64_t end = now() + options.compute; now() < end;)
		;
}

/* A new task takes the record over, and waits for its turn. */
static void arrive(struct mock_task *task)
{
	if (arrived == options.total)
		return;
	task->task.name = ++arrived;
	task->stage = 0;
	ring_put(task);
}

static void pass_on(struct mock_task *task);

/* What a stage does besides allocating: uses what the task holds, releases what dies here, and passes it on. */
static void work(struct mock_task *task)
{
	unsigned stage = task->stage;

	if (stage < options.kinds)
		fill(task, stage);
	for (unsigned k = 0; k < options.kinds && k <= stage; k++)
		if (task->object[k])
			checksum += walk(task->object[k], kinds[k].lines) * (stage + 1);
	compute();
	for (unsigned k = 0; k < options.kinds && k <= stage; k++) {
		if (kinds[k].last == stage) {
			free(task->object[k]);
			task->object[k] = NULL;
		}
	}
	pass_on(task);
}

/* A function of its own for each stage, with a call of malloc of its own: stages and sites are told apart. */
#define STAGE(k)                                                                                                       \
	__attribute__((noinline)) static void stage_##k(struct task *task)                                             \
	{                                                                                                              \
		struct mock_task *mine = (struct mock_task *)task;                                                     \
                                                                                                                       \
		if ((k) < options.kinds)                                                                               \
			mine->object[k] = malloc(kinds[k].lines * LINE);                                               \
		work(mine);                                                                                            \
	}

STAGE(0)
STAGE(1)
STAGE(2)
STAGE(3)
STAGE(4)
STAGE(5)
STAGE(6)
STAGE(7)

static struct stage stages[STAGES_MAX] = {
	{.function = stage_0, .begins = true},
	{.function = stage_1},
	{.function = stage_2},
	{.function = stage_3},
	{.function = stage_4},
	{.function = stage_5},
	{.function = stage_6},
	{.function = stage_7},
};

static void pass_on(struct mock_task *task)
{
	if (++task->stage == options.stages) {
		ended++;
		queue_end_task();
		arrive(task);
	} else if (options.staged) {
		queue_stage(&task->task, stages[task->stage].function);
	} else {
		ring_put(task);
	}
}

/* One stage of the task that has waited longest, and so on. */
static void run_round_robin(void)
{
	while (ended < options.total) {
		struct mock_task *task = ring_take();
		if (task->late) {
			task->late--;
			ring_put(task);
			continue;
		}
		struct stage *stage = &stages[task->stage];
		queue_stage(&task->task, stage->function);
		queue_run(stage);
	}
}

static void run_staged(void)
{
	unsigned long admitted = 0;

	while (ended < options.total) {
		for (; ring_count && admitted - ended < options.admit; admitted++)
			queue_stage(&ring_take()->task, stages[0].function);
		struct stage *stage = queue_elect();
		while (queue_goes_on(stage))
			queue_run(stage);
	}
}

/* A circle through all lines at random (Sattolo). */
static void make_circle(struct kind *kind)
{
	kind->next = malloc(kind->lines * sizeof(*kind->next));
	if (!kind->next)
		err(1, "no memory");
	for (unsigned i = 0; i < kind->lines; i++)
		kind->next[i] = i;
	for (size_t i = kind->lines; i-- > 1;) {
		unsigned j = (unsigned)random_below(i), swap = kind->next[i];
		kind->next[i] = kind->next[j];
		kind->next[j] = swap;
	}
}

/* Sizes and lifetimes differ: kind k has k + 1 shares of the state, and the odd ones do not live to the end. */
static void make_kinds(void)
{
	unsigned long shares = options.kinds * (options.kinds + 1) / 2;
	unsigned last = (unsigned)options.stages - 1;

	for (unsigned k = 0; k < options.kinds; k++) {
		size_t lines = options.state * (k + 1) / shares / LINE;
		kinds[k].lines = lines ? lines : 1;
		kinds[k].last = k % 2 && k + 2 < last ? k + 2 : last;
		make_circle(&kinds[k]);
	}
}

/* All tasks in flight arrive at once. */
static void make_tasks(void)
{
	tasks = calloc(options.tasks, sizeof(*tasks));
	ring = calloc(options.tasks, sizeof(struct mock_task *));
	if (!tasks || !ring)
		err(1, "no memory");
	for (unsigned long i = 0; i < options.tasks; i++) {
		tasks[i].late = (unsigned)(i % options.stages);
		arrive(&tasks[i]);
	}
}

static void release(void)
{
	for (unsigned k = 0; k < options.kinds; k++)
		free(kinds[k].next);
	free(ring);
	free(tasks);
}

/* The value of an option that has two: whether it is the second. */
static bool read_choice(const char *first, const char *second)
{
	if (strcmp(optarg, first) && strcmp(optarg, second))
		errx(2, "neither %s nor %s: '%s'", first, second, optarg);
	return !strcmp(optarg, second);
}

static void read_options(int argc, char **argv)
{
	static const struct {
		unsigned long *value, least, most;
	} numbers[] = {
		{&options.tasks, 1, 10000000},   {&options.total, 1, ULONG_MAX},     {&options.stages, 1, STAGES_MAX},
		{&options.kinds, 1, STAGES_MAX}, {&options.state, LINE, 64ul << 20}, {&options.compute, 0, 1000000000},
		{&options.admit, 1, ULONG_MAX},  {&options.seed, 0, ULONG_MAX},
	};
	static const struct option known[] = {
		/* in the order of the numbers */
		{"tasks", required_argument, NULL, 'n'},  {"total", required_argument, NULL, 'n'},
		{"stages", required_argument, NULL, 'n'}, {"kinds", required_argument, NULL, 'n'},
		{"state", required_argument, NULL, 'n'},  {"compute", required_argument, NULL, 'n'},
		{"admit", required_argument, NULL, 'n'},  {"seed", required_argument, NULL, 'n'},
		{"access", required_argument, NULL, 'a'}, {"policy", required_argument, NULL, 'p'},
		{"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
	};

	for (int c, i; (c = getopt_long(argc, argv, "", known, &i)) != -1;) {
		if (c == 'n') {
			if (!number_read(optarg, numbers[i].least, numbers[i].most, numbers[i].value))
				errx(2, "bad number for --%s: '%s'", known[i].name, optarg);
		} else if (c == 'a') {
			options.sequential = read_choice("chase", "sequential");
		} else if (c == 'p') {
			options.staged = read_choice("round-robin", "staged");
		} else {
			fputs(usage, c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
	if (optind < argc)
		errx(2, "what is '%s'? See mock --help", argv[optind]);
	if (options.kinds > options.stages)
		errx(2, "%lu kinds are more than %lu stages", options.kinds, options.stages);
}

int main(int argc, char **argv)
{
	read_options(argc, argv);
	make_kinds();
	make_tasks();
	queue_init(stages, (unsigned)options.stages);
	uint64_t start = now();
	if (options.staged)
		run_staged();
	else
		run_round_robin();
	uint64_t spent = now() - start;
	release();
	printf("tasks %lu, seconds %.3f, ns per task %.0f, checksum %016" PRIx64 "\n", ended, (double)spent / 1e9,
	       (double)spent / (double)ended, checksum);
	return 0;
}
