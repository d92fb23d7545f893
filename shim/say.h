/*
 * Messages of the preloaded libraries: one line on stderr, by a bare write(2). And the end of the program, where the
 * heap is corrupt and glibc would end it too. Nothing here allocates or takes a lock; errno is kept.
 *
 * Messages must not harm: they go only to what descriptor 2 was at start-up (a program may have closed it, and have a
 * file of its own there), and a reader that has gone does not end the program by SIGPIPE.
 */
#ifndef STINGY_SAY_H
#define STINGY_SAY_H

#include <stdbool.h>

/*
 * To be called in the constructor: looks what stderr is. Without it nothing is said. Where is_silent, this process and
 * what it forks says nothing unless it dies.
 */
void stingy_say_init(bool is_silent);

/* Keeps a descriptor of what stderr is now, far up: messages go there, whatever the program makes of descriptor 2. */
void stingy_say_keep(void);

/* Writes "stingy: ", the message and a line end to stderr; longer than 500 bytes is cut. */
void stingy_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says the message and aborts. */
_Noreturn void stingy_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
