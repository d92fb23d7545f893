/*
 *	bigtrace EVENTS [SEED] >FILE
 *
 * A trace of so many records, more or less, as a proxy under load would leave it: connections by the hundred, each with
 * some requests, which go through four stages with other turns between them, and allocate at sixty sites. The same each
 * time. For measuring what much of a trace takes: 100,000,000 records are 640 MB.
 */
#include "../../profiler/trace.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#define CONNECTIONS 600u /* that are open at once */
#define REQUESTS    20u  /* of a connection, on average */
#define STAGES      4u
#define SITES       60u
#define OBJECTS     48u /* that a request has at once, at most */
#define GLOBALS     2000u
#define CLASSES     64u /* sizes in steps of 64 bytes */
#define FIRST_FD    10u

/* As an allocator would: what was freed last is given next, of each size. */
struct class
{
	uint64_t *free;
	size_t n_free, room;
};

struct object {
	uint64_t address;
	uint32_t size;
};

struct connection {
	unsigned stage; /* of the request under way; 0: there is none */
	unsigned n_objects;
	struct object object[OBJECTS]; /* of the request; the first two are the connection's */
};

static struct stingy_trace_state state;
static struct stingy_trace_header header = {
	.version = STINGY_TRACE_VERSION, .header_size = sizeof(header), .cache = {1 << 20, 16, 64}};
static struct class classes[CLASSES];
static struct connection connections[CONNECTIONS];
static uint64_t next_address = 0x555500000000, now, n_records, n_bytes = sizeof(header);
static uint32_t wait_chain, call_chain[STAGES], site_chain[SITES];

static void check(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "bigtrace: %s\n", what);
	exit(1);
}

static void put(const struct stingy_trace_record *record)
{
	uint8_t bytes[STINGY_TRACE_RECORD_MAX];
	size_t n = stingy_trace_encode(&state, record, bytes);

	check(fwrite(bytes, 1, n, stdout) == n, "cannot write");
	n_bytes += n;
	n_records++;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)random() % n;
}

static void push(struct class *class, uint64_t address)
{
	if (class->n_free == class->room) {
		class->room = class->room * 2 + 64;
		class->free = realloc(class->free, class->room * sizeof(*class->free));
		check(class->free != NULL, "no memory");
	}
	class->free[class->n_free++] = address;
}

static struct object allocate(uint32_t site)
{
	struct object object = {.size = 16 + site * 61 % 3000 + below(16)};
	struct class *class = &classes[object.size / 64];

	if (class->n_free) {
		object.address = class->free[--class->n_free];
	} else {
		object.address = next_address;
		next_address += (object.size / 64 + 1) * UINT64_C(64) + 16;
	}
	put(&(struct stingy_trace_record){
		STINGY_TRACE_ALLOC,
		.alloc = {.chain = site_chain[site], .align = 1, .size = object.size, .address = object.address}});
	return object;
}

static void release(struct object object)
{
	put(&(struct stingy_trace_record){STINGY_TRACE_FREE, .alloc = {.address = object.address}});
	push(&classes[object.size / 64], object.address);
}

static uint32_t put_frame(uint64_t function, uint64_t offset, const char *name, uint8_t base)
{
	static uint32_t n;
	struct stingy_trace_record record = {
		STINGY_TRACE_FRAME,
		.frame = {.number = n, .offset = offset, .function = function, .rule = {.cfa = 32, .base = base}}};

	if (base == STINGY_RULE_END)
		record.frame.rule.cfa = 0;
	record.frame.name = (struct stingy_text){name, strlen(name)};
	put(&record);
	return n++;
}

static uint32_t put_chain(uint32_t depth, const uint32_t *frame)
{
	static uint32_t n;
	struct stingy_trace_record record = {STINGY_TRACE_CHAIN,
					     .chain = {.number = n, .complete = true, .depth = depth}};

	memcpy(record.chain.frame, frame, depth * sizeof(*frame));
	put(&record);
	return n++;
}

