/*
 * The trace of one process: what a profiling run writes and the solver reads. manifests/FORMAT.md describes it.
 *
 * A header of fixed size, then records: a tag byte and LEB128 numbers. Encoding and decoding stand side by
 * side in trace.c, record by record. Neither allocates, and neither trusts: the encoder is given room for
 * STINGY_TRACE_RECORD_MAX bytes, the decoder stops at the first byte that cannot be part of a trace and says where.
 * The header's 'committed' is advanced after each record, so a trace is readable to its last record after
 * SIGKILL; the last ones may still be in a buffer behind the header, whose place is at 'written'. Numbers are
 * little-endian whatever the machine.
 *
 * State is in the structures given: one encoder or reader a thread, or a lock of the caller's around it.
 */
#ifndef STINGY_TRACE_H
#define STINGY_TRACE_H

#include "../manifests/manifest.h"

#include <stdint.h>

#define STINGY_TRACE_MAGIC         "stngytrc"
#define STINGY_TRACE_VERSION       3u
#define STINGY_TRACE_VERSION_LEAST 1u    /* that the reader knows: it had the types up to TASK_END; 2 had no buffer */
#define STINGY_CHAIN_MAX           64    /* frames of one chain; deeper ones are cut at their outer end */
#define STINGY_TRACE_STRING_MAX    4095  /* bytes of a path or name; longer ones are cut */
#define STINGY_TRACE_RECORD_MAX    8192  /* bytes of the longest record */
#define STINGY_TRACE_BUFFER_MAX    32768 /* bytes of the longest buffer */

/* Flags in the header. */
#define STINGY_TRACE_FULL  1u /* the bound was reached: what came later is missing */
#define STINGY_TRACE_ENDED 2u /* the process ended in the orderly way */
#define STINGY_TRACE_STUCK 4u /* the file could not grow before it reached the bound: what came later is missing */

struct stingy_trace_header {
	char magic[8];
	uint32_t version;
	uint32_t header_size; /* bytes; records begin here */
	uint64_t committed;   /* bytes of the file that are whole records, the header included */
	uint64_t dropped;     /* records that were not written because the bound was reached */
	uint64_t max_size;    /* bytes, the bound */
	uint64_t started;     /* nanoseconds since 1970 */
	uint32_t pid;
	uint32_t parent; /* pid of the process this one was forked from and whose trace goes before; 0: none */
	uint32_t flags;
	struct stingy_cache cache; /* the L2 of the machine profiled on; zeros if unknown */
	uint64_t written; /* where what follows the header in the file, the buffer, belongs: up to there the file is
			     whole, and the buffer has the rest up to committed; 0: there is none */
};

/*
 * Set in the addresses of objects of pools, of a program's own declared functions, as no address of a program is so
 * high: the first object of a pool's block may well be where the block is, which is an object of malloc's.
 */
#define STINGY_TRACE_POOL (UINT64_C(1) << 63)

enum stingy_trace_type {
	STINGY_TRACE_MODULE = 1, /* module: declares a module number; a later one with the same number replaces it */
	STINGY_TRACE_FRAME,      /* frame: declares a return address */
	STINGY_TRACE_CHAIN,      /* chain: declares a call chain */
	STINGY_TRACE_ALLOC,      /* alloc: an object begins */
	STINGY_TRACE_FREE,       /* alloc.address: an object ends (may be one the trace has not seen begin) */
	STINGY_TRACE_REALLOC, /* alloc, with old: one object ends and another begins (the address may stay the same) */
	STINGY_TRACE_THREAD,  /* thread: the records that follow are this thread's */
	STINGY_TRACE_WAIT,    /* wait: the thread's event loop goes to wait (epoll_wait, poll, select, io_uring) */
	STINGY_TRACE_TURN,    /* turn: it came back with an event: a stage is about to run for descriptor fd */
	STINGY_TRACE_ACCEPT,  /* fd: a connection begins; what the turn does from now on is for it */
	STINGY_TRACE_CLOSE,   /* fd: a descriptor ends, and with it its task */
	STINGY_TRACE_STAGE,   /* stage: the program announced that it begins to run a stage for a task */
	STINGY_TRACE_STAGE_END, /* stage.time: the announced run is over */
	STINGY_TRACE_TASK_END,  /* task: the announced task is over */
	STINGY_TRACE_REQUEST,   /* request: on this accepted connection a request begins, and with it a task; its first
				   bytes have been read */
	STINGY_TRACE_LINK,      /* fd: this descriptor works for the task of the run under way from now on */
	STINGY_TRACE_CALL,      /* call: the thread has made a system call through the C library */
	STINGY_TRACE_STACK,    /* stack: what the turn, or announced run, that the next record ends used of the stack */
	STINGY_TRACE_QUEUE,    /* queue: a declared queue function is called: a stage is to run for a task */
	STINGY_TRACE_INDIRECT, /* indirect: the call before this return address takes its target from a pointer */
	STINGY_TRACE_INTERFACE, /* text: a declaration, as a line of an interface file has it */
};

