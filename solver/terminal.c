#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l" /* the other screen, no cursor */
#define LEAVE "\033[0m\033[?25h\033[?1049l"
#define HOME  "\033[H"

#define END_OF_INPUT '\004' /* ^D */

static struct termios before; /* what the terminal was set to */
static bool is_entered;
static int signals = -1; /* descriptor */

/* Keys that were typed, terminated, and how many bytes of them are dealt with. */
static struct {
	char text[64];
	size_t at;
} typed;

static int write_all(const char *text, size_t size)
{
	while (size) {
		ssize_t n = write(STDOUT_FILENO, text, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		text += n;
		size -= (size_t)n;
	}
	return 0;
}

static void leave(void)
{
	if (!is_entered)
		return;
	is_entered = false;
	write_all(LEAVE, strlen(LEAVE));
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
}

static int enter(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return -1;
	raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) < 0)
		return -1;
	is_entered = true;
	return write_all(ENTER, strlen(ENTER));
}

/* They are blocked from now on, and read. Returns 0 or -1. */
static int take_signals(void)
{
	static const int wanted[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		sigaddset(&set, wanted[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return signals < 0 ? -1 : 0;
}

int stingy_terminal_enter(void)
{
	const char *kind = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return -1;
	if (!kind || !*kind || strcmp(kind, "dumb") == 0) {
		errno = ENOTSUP;
		return -1;
	}
	if (atexit(leave) != 0 || take_signals() < 0)
		return -1;
	return enter();
}

void stingy_terminal_leave(void)
{
	leave();
}

void stingy_terminal_size(int *rows, int *columns)
{
	struct winsize size;

	*rows = 24;
	*columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
		return;
	*rows = size.ws_row;
	*columns = size.ws_col;
}

int stingy_terminal_show(const char *text, size_t size)
{
	return write_all(HOME, strlen(HOME)) < 0 ? -1 : write_all(text, size);
}

/* The shell has the terminal until we are continued. */
static enum stingy_terminal_event stop(void)
{
	leave();
	raise(SIGSTOP);
	return enter() < 0 ? STINGY_TERMINAL_QUIT : STINGY_TERMINAL_SIZE;
}

static enum stingy_terminal_event take_signal(void)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return STINGY_TERMINAL_OTHER;
	if (info.ssi_signo == SIGTSTP)
		return stop();
	return info.ssi_signo == SIGWINCH ? STINGY_TERMINAL_SIZE : STINGY_TERMINAL_QUIT;
}

/* Takes the next key from what was typed; an arrow is three bytes, which come together. */
static enum stingy_terminal_event next_key(void)
{
	const char *key = typed.text + typed.at;

	if (key[0] == '\033' && (key[1] == '[' || key[1] == 'O') && key[2]) {
		typed.at += 3;
		return key[2] == 'A'   ? STINGY_TERMINAL_UP
		       : key[2] == 'B' ? STINGY_TERMINAL_DOWN
				       : STINGY_TERMINAL_OTHER;
	}
	typed.at++;
	switch (*key) {
	case 'q':
	case 'Q':
	case END_OF_INPUT:
		return STINGY_TERMINAL_QUIT;
	case 'k':
		return STINGY_TERMINAL_UP;
	case 'j':
		return STINGY_TERMINAL_DOWN;
	default:
		return STINGY_TERMINAL_OTHER;
	}
}

static enum stingy_terminal_event read_keys(void)
{
	ssize_t n = read(STDIN_FILENO, typed.text, sizeof(typed.text) - 1);

	if (n < 0 && errno == EINTR)
		return STINGY_TERMINAL_OTHER;
	if (n <= 0) /* it was readable, so this is its end */
		return STINGY_TERMINAL_QUIT;
	typed.text[n] = '\0';
	typed.at = 0;
	return next_key();
}

enum stingy_terminal_event stingy_terminal_wait(int milliseconds)
{
	struct pollfd wanted[] = {{.fd = signals, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
	int n;

	if (typed.text[typed.at])
		return next_key();
	n = poll(wanted, 2, milliseconds);
	if (n == 0)
		return STINGY_TERMINAL_TIMEOUT;
	if (n < 0)
		return errno == EINTR ? STINGY_TERMINAL_OTHER : STINGY_TERMINAL_QUIT;
	return wanted[0].revents ? take_signal() : read_keys();
}
