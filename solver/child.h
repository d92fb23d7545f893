/*
 * A server that is started to be watched for a while: it, and what it leaves to us when it goes into the background.
 *
 * From init on, processes that lose their parent become children of this one (PR_SET_CHILD_SUBREAPER), so a server that
 * detaches itself is still ours to wait for; signals that would end us are blocked, and reported by wait
 * instead, as SIGCHLD is. The server leads a process group of its own: what is typed at the terminal is for us alone.
 * One in the process; one thread.
 */
#ifndef STINGY_CHILD_H
#define STINGY_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct stingy_child {
	pid_t pid;      /* of the process that was started */
	bool is_gone;   /* it, and all that were left to us, have ended */
	int status;     /* of the process that was started, as waitpid has it, once it has ended */
	bool has_ended; /* the process that was started has */
};

/* Starts it: in a new process, start(data) does, and must not return but for an exit status. Returns 0 or -1 (errno).
 */
int stingy_child_init(struct stingy_child *child, int (*start)(void *data), void *data);

/* Waits so many seconds, or until the server is gone. Returns whether somebody asked us to end meanwhile. */
bool stingy_child_wait(struct stingy_child *child, double seconds);

/* Asks it to end (SIGTERM), waits so many seconds, and kills it then. Returns whether it ended by itself. */
bool stingy_child_end(struct stingy_child *child, double seconds);

#endif
