/*
 * What the solver saw and decided: kinds, sites, and what it predicts.
 */
#define _GNU_SOURCE /* qsort_r */
#include "classes.h"
#include "colour.h"
#include "memory.h"
#include "page.h"
#include "report-parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE   256
#define SITES_SHOWN 60u
#define FRAMES      5u /* shown of a site's chain */

/* A kind or chain, by what it weighs. */
struct weighed {
	uint32_t number;
	uint64_t bytes;
};

static int compare(const void *a, const void *b)
{
	const struct weighed *one = a, *other = b;

	if (one->bytes != other->bytes)
		return (one->bytes < other->bytes) - (one->bytes > other->bytes);
	return (one->number > other->number) - (one->number < other->number);
}

/* Bytes that objects of the unit took, all together: by the size that covers nearly all. */
static uint64_t bytes_of(const struct stingy_solve *solve, const struct stingy_unit *unit)
{
	return unit->served ? unit->serving * stingy_model_size(unit, solve->choices.cover) : 0;
}

static uint64_t lines_of(const struct stingy_solve *solve, const struct stingy_unit *unit)
{
	uint32_t line = solve->cache.line ? solve->cache.line : 64;

	return unit->served ? (stingy_model_size(unit, solve->choices.cover) + line - 1) / line : 0;
}

static struct weighed *weigh(const struct stingy_solve *solve, const struct stingy_unit *unit, uint32_t n)
{
	struct weighed *sorted = stingy_memory_new(n + 1u, sizeof(*sorted));

	for (uint32_t i = 0; i < n; i++)
		sorted[i] = (struct weighed){.number = i, .bytes = bytes_of(solve, &unit[i])};
	qsort(sorted, n, sizeof(*sorted), compare);
	return sorted;
}

void stingy_report_loads(const struct stingy_account *account, FILE *out)
{
	static const char *const headings[] = {"#tasks at once", "#KiB that they hold", "#beyond the cache",
					       "#misses avoided, of a task", NULL};

	if (account->solve->nothing)
		return;
	stingy_page_section(out, "loads", "What the arena is predicted to save");
	stingy_page_text(
		out,
		"While others run, a task holds %.1f KiB, and touches %.0f cache lines of that which come from "
		"the arena. As more tasks are under way at once, less of it is still in the cache when it is "
		"needed again. Of the traces is the line with %" PRIu32 " tasks.",
		account->bytes_per_task / 1024, account->lines_per_task, account->solve->census.max_tasks);
	stingy_page_table_begin(out, headings);
	for (uint32_t i = 0; i < account->n_loads; i++) {
		const struct stingy_account_load *load = &account->load[i];

		stingy_page_row_begin(out);
		stingy_page_number(out, load->tasks);
		stingy_page_number(out, load->bytes / 1024);
		stingy_page_figure(out, "%.0f%%", 100 * load->beyond);
		stingy_page_figure(out, "%.0f", load->avoided);
		stingy_page_row_end(out);
	}
	stingy_page_table_end(out);
	stingy_page_section_end(out);
}

static void print_kind(const struct stingy_account *account, uint32_t number, FILE *out)
{
	const struct stingy_account_kind *kind = &account->kind[number];
	const struct stingy_kind *of = &account->solve->kinds.kind[number];

	stingy_page_row_begin(out);
	stingy_page_cell(out, of->name ? of->name : "?");
	stingy_page_cell(out, stingy_class_name(of->class));
	stingy_page_cell(out, stingy_solve_decision(account->solve, number));
	stingy_page_number(out, kind->size);
	stingy_page_number(out, kind->allocations);
	stingy_page_number(out, kind->allocations * kind->lines);
	stingy_page_figure(out, "%.1f%%",
			   kind->allocations ? 100.0 * (double)kind->served / (double)kind->allocations : 0);
	stingy_page_number(out, kind->bound ? kind->bound->per_task : 0);
	if (kind->n_sharing) {
		stingy_page_number(out, kind->laid);
		stingy_page_number(out, kind->region);
	} else {
		stingy_page_figure(out, " ");
		stingy_page_figure(out, " ");
	}
	stingy_page_row_end(out);
}

static void print_objective(const struct stingy_account *account, FILE *out)
{
	const struct stingy_model *model = &account->solve->model;

	stingy_page_text(out,
			 "%" PRIu32 " kinds of per-task state share %" PRIu32
			 " regions: %s. They have %.0f of %.0f KiB. "
			 "The search: %s, %.2f%% from the best that is possible at most.",
			 model->problem.n_kinds, model->problem.n_colours, stingy_account_colours(model->colours),
			 (double)account->laid_bytes / 1024, (double)model->problem.tau / 1024,
			 stingy_account_end(account->solve->solution.end), 100 * account->solve->solution.gap);
}

