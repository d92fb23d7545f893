/*
 * The terminal as a full screen: entered, written to, and left as it was, whatever way the process ends by.
 *
 * Keys come one at a time and are not shown. What ends or stops a process, and what tells of another size, comes as
 * an event instead of a signal (signalfd), so that nothing is done in a signal handler; stopping (^Z) and going on are
 * seen to here. Sequences are those of ECMA-48 and xterm, which all terminals of today know: no terminfo.
 * One for the process, with static state; one thread.
 */
#ifndef STINGY_TERMINAL_H
#define STINGY_TERMINAL_H

#include <stddef.h>

enum stingy_terminal_event {
	STINGY_TERMINAL_TIMEOUT = 0,
	STINGY_TERMINAL_UP,
	STINGY_TERMINAL_DOWN,
	STINGY_TERMINAL_SIZE, /* it has another size, or must be drawn again */
	STINGY_TERMINAL_OTHER,
	STINGY_TERMINAL_QUIT, /* a key, a signal, or there is no terminal any more */
};

/* Returns 0, or -1 with errno set: ENOTTY, or ENOTSUP if the terminal cannot do it ("dumb"). */
int stingy_terminal_enter(void);
void stingy_terminal_leave(void);

/* In characters; 24 and 80 if it does not tell. */
void stingy_terminal_size(int *rows, int *columns);

/* Shows size bytes of text from the top left corner; the text clears what it does not cover. Returns 0 or -1. */
int stingy_terminal_show(const char *text, size_t size);

/* Waits for at most so many milliseconds. */
enum stingy_terminal_event stingy_terminal_wait(int milliseconds);

#endif
