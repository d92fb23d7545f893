#include "child.h"

#include "processes.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void watched_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
}

int stingy_child_init(struct stingy_child *child, int (*start)(void *data), void *data)
{
	sigset_t watched, before;

	*child = (struct stingy_child){.pid = 0};
	watched_signals(&watched);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || sigprocmask(SIG_BLOCK, &watched, &before) < 0)
		return -1;
	child->pid = fork();
	if (child->pid < 0)
		return -1;
	if (child->pid == 0) {
		setpgid(0, 0);
		sigprocmask(SIG_SETMASK, &before, NULL);
		_exit(start(data));
	}
	return 0;
}

/* Takes leave of those that have ended. */
static void reap(struct stingy_child *child)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != child->pid)
			continue;
		child->status = status;
		child->has_ended = true;
	}
	child->is_gone = pid < 0 && errno == ECHILD;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

bool stingy_child_wait(struct stingy_child *child, double seconds)
{
	double end = now() + seconds;
	sigset_t watched;

	watched_signals(&watched);
	for (reap(child); !child->is_gone; reap(child)) {
		double left = end - now();
		struct timespec time;
		int number;

		if (left <= 0)
			break;
		time.tv_sec = (time_t)left;
		time.tv_nsec = (long)((left - floor(left)) * 1e9);
		number = sigtimedwait(&watched, NULL, &time);
		if (number > 0 && number != SIGCHLD)
			return true;
	}
	return false;
}

/* To the process that was started; if that has ended, to those that were left to us. */
static void signal_it(const struct stingy_child *child, int number)
{
	struct stingy_processes processes;

	if (!child->has_ended && kill(child->pid, number) == 0)
		return;
	if (stingy_processes_init(&processes, getpid()) < 0)
		return;
	for (size_t i = 0; i < processes.n; i++)
		if (processes.one[i].parent == getpid())
			kill(processes.one[i].pid, number);
	stingy_processes_fini(&processes);
}

bool stingy_child_end(struct stingy_child *child, double seconds)
{
	reap(child);
	if (child->is_gone)
		return true;
	signal_it(child, SIGTERM);
	stingy_child_wait(child, seconds);
	if (child->is_gone)
		return true;
	/* Its workers lose their parent, and are ours then; there are no more generations than turns. */
	for (int turn = 0; turn < 100 && !child->is_gone; turn++) {
		signal_it(child, SIGKILL);
		stingy_child_wait(child, 0.05);
	}
	return false;
}