/* Every site goes through one function that allocates, from a function of its own, in a stage that the loop calls. */
static void declare(void)
{
	struct stingy_trace_record module = {STINGY_TRACE_MODULE, .module = {.id = {1}, .id_len = 1}};
	uint32_t in_main, wait[2], call[3], site[5], in_stage[STAGES];
	char name[16];

	module.module.path = (struct stingy_text){"/made/big", 9};
	put(&module);
	in_main = put_frame(0x1000, 0x1010, "main", STINGY_RULE_END);
	wait[0] = put_frame(0x2000, 0x2010, "loop", STINGY_RULE_SP);
	site[3] = put_frame(0x2000, 0x2040, "loop", STINGY_RULE_SP);
	site[0] = put_frame(0x3000, 0x3010, "allocate", STINGY_RULE_SP);
	call[1] = site[3];
	wait[1] = call[2] = site[4] = in_main;
	wait_chain = put_chain(2, wait);
	for (uint32_t i = 0; i < STAGES; i++) {
		snprintf(name, sizeof(name), "stage_%u", i);
		in_stage[i] = put_frame(0x10000 + 0x1000 * i, 0x10800 + 0x1000 * i, name, STINGY_RULE_SP);
		call[0] = put_frame(0x10000 + 0x1000 * i, 0x10900 + 0x1000 * i, name, STINGY_RULE_SP);
		call_chain[i] = put_chain(3, call);
	}
	for (uint32_t i = 0; i < SITES; i++) {
		snprintf(name, sizeof(name), "make_%u", i);
		site[1] = put_frame(0x40000 + 0x100 * i, 0x40010 + 0x100 * i, name, STINGY_RULE_SP);
		site[2] = in_stage[i % STAGES];
		site_chain[i] = put_chain(5, site);
	}
}

static void turn(uint64_t fd)
{
	put(&(struct stingy_trace_record){STINGY_TRACE_WAIT, .wait = {now += 500 + below(500), wait_chain}});
	put(&(struct stingy_trace_record){STINGY_TRACE_TURN, .turn = {now += 1000 + below(500), fd}});
}

static void put_fd(enum stingy_trace_type type, uint64_t fd)
{
	put(&(struct stingy_trace_record){.type = type, .fd = fd});
}

static void open_connection(struct connection *connection, uint64_t fd)
{
	turn(3);
	put_fd(STINGY_TRACE_ACCEPT, fd);
	connection->object[0] = allocate(0);
	connection->object[1] = allocate(4);
	connection->n_objects = 2;
}

static void close_connection(struct connection *connection, uint64_t fd)
{
	turn(fd);
	while (connection->n_objects)
		release(connection->object[--connection->n_objects]);
	put_fd(STINGY_TRACE_CLOSE, fd);
}

static void call(unsigned stage, uint64_t fd, uint32_t number)
{
	struct stingy_trace_call read_or_write = {
		.time = now += 200 + below(300), .number = number, .fd = fd, .blocked = UINT64_MAX};

	read_or_write.chain = call_chain[stage];
	read_or_write.took = 400 + below(1000);
	put(&(struct stingy_trace_record){STINGY_TRACE_CALL, .call = read_or_write});
}

/* Some of what the stage makes it frees itself; the rest goes with the last stage. */
static void run_stage(struct connection *connection, uint64_t fd)
{
	unsigned stage = connection->stage;

	turn(fd);
	if (stage == 0)
		put(&(struct stingy_trace_record){STINGY_TRACE_REQUEST, .request = {now += 100, fd}});
	call(stage, fd, SYS_read);
	for (uint32_t i = stage; i < SITES; i += STAGES) {
		struct object object;

		if (below(8) == 0)
			continue;
		object = allocate(i);
		if (i % 3 == 0 || connection->n_objects == OBJECTS)
			release(object);
		else
			connection->object[connection->n_objects++] = object;
	}
	call(stage, fd, SYS_write);
	connection->stage = (stage + 1) % STAGES;
	while (connection->stage == 0 && connection->n_objects > 2)
		release(connection->object[--connection->n_objects]);
}

int main(int argc, char **argv)
{
	uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;

	check(events > 0, "how many events?");
	srandom(argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1);
	memcpy(header.magic, STINGY_TRACE_MAGIC, sizeof(header.magic));
	check(fwrite(&header, sizeof(header), 1, stdout) == 1, "cannot write");
	declare();
	for (uint32_t i = 0; i < GLOBALS; i++)
		allocate(i % SITES);
	while (n_records < events) {
		uint32_t number = below(CONNECTIONS);
		struct connection *connection = &connections[number];

		if (connection->n_objects == 0)
			open_connection(connection, FIRST_FD + number);
		else if (connection->stage == 0 && below(REQUESTS) == 0)
			close_connection(connection, FIRST_FD + number);
		else
			run_stage(connection, FIRST_FD + number);
	}
	turn(3);
	header.committed = n_bytes;
	check(fflush(stdout) == 0 && fseek(stdout, 0, SEEK_SET) == 0 &&
		      fwrite(&header, sizeof(header), 1, stdout) == 1 && fflush(stdout) == 0,
	      "cannot write the header: stdout must be a file");
	fprintf(stderr, "%llu records, %llu bytes\n", (unsigned long long)n_records, (unsigned long long)n_bytes);
	return 0;
}
