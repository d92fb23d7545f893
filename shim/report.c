/*
 * One line of statistics when the process ends, if STINGY_REPORT asks for it. A process that is killed says nothing:
 * `stingy stat` is for the living.
 */
#include "modules.h"
#include "order.h"
#include "say.h"
#include "serve.h"

__attribute__((destructor)) static void end(void)
{
	const struct stingy_live *live = stingy_serve.live;
	if (!live || !stingy_serve.is_reported)
		return;
	stingy_order_report(live);
	uint64_t served = 0, unmanaged = 0, fell_back = 0;
	for (uint32_t i = 0; i < STINGY_LIVE_THREADS; i++) {
		served += live->thread[i].served;
		unmanaged += live->thread[i].unmanaged;
		for (unsigned r = 0; r < STINGY_FELL_REASONS; r++)
			fell_back += live->thread[i].fell_back[r];
	}
	for (uint32_t i = 0; i < stingy_serve.n_regions * stingy_serve.arena.count; i++)
		served += stingy_live_region_served(&stingy_serve.regions[i].live);
	uint64_t all = served + unmanaged + fell_back;
	unsigned permille = all ? (unsigned)(served * 1000 / all) : 0;
	stingy_say("%s[%u]: %s%lu of %lu allocations (%u.%u%%) from the arena, %lu unmanaged, %lu fell back%s%s",
		   stingy_program_path(), live->pid, stingy_serve.is_dry ? "dry run: would have served " : "", served,
		   all, permille / 10, permille % 10, unmanaged, fell_back, live->note[0] ? "; " : "", live->note);
}
