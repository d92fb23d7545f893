/*
 * The static file server, its connections, and what it keeps for each.
 *
 * Each object is allocated in the stage that first needs it and released in the stage that last does, so that a
 * connection between two requests holds its record and nothing else:
 *
 *                accept  read  parse  open  header  load  send  log
 *   connection   new                                                  until the connection ends
 *   input                new   end                                    when the bytes read are parsed
 *   request                    new                              end
 *   file                              new                       end
 *   header                                  new           end         when it is sent
 *   chunk                                           new   end         when sent; a slow client's is loaded again
 *   record                                                      new, end
 *
 * One server a process, one thread. Memory comes from malloc.
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include "http.h"
#include "scheduler.h"

#include <netinet/in.h>
#include <stdio.h>

#define INPUT_SIZE (4096u - 2 * sizeof(unsigned)) /* bytes of requests read at a time, and the longest head */
#define CHUNK_SIZE (16u * 1024)                   /* bytes of a file loaded at a time */

struct input {
	unsigned start, end; /* of the bytes not parsed yet */
	char data[INPUT_SIZE];
};

struct file {
	int fd;
	off_t size;
	off_t sent;
	time_t modified;
	char path[]; /* relative to the root */
};

struct header {
	unsigned start, end; /* of the bytes not sent yet */
	char data[HTTP_HEADER_MAX];
};

struct chunk {
	size_t len;
	char data[CHUNK_SIZE];
};

struct connection {
	struct channel channel; /* first: stages are given its task */
	struct connection *previous, *next;
	struct sockaddr_in peer;
	/* of the request under way; NULL outside the stages that need them */
	struct input *input;
	struct http_request *request;
	struct file *file; /* NULL too if the answer is an error: its body comes with the header */
	struct header *header;
	struct chunk *chunk;
};

struct server {
	struct channel listener;    /* its task's name is that of the next connection: what accept allocates is its */
	struct channel signals;     /* a signalfd: a signal is an event like any other */
	int root;                   /* directory that is served */
	FILE *log;                  /* NULL: none */
	unsigned long max_requests; /* 0: no end */
	unsigned long served;       /* requests answered */
	unsigned max_connections;   /* so many that each can have its file open too */
	unsigned n_connections;
	struct connection *connections; /* all of them */
	bool full;                      /* no descriptors: connections are accepted when one is closed */
};

extern struct server server;

/* The first stage: accepts one connection, and waits for its first request. */
void stage_accept(struct task *task);

/* The stage that a connection waits for between its requests. In serve.c. */
void stage_read(struct task *task);

/* Releases the file of a request, if there is one. */
void connection_close_file(struct connection *connection);

/* Ends the connection and its task, which must be the one that runs. */
void connection_end(struct connection *connection);

/* Closes all connections and releases what they hold, when the loop is over. */
void connection_end_all(void);

#endif
