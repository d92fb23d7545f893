/*
 * Processes by their numbers: all that there are, or one and what descends from it (the workers of a forking server).
 *
 * A list is of one moment, in the order of the numbers; any of them may end before it is looked at. /proc is read.
 * Heap memory, from init to fini; one thread.
 */
#ifndef STINGY_PROCESSES_H
#define STINGY_PROCESSES_H

#include <stddef.h>
#include <sys/types.h>

struct stingy_processes_one {
	pid_t pid, parent;
};

struct stingy_processes {
	struct stingy_processes_one *one;
	size_t n, room;
};

/* All processes; if pid is not 0, only it and what descends from it. Returns 0, or -1 with errno set. */
int stingy_processes_init(struct stingy_processes *processes, pid_t pid);
void stingy_processes_fini(struct stingy_processes *processes);

/* The process that text is the number of, or -1. */
pid_t stingy_processes_parse(const char *text);

#endif
