/*
 * Messages of the preloaded libraries: one line on stderr, by a bare write(2). And the end of the program, where the
 * heap is corrupt and glibc would end it too. Nothing here allocates or takes a lock; errno is kept.
 */
#ifndef STINGY_SAY_H
#define STINGY_SAY_H

/* From now on this process and what it forks says nothing, unless it dies: it is not the one the user started. */
void stingy_say_no_more(void);

/* Writes "stingy: ", the message and a line end to stderr; longer than 500 bytes is cut. */
void stingy_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says the message and aborts. */
_Noreturn void stingy_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
