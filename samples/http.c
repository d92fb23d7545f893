#include "http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct text {
	const char *at;
	size_t len;
};

static bool is(struct text text, const char *word)
{
	return text.len == strlen(word) && !strncasecmp(text.at, word, text.len);
}

/* Cuts what is before the separator off the front of the text; all of it if there is none. */
static struct text cut(struct text *text, char separator)
{
	const char *end = memchr(text->at, separator, text->len);
	struct text front = {text->at, end ? (size_t)(end - text->at) : text->len};
	size_t gone = front.len + (end ? 1 : 0);

	text->at += gone;
	text->len -= gone;
	return front;
}

static struct text trim(struct text text)
{
	while (text.len && (*text.at == ' ' || *text.at == '\t'))
		text.at++, text.len--;
	while (text.len && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t'))
		text.len--;
	return text;
}

/* Lines end with CRLF; a bare LF is put up with, for people who type requests. */
static struct text cut_line(struct text *text)
{
	struct text line = cut(text, '\n');

	if (line.len && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

size_t http_head_length(const char *data, size_t len)
{
	struct text rest = {data, len};
	bool begun = false; /* empty lines before the request are skipped */

	while (memchr(rest.at, '\n', rest.len)) {
		struct text line = cut_line(&rest);
		if (!line.len && begun)
			return len - rest.len;
		begun = begun || line.len;
	}
	return 0;
}

void http_refuse(struct http_request *request, unsigned status)
{
	request->status = status;
	request->keep_alive = false;
}

static bool is_token(struct text text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.at[i];
		if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
			return false;
	}
	return text.len > 0;
}

/* Printable and without quotes, so that it can go to the log as it came. */
static bool is_target(struct text text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.at[i];
		if (c <= ' ' || c >= 0x7f || c == '"')
			return false;
	}
	return text.len > 0;
}

static void keep(char *word, struct text text)
{
	memcpy(word, text.at, text.len);
	word[text.len] = '\0';
}

/* METHOD SP target SP HTTP/1.x */
static void parse_request_line(struct http_request *request, struct text line)
{
	struct text method = cut(&line, ' '), target = cut(&line, ' '), version = line;

	if (!is_token(method) || method.len > HTTP_METHOD_MAX || !is_target(target) || version.len != 8 ||
	    memcmp(version.at, "HTTP/", 5) || version.at[6] != '.' || version.at[5] < '0' || version.at[5] > '9' ||
	    version.at[7] < '0' || version.at[7] > '9') {
		http_refuse(request, 400);
		return;
	}
	if (version.at[5] != '1') {
		http_refuse(request, 505);
		return;
	}
	if (target.len > HTTP_TARGET_MAX) {
		http_refuse(request, 414);
		return;
	}
	keep(request->method, method);
	keep(request->target, target);
	request->minor = version.at[7] != '0';
	request->keep_alive = request->minor;
	request->head = !strcmp(request->method, "HEAD");
	if (!request->head && strcmp(request->method, "GET"))
		request->status = 405;
}

static void parse_connection(struct http_request *request, struct text value)
{
	while (value.len) {
		struct text option = trim(cut(&value, ','));
		if (is(option, "keep-alive"))
			request->keep_alive = true;
		else if (is(option, "close"))
			request->keep_alive = false;
	}
}

/* Returns whether the request has a body by this header. */
static bool parse_header(struct http_request *request, struct text line)
{
	const char *colon = memchr(line.at, ':', line.len);
	struct text name = cut(&line, ':'), value = trim(line);

	if (!colon || !is_token(name)) {
		http_refuse(request, 400);
		return false;
	}
	if (is(name, "connection"))
		parse_connection(request, value);
	return is(name, "transfer-encoding") || (is(name, "content-length") && !is(value, "0"));
}

/* A body is not read, so what follows the head is not known to be a request: the connection ends. */
void http_parse(struct http_request *request, const char *head, size_t len)
{
	struct text rest = {head, len}, line;
	bool body = false;

	*request = (struct http_request){.method = "-", .target = "-"};
	do
		line = cut_line(&rest);
	while (!line.len && rest.len);
	parse_request_line(request, line);
	for (line = cut_line(&rest); line.len && request->status != 400; line = cut_line(&rest))
		body |= parse_header(request, line);
	if (body || (request->status && request->status != 405))
		request->keep_alive = false;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Decodes up to the query into path. Returns 0, or -1 if the target is not well formed. */
static int decode(const char *target, char *path)
{
	for (; *target && *target != '?' && *target != '#'; target++) {
		if (*target != '%') {
			*path++ = *target;
			continue;
		}
		int high = hex(target[1]), low = high < 0 ? -1 : hex(target[2]);
		if (low < 0 || !(high || low))
			return -1;
		*path++ = (char)(high << 4 | low);
		target += 2;
	}
	*path = '\0';
	return 0;
}

static bool climbs(const char *path)
{
	while (path) {
		path += *path == '/';
		if (!strncmp(path, "..", 2) && (path[2] == '/' || !path[2]))
			return true;
		path = strchr(path, '/');
	}
	return false;
}

unsigned http_path(const char *target, char *path)
{
	if (!strncasecmp(target, "http://", 7)) {
		target = strchr(target + 7, '/');
		if (!target)
			target = "/";
	}
	if (*target != '/' || decode(target, path))
		return 400;
	if (climbs(path))
		return 403;
	/* A path that begins with a slash would be taken from the root of the file system. */
	size_t slashes = strspn(path, "/"), len = strlen(path + slashes);
	memmove(path, path + slashes, len + 1);
	if (!len || path[len - 1] == '/')
		memcpy(path + len, HTTP_INDEX, sizeof(HTTP_INDEX));
	return 0;
}

const char *http_type(const char *path)
{
	static const char *const types[][2] = {
		{".html", "text/html"},     {".css", "text/css"},          {".txt", "text/plain"},
		{".js", "text/javascript"}, {".png", "image/png"},         {".jpg", "image/jpeg"},
		{".gif", "image/gif"},      {".json", "application/json"}, {".svg", "image/svg+xml"},
	};
	const char *name = strrchr(path, '/'), *suffix = strrchr(name ? name : path, '.');

	for (size_t i = 0; suffix && i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcasecmp(suffix, types[i][0]))
			return types[i][1];
	return "application/octet-stream";
}

static const char *reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *reason;
	} reasons[] = {
		{200, "OK"},
		{400, "Bad Request"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{414, "URI Too Long"},
		{431, "Request Header Fields Too Large"},
		{503, "Service Unavailable"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Internal Server Error";
}

const struct http_dates *http_dates(void)
{
	static struct http_dates dates;
	static time_t last;
	time_t now = time(NULL);
	struct tm tm;

	if (now != last) {
		gmtime_r(&now, &tm);
		strftime(dates.header, sizeof(dates.header), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		strftime(dates.log, sizeof(dates.log), "%d/%b/%Y:%H:%M:%S +0000", &tm);
		last = now;
	}
	return &dates;
}

static int error_header(char *header, const struct http_response *response)
{
	char body[64];
	int len = snprintf(body, sizeof(body), "%u %s\n", response->status, reason(response->status));

	return snprintf(header, HTTP_HEADER_MAX,
			"HTTP/1.1 %u %s\r\nDate: %s\r\nServer: staged\r\n%sContent-Type: text/plain\r\n"
			"Content-Length: %d\r\nConnection: %s\r\n\r\n%s",
			response->status, reason(response->status), http_dates()->header,
			response->status == 405 ? "Allow: GET, HEAD\r\n" : "", len,
			response->keep_alive ? "keep-alive" : "close", response->head ? "" : body);
}

size_t http_header(char *header, const struct http_response *response)
{
	char modified[40];
	struct tm tm;

	if (response->status != 200)
		return (size_t)error_header(header, response);
	gmtime_r(&response->modified, &tm);
	strftime(modified, sizeof(modified), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	return (size_t)snprintf(header, HTTP_HEADER_MAX,
				"HTTP/1.1 200 OK\r\nDate: %s\r\nServer: staged\r\nContent-Type: %s\r\n"
				"Content-Length: %lld\r\nLast-Modified: %s\r\nConnection: %s\r\n\r\n",
				http_dates()->header, response->type, (long long)response->size, modified,
				response->keep_alive ? "keep-alive" : "close");
}