#define STINGY_TRACE_TYPES ((unsigned)STINGY_TRACE_INTERFACE + 1)

struct stingy_trace_module {
	uint32_t number; /* module 0 is the program itself */
	uint8_t id[STINGY_ID_MAX];
	uint32_t id_len;
	uint64_t size;           /* bytes of the file; 0: unknown */
	struct stingy_text path; /* not terminated */
};

struct stingy_trace_frame {
	uint32_t number;         /* from 0, consecutive */
	uint32_t module;         /* UINT32_MAX: in no known module, then offset is the bare address */
	uint64_t offset;         /* file offset of the return address */
	uint64_t function;       /* file offset of its function's first byte; 0: unknown */
	struct stingy_rule rule; /* how the next frame is found */
	struct stingy_text name; /* symbol of the function; empty: none */
};

struct stingy_trace_chain {
	uint32_t number; /* from 0, consecutive */
	bool complete;   /* reaches the outermost frame */
	uint32_t depth;
	uint32_t frame[STINGY_CHAIN_MAX]; /* from the call outwards */
};

struct stingy_trace_alloc {
	uint32_t chain;
	uint32_t align; /* bytes the caller asked for, a power of two; 1: what malloc gives */
	uint64_t size;  /* bytes */
	uint64_t address;
	uint64_t old; /* address of the object that ends (REALLOC) */
};

struct stingy_trace_call {
	uint64_t time;     /* at which it began */
	uint32_t number;   /* the kernel's, as in <sys/syscall.h> */
	uint32_t chain;    /* of the call */
	uint64_t fd;       /* UINT64_MAX: it has none */
	uint64_t took;     /* nanoseconds */
	uint64_t blocked;  /* nanoseconds of those without the processor; UINT64_MAX: not measured */
	uint64_t faults;   /* page faults in it */
	uint64_t switches; /* context switches in it */
};

struct stingy_trace_queue {
	uint64_t time;
	uint32_t chain; /* of the queue function's call */
	uint32_t frame; /* the stage: as in STAGE; UINT32_MAX: unknown */
	uint64_t task;
};

struct stingy_trace_record {
	enum stingy_trace_type type;
	union {
		struct stingy_trace_module module;
		struct stingy_trace_frame frame;
		struct stingy_trace_chain chain;
		struct stingy_trace_alloc alloc;
		uint64_t thread; /* kernel's thread id */
		uint64_t fd;
		uint64_t task;
		uint32_t indirect; /* frame */
		struct stingy_text text;
		struct {
			uint64_t time;  /* nanoseconds since the trace started */
			uint32_t chain; /* of the waiting call */
		} wait;
		struct {
			uint64_t time;
			uint64_t fd; /* UINT64_MAX: unknown, or no single one */
		} turn;
		struct {
			uint64_t time;
			uint32_t frame; /* a frame whose module and function tell the stage (offset = function); not in
					   STAGE_END */
			uint64_t task;
		} stage;
		struct {
			uint64_t time;
			uint64_t fd;
		} request;
		struct stingy_trace_call call;
		struct {
			uint64_t used;  /* bytes below the stack pointer of the scheduler's waiting (announcing) call */
			uint64_t depth; /* bytes of that call below the stack's start */
		} stack;
		struct stingy_trace_queue queue;
	};
};

/* What both sides carry from record to record, since addresses and times are written as differences. */
struct stingy_trace_state {
	uint64_t address;
	uint64_t time;
};

/*
 * Encodes the record at buf, which has room for STINGY_TRACE_RECORD_MAX bytes. Returns the bytes written.
 * Strings are cut at STINGY_TRACE_STRING_MAX.
 */
size_t stingy_trace_encode(struct stingy_trace_state *state, const struct stingy_trace_record *record, uint8_t *buf);

struct stingy_trace_reader {
	const uint8_t *data;
	size_t size;  /* bytes that may be read: the least of the file's size and 'committed' */
	size_t at;    /* offset of the next record */
	size_t whole; /* bytes of data that the file has at their place, as far as its header tells: the rest may be
			 what the buffer held */
	struct stingy_trace_header header;
	struct stingy_trace_state state;
	uint32_t n_frames, n_chains; /* declared so far */
	const char *error;           /* a static string; NULL while all is well */
};

/*
 * Begins to read the size bytes of a trace file at data, a copy or a private mapping: what the buffer holds is moved to
 * its place there first. Of a mapping's file the process may be at work meanwhile: what it has written by now is read.
 * Returns 0, or -1 (reader->error says why) if they do not begin with the header of a trace of a version that it knows.
 * A file shorter than its header's 'committed' is read as far as it goes, and ends with an error.
 */
int stingy_trace_reader_init(struct stingy_trace_reader *reader, void *data, size_t size);

/*
 * Reads the next record; its strings point into data. Returns 1, or 0 at the end, or -1 at the first damage:
 * reader->error says what, reader->at where. Checks that numbers refer to what was declared before.
 */
int stingy_trace_next(struct stingy_trace_reader *reader, struct stingy_trace_record *record);

#endif
