/*
 * The stages of the static file server, from read to log; accept is in connection.h.
 */
#ifndef SERVE_H
#define SERVE_H

/* Makes the loop of the server, whose descriptors are open. Returns 0, or -1 with errno. */
int serve_init(void);

#endif
