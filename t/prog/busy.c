/*
 * A master that allocates nothing while it runs, and two workers that it forks, which allocate and free until they are
 * killed, or their master is.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define N_WORKERS 2
#define N_OBJECTS 8

static void work(pid_t master)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	void *volatile object[N_OBJECTS];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == master) { /* it may have been killed before that */
		for (int i = 0; i < N_OBJECTS; i++)
			object[i] = malloc(200);
		nanosleep(&pause, NULL);
		for (int i = 0; i < N_OBJECTS; i++)
			free(object[i]);
	}
}

int main(void)
{
	pid_t master = getpid();
	for (int i = 0; i < N_WORKERS; i++)
		if (fork() == 0) {
			work(master);
			return 0;
		}
	pause();
	return 0;
}
