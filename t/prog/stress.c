/*
 * Threads that do what programs do with memory, at random: objects of many sizes from many places by all entry points,
 * handed from thread to thread through a table, freed where they end up, kept beyond the thread that made them.
 * Contents are checked word by word. Threads end and others begin; all of them may fork meanwhile.
 *
 *	stress [NAME=NUMBER]...
 *
 *	threads=4    at once
 *	main=0       1: the main thread is one of them
 *	rounds=4     each with new threads, which find what those before left
 *	steps=100000 of a thread in a round
 *	forks=0      of a thread in a round: by fork, vfork, posix_spawn and daemon in turn; the children use memory too
 *	seed=        of the random numbers; without, the time
 *	aligned=4096 bytes: the largest alignment that is held to be kept
 *	leaf=0       1: do what a child does that another program runs, and end
 *
 * Flags: -pthread. A failed check aborts; a child that hangs dies of an alarm. The seed is printed first.
 */
#define _GNU_SOURCE
#include "object.h"

#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 64u
#define OWN         200u  /* places for objects that a thread has to itself */
#define SHARED      1000u /* places where objects change hands */
#define KEPT        100u  /* objects that a thread leaves to one of the next round */
#define IN_CHILD    200u  /* objects that a child makes */
#define PATIENCE    150u  /* seconds that a child has */

#define SELF "/proc/self/exe"

struct thread {
	pthread_t id;
	unsigned number;
	uint32_t random;
	struct object *own[OWN];
};

extern char **environ;

static struct options {
	unsigned threads, main, rounds, steps, forks, seed, aligned, leaf;
} options = {.threads = 4, .rounds = 4, .steps = 100000, .aligned = 4096};

static struct object *shared[SHARED];          /* exchanged, never just read */
static struct object *kept[THREADS_MAX][KEPT]; /* each row one thread's, in every round another's */
static struct thread threads[THREADS_MAX];

/* --- the places that allocate; STAY keeps the compiler from making their calls jumps */

#define STAY(value) __asm__ volatile("" : "+r"(value) : : "memory")
#define PLACE(name, call)                                                                                              \
	static __attribute__((noinline)) void *name(size_t size)                                                       \
	{                                                                                                              \
		void *object = call;                                                                                   \
		STAY(object);                                                                                          \
		return object;                                                                                         \
	}

/* What servers call in place of malloc: its callers differ by the second address and the third. */
PLACE(wrapped, malloc(size))
PLACE(wrapped_twice, wrapped(size))

static void *by_posix_memalign(size_t align, size_t size)
{
	void *object = NULL;
	check(posix_memalign(&object, align, size) == 0, "posix_memalign failed");
	return object;
}

PLACE(tiny, malloc(size))
PLACE(small, malloc(size))
PLACE(string, malloc(size))
PLACE(buffer, malloc(size))
PLACE(page, malloc(size))
PLACE(pages, malloc(size))
PLACE(huge, malloc(size))
PLACE(node, calloc(1, size))
PLACE(table, calloc((size + 7) / 8, 8))
PLACE(fresh, realloc(NULL, size))
PLACE(array, reallocarray(NULL, (size + 15) / 16, 16))
PLACE(line, memalign(64, size))
PLACE(lines, aligned_alloc(256, size))
PLACE(pool, by_posix_memalign(16, size))
PLACE(sector, by_posix_memalign(512, size))
PLACE(whole_page, valloc(size))
PLACE(head, wrapped(size))
PLACE(tail, wrapped(size))
PLACE(entry, wrapped_twice(size))
PLACE(value, wrapped_twice(size))

static const struct place {
	void *(*make)(size_t size);
	uint32_t least, most; /* bytes */
	uint32_t align;
} places[] = {
	{tiny, 16, 32, 16},      {small, 33, 80, 16},      {string, 16, 300, 16},      {buffer, 1000, 1024, 16},
	{page, 4000, 4096, 16},  {pages, 5000, 16384, 16}, {huge, 100000, 300000, 16}, {node, 48, 48, 16},
	{table, 100, 2000, 16},  {fresh, 16, 700, 16},     {array, 16, 512, 16},       {line, 16, 200, 64},
	{lines, 256, 1024, 256}, {pool, 256, 4096, 16},    {sector, 512, 1024, 512},   {whole_page, 16, 4096, 4096},
	{head, 16, 64, 16},      {tail, 200, 256, 16},     {entry, 16, 100, 16},       {value, 100, 900, 16},
};
#define PLACES (sizeof(places) / sizeof(*places))
#define HUGE   6u /* one in a hundred of its turns: most of what it costs is the kernel's and our memset */

