/*
 * What room the thread's arena has, for those who decide whether tasks begin (order.h): a few loads a region of what a
 * task takes by the manifest; no lock, no system call, nothing that waits.
 */
#ifndef STINGY_ROOM_H
#define STINGY_ROOM_H

#include <stdint.h>

/*
 * For how many more tasks the thread's regions have slots, at a time when nothing that has begun can go on. So a region
 * of which more than half is in use does not count: idle connections have it, or tasks that wait for others, and who
 * begins less does not get it back. UINT32_MAX: nothing bounds it: no manifest is in force, or it does not tell what a
 * task takes, the thread owns no arena, or none of its regions counts.
 */
uint32_t stingy_room_for_tasks(void);

/* How often the thread has found a region full, ever; threads beyond those with counters of their own share theirs. */
uint64_t stingy_room_refused(void);

#endif
