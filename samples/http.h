/*
 * The part of HTTP/1.0 and 1.1 that a static file server needs: request heads in, response headers out.
 *
 * Plain functions over the caller's bytes: no descriptors, no allocation. http_dates keeps the text of the
 * current second in static memory: one thread.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#define HTTP_METHOD_MAX 15   /* bytes of a method; a longer word is no method */
#define HTTP_TARGET_MAX 1023 /* bytes of a request target; longer ones are answered with 414 */
#define HTTP_HEADER_MAX 1024 /* bytes that hold any response header, with the body of an error */
#define HTTP_INDEX      "index.html"

struct http_request {
	unsigned status;                  /* the error to answer, if the head is one; else 0 */
	bool keep_alive;                  /* the client wants, and may have, another request on this connection */
	bool head;                        /* HEAD: the header of the answer only */
	unsigned minor;                   /* of the version: 0 or 1 */
	char method[HTTP_METHOD_MAX + 1]; /* "-" if it could not be made out, and so is the target */
	char target[HTTP_TARGET_MAX + 1];
};

struct http_response {
	unsigned status;
	bool keep_alive;
	bool head;
	off_t size;       /* bytes of the body; with an error, whose body comes with the header: not looked at */
	time_t modified;  /* the same holds for this */
	const char *type; /* and this */
};

struct http_dates {
	char header[40]; /* as in the Date header */
	char log[40];    /* as in the common log format */
};

/* The length of the request head at the start of the len bytes, its empty line included; 0: not all here yet. */
size_t http_head_length(const char *data, size_t len);

/* Reads a whole head of len bytes. A head that is no HTTP request sets an error and ends the connection. */
void http_parse(struct http_request *request, const char *head, size_t len);

/* What an unfinished head that fills the server's buffer is answered with. */
void http_refuse(struct http_request *request, unsigned status);

/*
 * Makes a path, relative to the root, of a request target. The path has room for strlen(target) +
 * sizeof(HTTP_INDEX) bytes. Returns 0, or the status to answer: nothing above the root can be named.
 */
unsigned http_path(const char *target, char *path);

/* The media type of a file, by the end of its name. */
const char *http_type(const char *path);

/* Writes a response header, with the body of an error, to header[HTTP_HEADER_MAX]. Returns its length. */
size_t http_header(char *header, const struct http_response *response);

const struct http_dates *http_dates(void);

#endif