static size_t between(uint32_t least, uint32_t most, uint32_t *random)
{
	return least + next_random(random) % (most - least + 1);
}

static struct object *make(uint32_t *random)
{
	uint32_t which = next_random(random) % PLACES;
	if (which == HUGE && next_random(random) % 100 != 0)
		which = 0;
	const struct place *place = &places[which];
	size_t size = between(place->least, place->most, random);
	struct object *object = place->make(size);
	check(object != NULL, "no memory");
	check(place->align > options.aligned || (uintptr_t)object % place->align == 0, "an object is not aligned");
	if (place->make == node)
		check(object->size == 0 && object->body[4] == 0, "what calloc gave is not zero");
	seal(object, size, next_random(random));
	return object;
}

/* Within the slot, out of it, and across the largest slot there is. */
static struct object *resize(struct object *object, uint32_t *random)
{
	static const uint32_t most[] = {40, 300, 2000, 20000};
	struct object was = *object;
	size_t size = between(sizeof(was), most[next_random(random) % 4], random);
	check_contents(object, was.size, was.mark);
	object = next_random(random) % 4 == 0 ? reallocarray(object, size, 1) : realloc(object, size);
	check(object != NULL, "no memory");
	size_t left = size < was.size ? size : was.size;
	check_contents(object, left - (left < was.size ? left % sizeof(uint64_t) : 0), was.mark);
	seal(object, size, next_random(random));
	return object;
}

static struct object *exchange(struct object *object, uint32_t *random)
{
	return __atomic_exchange_n(&shared[next_random(random) % SHARED], object, __ATOMIC_ACQ_REL);
}

/* --- children */

/* Takes what was about to change hands when it was forked, which is whole, and makes objects of its own. */
static void use_memory(uint32_t random)
{
	struct object *own[IN_CHILD];
	alarm(PATIENCE);
	for (unsigned i = 0; i < SHARED; i++)
		end(__atomic_exchange_n(&shared[i], NULL, __ATOMIC_ACQ_REL));
	for (unsigned i = 0; i < IN_CHILD; i++)
		own[i] = make(&random);
	for (unsigned i = 0; i < IN_CHILD; i += 2)
		own[i] = resize(own[i], &random);
	for (unsigned i = 0; i < IN_CHILD; i++)
		end(own[i]);
}

static void await(pid_t pid, const char *how)
{
	int status = -1;
	check(pid > 0 && waitpid(pid, &status, 0) == pid, "cannot fork or wait");
	if (status != 0)
		fprintf(stderr, "stress[%d]: a child by %s ended with wait status 0x%x\n", getpid(), how, status);
	check(status == 0, "a child failed");
}

static void by_fork(uint32_t random)
{
	pid_t pid = fork();
	if (pid == 0) {
		use_memory(random);
		_exit(0);
	}
	await(pid, "fork");
}

/* What another program is told to do: this one, as a leaf. */
struct leaf {
	char name[8], leaf[8], seed[32], aligned[32];
	char *arguments[5];
};

static void make_leaf(struct leaf *leaf, uint32_t random)
{
	*leaf = (struct leaf){.name = "stress", .leaf = "leaf=1"};
	snprintf(leaf->seed, sizeof(leaf->seed), "seed=%u", random);
	snprintf(leaf->aligned, sizeof(leaf->aligned), "aligned=%u", options.aligned);
	char *const arguments[] = {leaf->name, leaf->leaf, leaf->seed, leaf->aligned};
	memcpy(leaf->arguments, arguments, sizeof(arguments));
}

static void by_vfork(uint32_t random)
{
	struct leaf leaf;
	make_leaf(&leaf, random);
	pid_t pid = vfork();
	if (pid == 0) {
		execv(SELF, leaf.arguments);
		_exit(127);
	}
	await(pid, "vfork");
}

static void by_spawn(uint32_t random)
{
	struct leaf leaf;
	pid_t pid = -1;
	make_leaf(&leaf, random);
	check(posix_spawn(&pid, SELF, NULL, NULL, leaf.arguments, environ) == 0, "cannot spawn");
	await(pid, "posix_spawn");
}

