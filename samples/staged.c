/* staged: a small static file server made of stages. This file: the command line, start and end. */
#include "connection.h"
#include "number.h"
#include "serve.h"

#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define DESCRIPTORS_KEPT 16 /* for the standard streams, the loop, the log and what libraries may open */

struct server server;

static const char usage[] = "usage: staged [--port N] [--root DIR] [--max-requests N] [--log FILE]\n"
			    "Serves the files of a directory on 127.0.0.1, stage by stage.\n"
			    "\n"
			    "  --port N          the port; 0, the default: any that is free\n"
			    "  --root DIR        the directory (default: the current one)\n"
			    "  --max-requests N  end after N requests\n"
			    "  --log FILE        append a line for each request, in the common log format\n"
			    "  --help            print this and end\n"
			    "\n"
			    "Prints 'listening on 127.0.0.1:PORT' when it is ready. Ends on SIGTERM and SIGINT.\n";

struct options {
	unsigned long port, max_requests;
	const char *root, *log;
};

static void need(bool is_number, const char *option, const char *value)
{
	if (!is_number)
		errx(2, "bad number for --%s: '%s'", option, value);
}

static void read_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"port", required_argument, NULL, 'p'},
		{"root", required_argument, NULL, 'r'},
		{"max-requests", required_argument, NULL, 'm'},
		{"log", required_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};

	for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		if (c == 'p') {
			need(number_read(optarg, 0, UINT16_MAX, &options->port), "port", optarg);
		} else if (c == 'r') {
			options->root = optarg;
		} else if (c == 'm') {
			need(number_read(optarg, 1, ULONG_MAX, &options->max_requests), "max-requests", optarg);
		} else if (c == 'l') {
			options->log = optarg;
		} else {
			fputs(usage, c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
	if (optind < argc)
		errx(2, "what is '%s'? See staged --help", argv[optind]);
}

/* As many descriptors as the system lets us have; a connection may need two of them, for itself and its file. */
static unsigned connections_possible(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		err(1, "cannot tell the limit of open files");
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < DESCRIPTORS_KEPT + 2)
		errx(1, "%lu open files are too few", (unsigned long)limit.rlim_cur);
	rlim_t possible = (limit.rlim_cur - DESCRIPTORS_KEPT) / 2;
	return possible < UINT_MAX ? (unsigned)possible : UINT_MAX;
}

/* TCP_NODELAY is inherited by the connections that are accepted. */
static int listen_on(in_port_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, SOMAXCONN))
		err(1, "cannot listen on port %u", port);
	return fd;
}

static int catch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		err(1, "cannot catch signals");
	return fd;
}

static void begin(const struct options *options)
{
	server.max_requests = options->max_requests;
	server.max_connections = connections_possible();
	server.root = open(options->root, O_DIRECTORY | O_CLOEXEC);
	if (server.root < 0)
		err(1, "cannot serve '%s'", options->root);
	if (options->log && !(server.log = fopen(options->log, "ae")))
		err(1, "cannot write '%s'", options->log);
	server.listener.fd = listen_on((in_port_t)options->port);
	server.signals.fd = catch_signals();
	if (serve_init())
		err(1, "cannot wait for events");
}

static void announce(void)
{
	struct sockaddr_in address = {0};
	socklen_t len = sizeof(address);

	getsockname(server.listener.fd, (struct sockaddr *)&address, &len);
	printf("listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
	fflush(stdout);
}

static void end(const struct options *options)
{
	connection_end_all();
	scheduler_fini();
	close(server.signals.fd);
	close(server.listener.fd);
	close(server.root);
	if (server.log && fclose(server.log))
		err(1, "cannot write '%s'", options->log);
}

int main(int argc, char **argv)
{
	struct options options = {.root = "."};

	read_options(argc, argv, &options);
	begin(&options);
	announce();
	if (scheduler_run())
		err(1, "cannot wait for events");
	end(&options);
	return 0;
}
