/*
 * What fork means for the production backend: the child has a copy of the arenas, of which its threads become owners
 * anew; what lives in them lives on. A child made without fork handlers (vfork, _Fork, a bare clone) has the copy as
 * it is.
 */
#ifndef STINGY_FORKS_H
#define STINGY_FORKS_H

/* Has what is to be done for a fork done at each, once stingy_serve is in force. Returns 0, or an error number. */
int stingy_forks_init(void);

#endif
