#include "worth.h"

#include <inttypes.h>

#define LEAST_AVOIDED 1.0  /* misses a task: less is nothing */
#define LEAST_SHARE   10.0 /* per cent from the arena, below which the manifest is not worth its while */

#define SIZE_TEXT 32 /* bytes of a size in words */

static const char *size_text(uint64_t bytes, char text[SIZE_TEXT])
{
	if (bytes < 10240)
		snprintf(text, SIZE_TEXT, "%" PRIu64 " bytes", bytes);
	else if (bytes < UINT64_C(10) << 20)
		snprintf(text, SIZE_TEXT, "%.0f KiB", (double)bytes / 1024);
	else
		snprintf(text, SIZE_TEXT, "%.0f MiB", (double)bytes / 1048576);
	return text;
}

/* What all kinds held at their worst moments. They need not have had them together: it is what may have been. */
static uint64_t kept(const struct stingy_solve *solve)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < solve->kinds.n_kinds; i++) {
		const struct stingy_unit *unit = &solve->census.unit[i];

		if (unit->served && solve->kinds.kind[i].class != STINGY_CLASS_FINAL)
			bytes += unit->max_live * stingy_model_size(unit, solve->choices.cover);
	}
	return bytes;
}

/* Whether a thread had more tasks at once than fit its cache by all that one keeps, and its events can be ordered. */
static bool is_for_order(const struct stingy_solve *solve)
{
	const struct stingy_schedule *schedule = &solve->schedule;

	return schedule->is_wanted && !schedule->why_not && solve->census.max_tasks_in_thread > schedule->fit;
}

static enum stingy_worth_answer answer(const struct stingy_worth *worth, const struct stingy_solve *solve)
{
	if (solve->nothing)
		return STINGY_WORTH_NOTHING;
	if (worth->kept <= worth->slab)
		return STINGY_WORTH_FITS;
	if (worth->avoided < LEAST_AVOIDED && !is_for_order(solve))
		return STINGY_WORTH_FITS;
	if (worth->expected < LEAST_SHARE)
		return STINGY_WORTH_ORDER;
	return worth->avoided < LEAST_AVOIDED ? STINGY_WORTH_TRY : STINGY_WORTH_RUN;
}

/* Of the loads of the account, that of the traces, and the least beyond it at which there is something to avoid. */
static void predict(struct stingy_worth *worth, const struct stingy_account *account)
{
	for (uint32_t i = account->n_loads; i-- > 0;) {
		const struct stingy_account_load *load = &account->load[i];

		if (load->tasks == worth->n_tasks)
			worth->avoided = load->avoided;
		if (load->tasks > worth->n_tasks && load->avoided >= LEAST_AVOIDED) {
			worth->more_tasks = load->tasks;
			worth->more_avoided = load->avoided;
		}
	}
}

void stingy_worth_init(struct stingy_worth *worth, const struct stingy_account *account)
{
	const struct stingy_solve *solve = account->solve;

	*worth = (struct stingy_worth){.cache = solve->cache.size, .slab = stingy_solve_slab(solve)};
	worth->n_tasks = solve->census.max_tasks;
	if (!solve->nothing)
		worth->kept = kept(solve);
	if (solve->census.serving)
		worth->expected = 100.0 * (double)solve->served / (double)solve->census.serving;
	worth->task = worth->kept / (worth->n_tasks ? worth->n_tasks : 1);
	worth->n_fit = worth->task ? worth->slab / worth->task : 0;
	predict(worth, account);
	worth->answer = answer(worth, solve);
}

bool stingy_worth_is_advised(const struct stingy_worth *worth)
{
	return worth->answer == STINGY_WORTH_RUN || worth->answer == STINGY_WORTH_TRY;
}

void stingy_worth_print_answer(const struct stingy_worth *worth, FILE *out)
{
	switch (worth->answer) {
	case STINGY_WORTH_RUN:
		fputs("worth it: run it under the manifest, with its events in order", out);
		break;
	case STINGY_WORTH_ORDER:
		fputs("order alone: the manifest would serve too little to matter", out);
		break;
	case STINGY_WORTH_NOTHING:
		fputs("no manifest: there is nothing for an arena to hold; order alone does no harm, and finds out by "
		      "itself whether it helps",
		      out);
		break;
	case STINGY_WORTH_FITS:
		fputs("do not bother: under this load there is nothing to win", out);
		break;
	case STINGY_WORTH_TRY:
		fputs("try it: run it under the manifest, with its events in order, which finds out by itself whether "
		      "it helps",
		      out);
		break;
	}
}

static void print_fits(const struct stingy_worth *worth, FILE *out)
{
	if (worth->kept <= worth->slab)
		fprintf(out, ": they fit by themselves; ask again for more than %" PRIu64 " tasks at once",
			worth->n_fit);
	else
		fputs(": the arena is predicted to avoid hardly a miss", out);
	if (worth->more_tasks)
		fprintf(out, " (with %" PRIu64 ", a task would miss some %.0f times less)", worth->more_tasks,
			worth->more_avoided);
}

void stingy_worth_print_reason(const struct stingy_worth *worth, FILE *out)
{
	char kept_text[SIZE_TEXT], slab_text[SIZE_TEXT], task_text[SIZE_TEXT];

	if (worth->answer == STINGY_WORTH_NOTHING) {
		fputs("hardly any object is allocated for a request and freed after it", out);
		return;
	}
	fprintf(out, "at most %" PRIu32 " tasks at once kept %s, %s each, and %s of the cache are for them",
		worth->n_tasks, size_text(worth->kept, kept_text), size_text(worth->task, task_text),
		size_text(worth->slab, slab_text));
	if (worth->answer == STINGY_WORTH_FITS) {
		print_fits(worth, out);
		return;
	}
	if (worth->answer == STINGY_WORTH_TRY) {
		fprintf(out,
			": %" PRIu64 " fit; the arena by itself is predicted to avoid hardly a miss, but with its "
			"events in order fewer of them are under way",
			worth->n_fit);
		return;
	}
	fprintf(out,
		": %" PRIu64 " fit; %.1f%% of the allocations are expected from the arena, and %.0f misses a task are "
		"predicted to be avoided",
		worth->n_fit, worth->expected, worth->avoided);
}