void stingy_report_kinds(const struct stingy_account *account, FILE *out)
{
	static const char *const headings[] = {
		"kind",         "class",  "decision", "#bytes", "#allocations", "#lines touched", "#from the arena",
		"#in one task", "#slots", "#region",  NULL};
	const struct stingy_solve *solve = account->solve;

	stingy_page_section(out, "kinds", "What the solver decided, and why");
	if (solve->nothing) {
		stingy_page_text(out, "Nothing to manage: %s.", solve->nothing);
	} else {
		print_objective(account, out);
		stingy_page_table_begin(out, headings);
		for (uint32_t i = 0; i < solve->kinds.n_kinds; i++)
			print_kind(account, account->order_of_kinds[i], out);
		stingy_page_table_end(out);
	}
	stingy_page_section_end(out);
}

/* What becomes of objects, by the chains that allocate them. */
static void print_classes(const struct stingy_account *account, FILE *out)
{
	static const char *const headings[] = {"class", "#chains", "#while serving", "#at set-up", "which means", NULL};

	stingy_page_table_begin(out, headings);
	for (int i = STINGY_CLASS_UNSEEN + 1; i < STINGY_CLASSES; i++) {
		const struct stingy_account_class *class = &account->class[i];

		if (!class->n_chains)
			continue;
		stingy_page_row_begin(out);
		stingy_page_cell(out, stingy_class_name(i));
		stingy_page_number(out, class->n_chains);
		stingy_page_number(out, class->serving);
		stingy_page_number(out, class->setup);
		stingy_page_cell(out, stingy_class_reason(i));
		stingy_page_row_end(out);
	}
	stingy_page_table_end(out);
}

/* The innermost frames, with arrows towards the outer ones. */
static void print_chain(const struct stingy_solve *solve, const struct stingy_chain *chain, FILE *out)
{
	char text[FRAMES * (NAME_SIZE + 8)] = "", name[NAME_SIZE];
	size_t len = 0;

	for (uint32_t i = 0; i < chain->depth && i < FRAMES; i++) {
		stingy_places_print(&solve->places, chain->place[i], name, sizeof(name));
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? " \xe2\x86\x90 " : "", name);
	}
	if (chain->depth > FRAMES)
		snprintf(text + len, sizeof(text) - len, " \xe2\x86\x90 \xe2\x80\xa6");
	stingy_page_cell(out, text);
}

static void print_site(const struct stingy_solve *solve, uint32_t number, FILE *out)
{
	const struct stingy_unit *unit = &solve->atoms.unit[number];
	uint32_t kind = solve->kinds.kind_of ? solve->kinds.kind_of[number] : STINGY_NO_UNIT;

	stingy_page_row_begin(out);
	print_chain(solve, &solve->chains.chain[number], out);
	stingy_page_number(out, bytes_of(solve, unit));
	stingy_page_number(out, unit->serving);
	stingy_page_number(out, stingy_model_size(unit, solve->choices.cover));
	stingy_page_number(out, lines_of(solve, unit) * unit->serving);
	stingy_page_number(out, unit->max_live);
	stingy_page_cell(out, stingy_class_name(stingy_class_of(&solve->atoms, unit)));
	stingy_page_cell(out, stingy_solve_decision(solve, kind));
	stingy_page_row_end(out);
}

void stingy_report_sites(const struct stingy_account *account, FILE *out)
{
	static const char *const headings[] = {"site, from malloc outwards",
					       "#bytes in all",
					       "#allocations",
					       "#size",
					       "#lines in all",
					       "#live at most",
					       "class",
					       "decision",
					       NULL};
	const struct stingy_solve *solve = account->solve;
	struct weighed *sorted = weigh(solve, solve->atoms.unit, solve->chains.n_chains);
	uint32_t n = 0;

	while (n < solve->chains.n_chains && sorted[n].bytes)
		n++;
	stingy_page_section(out, "sites", "Call chains that allocate, by bytes");
	print_classes(account, out);
	stingy_page_text(out,
			 "%" PRIu32
			 " chains%s. Bytes and cache lines are those of all objects of the chain together, at "
			 "the size that covers nearly all of them; each line of a new object is touched once at least.",
			 n, n > SITES_SHOWN ? ", of which the first are shown" : "");
	stingy_page_table_begin(out, headings);
	for (uint32_t i = 0; i < n && i < SITES_SHOWN; i++)
		print_site(solve, sorted[i].number, out);
	stingy_page_table_end(out);
	free(sorted);
	stingy_page_section_end(out);
}