/* Nobody waits for a daemon: the byte that it writes says that it is well. */
static void by_daemon(uint32_t random)
{
	int ends[2];
	char byte;
	check(pipe(ends) == 0, "no pipe");
	pid_t pid = fork();
	if (pid == 0) {
		check(daemon(1, 1) == 0, "cannot become a daemon");
		use_memory(random);
		_exit(write(ends[1], "", 1) != 1);
	}
	close(ends[1]);
	await(pid, "daemon");
	check(read(ends[0], &byte, 1) == 1, "a daemon failed");
	close(ends[0]);
}

static void fork_somehow(unsigned n, uint32_t random)
{
	static void (*const ways[])(uint32_t) = {by_fork, by_vfork, by_spawn, by_daemon};
	ways[n % 4](random | 1);
}

/* --- threads */

static void step(struct thread *thread)
{
	uint32_t *random = &thread->random, what = next_random(random) % 100;
	struct object **place = &thread->own[next_random(random) % OWN];
	struct object **keep = &kept[thread->number][next_random(random) % KEPT];
	if (what < 45) {
		end(*place);
		*place = make(random);
	} else if (what < 60) {
		end(*place);
		*place = NULL;
	} else if (what < 85) {
		*place = exchange(*place, random);
	} else if (what < 95) {
		if (*place)
			*place = resize(*place, random);
	} else {
		end(*keep);
		*keep = *place;
		*place = NULL;
	}
}

/* Half of what a thread has at its end is for others to free. */
static void leave(struct thread *thread)
{
	for (unsigned i = 0; i < OWN; i++) {
		end(i % 2 ? exchange(thread->own[i], &thread->random) : thread->own[i]);
		thread->own[i] = NULL;
	}
}

static void *work(void *data)
{
	struct thread *thread = data;
	unsigned every = options.forks ? options.steps / options.forks : 0;
	for (unsigned i = 0; i < options.steps; i++) {
		step(thread);
		if (every != 0 && i % every == every - 1)
			fork_somehow(i / every + thread->number, thread->random);
	}
	leave(thread);
	return NULL;
}

static void run_round(unsigned round)
{
	for (unsigned i = 0; i < options.threads; i++) {
		threads[i].number = (i + round) % options.threads; /* whose keep it has */
		threads[i].random = (options.seed + round * THREADS_MAX + i) * 2654435761u | 1;
	}
	unsigned first = options.main ? 1 : 0;
	for (unsigned i = first; i < options.threads; i++)
		check(pthread_create(&threads[i].id, NULL, work, &threads[i]) == 0, "no thread");
	if (options.main)
		work(&threads[0]);
	for (unsigned i = first; i < options.threads; i++)
		pthread_join(threads[i].id, NULL);
}

static void run(void)
{
	for (unsigned round = 0; round < options.rounds; round++)
		run_round(round);
	for (unsigned i = 0; i < SHARED; i++)
		end(shared[i]);
	for (unsigned i = 0; i < options.threads; i++)
		for (unsigned j = 0; j < KEPT; j++)
			end(kept[i][j]);
}

static void parse(const char *argument)
{
	static const struct {
		const char *name;
		unsigned *value;
	} known[] = {{"threads", &options.threads}, {"main", &options.main},   {"rounds", &options.rounds},
		     {"steps", &options.steps},     {"forks", &options.forks}, {"seed", &options.seed},
		     {"aligned", &options.aligned}, {"leaf", &options.leaf}};
	const char *number = strchr(argument, '=');
	check(number != NULL, "arguments are NAME=NUMBER");
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strncmp(argument, known[i].name, (size_t)(number - argument)) == 0) {
			*known[i].value = (unsigned)strtoul(number + 1, NULL, 10);
			return;
		}
	check(0, "no such argument");
}

int main(int argc, char **argv)
{
	options.seed = (unsigned)time(NULL);
	for (int i = 1; i < argc; i++)
		parse(argv[i]);
	check(options.threads >= 1 && options.threads <= THREADS_MAX, "so many threads cannot be");
	if (options.leaf) {
		use_memory(options.seed | 1);
		return 0;
	}
	printf("seed %u\n", options.seed);
	fflush(stdout);
	run();
	printf("all objects whole\n");
	return 0;
}
