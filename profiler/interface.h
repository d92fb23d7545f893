/*
 * The interface file: what a person tells about a program's functions, so that its stages, tasks and pools are seen
 * (manifests/FORMAT.md describes it). Declarations of functions that are to be watched while profiling (queue, assign,
 * malloc, free) are the profiling library's business; the others go into the trace, for the solver.
 *
 * The reader works on the caller's bytes in place, allocates nothing and uses of the C library only memory functions:
 * it runs in a preloaded library's constructor. Texts in a declaration point into the caller's bytes and are still
 * percent-encoded. No state but the structures given; any thread.
 */
#ifndef STINGY_INTERFACE_H
#define STINGY_INTERFACE_H

#include "../manifests/manifest.h"

#include <stdbool.h>
#include <stdint.h>

#define STINGY_INTERFACE_VERSION 1u
#define STINGY_INTERFACE_MAX     512u /* declarations in one file, and in all files of one run */
#define STINGY_ARGUMENTS_MAX     6u   /* those that are passed in integer registers */
#define STINGY_ROLES_MAX         12u  /* of all arguments of a function */

enum stingy_declaration_type {
	STINGY_DECLARE_QUEUE,     /* calling it queues stages for a task */
	STINGY_DECLARE_ASSIGN,    /* calling it gives a handle the stages and task that queueing it stands for */
	STINGY_DECLARE_MALLOC,    /* returns an object of a pool */
	STINGY_DECLARE_FREE,      /* takes one back */
	STINGY_DECLARE_SCHEDULER, /* stages are what it calls */
	STINGY_DECLARE_WRAPPER,   /* never names a site, and is never a stage */
	STINGY_DECLARE_STAGE,     /* is a stage, wherever it is called from */
	STINGY_DECLARE_LEAVE_OUT, /* what is allocated in it, or in what it calls, is not to be managed */
	STINGY_DECLARE_ESTIMATE,  /* of the objects that it allocates */
};

#define STINGY_DECLARATIONS ((unsigned)STINGY_DECLARE_ESTIMATE + 1)

/* What an argument is, or the word that lies offset bytes into what it points to. */
struct stingy_role {
	char what;        /* 'T' task, 'S' stage, 'H' handle */
	uint8_t argument; /* from 0; STINGY_ARGUMENTS_MAX: the result */
	bool is_inside;
	uint32_t offset; /* bytes; 0 if it is the argument itself */
};

struct stingy_declaration {
	enum stingy_declaration_type type;
	struct stingy_text text;   /* the whole line, without its comment */
	struct stingy_text module; /* last part of the file's path, or "program"; empty: any */
	struct stingy_text name;   /* of the function; empty: it is given by its offset */
	uint64_t offset;           /* in the module's file, of the function's first byte */
	unsigned n_roles;          /* of QUEUE and ASSIGN */
	struct stingy_role role[STINGY_ROLES_MAX];
	uint8_t object, size, count; /* arguments from 1, of MALLOC and FREE; 0: there is none */
	uint64_t bytes;              /* of ESTIMATE: the size of an object; 0: not given */
	uint32_t instances;          /* of ESTIMATE: in one task; 0: not given */
};

struct stingy_interface_reader {
	const char *next;
	const char *end;
	unsigned line;     /* of the last declaration or error, from 1 */
	const char *error; /* a static string; NULL while all is well */
	bool has_begun;
};

/* Begins to read the len bytes at text, which must stay in place while declarations are used. */
void stingy_interface_reader_init(struct stingy_interface_reader *reader, const char *text, size_t len);

/* Reads the next declaration. Returns 1, or 0 at the end, or -1 at the first error: see reader->error and line. */
int stingy_interface_next(struct stingy_interface_reader *reader, struct stingy_declaration *declaration);

/*
 * Reads one declaration from a line of its own; the byte behind it may be read too, and is no digit. Returns NULL, or a
 * static string that says why it is refused.
 */
const char *stingy_declaration_read(struct stingy_declaration *declaration, struct stingy_text line);

/* Whether a call of the function must be watched. */
static inline bool stingy_declaration_is_watched(const struct stingy_declaration *declaration)
{
	return declaration->type <= STINGY_DECLARE_FREE;
}

/* Whether a declared module is the one at path; is_program: that is the program itself. */
bool stingy_declaration_is_in(const struct stingy_declaration *declaration, const char *path, bool is_program);

#endif
