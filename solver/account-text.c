#include "account.h"

#include "classes.h"

#include <inttypes.h>
#include <string.h>

#define NAME_WIDTH   44
#define SHOWN        5e-6 /* parts of the objective below that are nothing */
#define STAGES_SHOWN 40u
#define KINDS_SHOWN  60u
#define ORDERS_SHOWN 40u

/* A name in a column: what is too long for it keeps its end, which tells more than the name spaces before it. */
static void print_name(const char *name, FILE *out)
{
	size_t len = strlen(name);

	if (len <= NAME_WIDTH)
		fprintf(out, "%-*s", NAME_WIDTH, name);
	else
		fprintf(out, "...%s", name + len - NAME_WIDTH + 3);
}

static void print_more(uint32_t n, uint32_t shown, FILE *out)
{
	if (n > shown)
		fprintf(out, "  and %" PRIu32 " more (--json tells them all)\n", n - shown);
}

static double percent(uint64_t part, uint64_t all)
{
	return all ? 100.0 * (double)part / (double)all : 0;
}

static void print_classes(const struct stingy_account *account, FILE *out)
{
	fputs("\nWhat becomes of objects, by the call chain that allocates them:\n\n"
	      "  chains   while serving       at set-up  class\n",
	      out);
	for (int i = STINGY_CLASS_UNSEEN + 1; i < STINGY_CLASSES; i++) {
		const struct stingy_account_class *class = &account->class[i];

		if (class->n_chains)
			fprintf(out, "  %6" PRIu32 " %15" PRIu64 " %15" PRIu64 "  %s: %s%s\n", class->n_chains,
				class->serving, class->setup, stingy_class_name(i), stingy_class_reason(i),
				stingy_class_is_managed(i) ? "" : " (left to the next allocator)");
	}
}

static void print_kind(const struct stingy_account *account, uint32_t number, FILE *out)
{
	const struct stingy_account_kind *kind = &account->kind[number];
	const struct stingy_kind *of = &account->solve->kinds.kind[number];

	fputs("  ", out);
	print_name(of->name, out);
	fprintf(out, " %10" PRIu64 " %5.1f%% %7" PRIu64 " %6" PRIu32 " %8.1f  %s", kind->allocations,
		percent(kind->served, kind->allocations), kind->size, kind->laid, (double)kind->bytes / 1024,
		stingy_class_name(of->class));
	if (kind->left_out == STINGY_KEPT && kind->bound->per_task > 1)
		fprintf(out, ", %" PRIu32 " a task", kind->bound->per_task);
	if (kind->is_in_high)
		fputs(", in the high slab", out);
	if (kind->n_sharing > 1)
		fprintf(out, ", region shared by %" PRIu32, kind->n_sharing);
	fputc('\n', out);
}

static void print_kinds(const struct stingy_account *account, FILE *out)
{
	uint32_t n = 0;

	fprintf(out, "\nObject kinds that have a place (a slot holds %" PRIu32 "%% of a kind's allocations):\n\n",
		account->solve->choices.cover);
	fprintf(out, "  %-*s      while   from                            KiB\n", NAME_WIDTH, "");
	fprintf(out, "  %-*s    serving  arena   bytes  slots   in all\n", NAME_WIDTH, "allocated by");
	for (uint32_t i = 0; i < account->solve->kinds.n_kinds; i++) {
		uint32_t number = account->order_of_kinds[i];

		if (account->kind[number].n_sharing && n++ < KINDS_SHOWN)
			print_kind(account, number, out);
	}
	print_more(n, KINDS_SHOWN, out);
}

static void print_left_out_kind(const struct stingy_account *account, uint32_t number, FILE *out)
{
	const struct stingy_account_kind *kind = &account->kind[number];

	fputs("  ", out);
	print_name(account->solve->kinds.kind[number].name, out);
	fprintf(out, " %10" PRIu64 " %7" PRIu64 "  %s", kind->allocations, kind->size,
		stingy_model_reason(kind->left_out));
	if (kind->left_out == STINGY_LEFT_OUT_UNBOUNDED)
		fprintf(out, " (%" PRIu64 " seen)", kind->bound->seen);
	fputc('\n', out);
}

static void print_left_out(const struct stingy_account *account, FILE *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < account->solve->kinds.n_kinds; i++) {
		uint32_t number = account->order_of_kinds[i];

		if (account->kind[number].n_sharing)
			continue;
		if (!n)
			fprintf(out, "\nObject kinds that were left out:\n\n  %-*s    serving   bytes  why\n",
				NAME_WIDTH, "allocated by");
		if (n++ < KINDS_SHOWN)
			print_left_out_kind(account, number, out);
	}
	print_more(n, KINDS_SHOWN, out);
}

/* How many tasks a stage can be run for in a row, and what ends the row. */
static void print_stage(const struct stingy_account *account, uint32_t number, FILE *out)
{
	const struct stingy_problem *problem = &account->solve->model.problem;
	const struct stingy_account_stage *stage = &account->stage[number];

	fputs("  ", out);
	print_name(problem->stage[number].name, out);
	fprintf(out, " %10" PRIu64 " %8.1f %8.1f %6.1f%%", stage->runs, stage->first_ns / 1000, stage->rest_ns / 1000,
		100 * problem->stage[number].weight);
	if (stage->tasks == STINGY_ACCOUNT_UNBOUNDED)
		fputs("     any  it leaves no memory of a task behind, nor finds any", out);
	else
		fprintf(out, " %7" PRIu32 "  %s", stage->tasks, problem->kind[stage->bound_by].name);
	fprintf(out, "%s\n", stage->in_cycle ? " (in a cycle)" : "");
}

static void print_stages(const struct stingy_account *account, FILE *out)
{
	uint32_t n = account->solve->model.problem.n_stages;

	fputs("\nStages (microseconds of a run that follows another stage's, and of one that follows its own):\n\n",
	      out);
	fprintf(out, "  %-*s                                       tasks\n", NAME_WIDTH, "");
	fprintf(out, "  %-*s       runs    first     rest  weight     fit  bounded by\n", NAME_WIDTH, "stage");
	for (uint32_t i = 0; i < n && i < STAGES_SHOWN; i++)
		print_stage(account, i, out);
	print_more(n, STAGES_SHOWN, out);
}

static void print_order(const struct stingy_problem *problem, const struct stingy_problem_order *order, FILE *out)
{
	uint32_t more, less;

	stingy_problem_factors(problem, order, &more, &less);
	fprintf(out, "  %10" PRIu64 "  ", order->tasks);
	if (more > 1)
		fprintf(out, "%" PRIu32 " times ", more);
	fprintf(out, "%s >= ", problem->kind[order->more].name);
	if (less > 1)
		fprintf(out, "%" PRIu32 " times ", less);
	fprintf(out, "%s\n", problem->kind[order->less].name);
}

static void print_orders(const struct stingy_account *account, FILE *out)
{
	const struct stingy_problem *problem = &account->solve->model.problem;

	if (!problem->n_orders)
		return;
	fputs("\nOrder: no task ever had the second without the first, so there are never fewer of the first:\n\n"
	      "       tasks\n",
	      out);
	for (uint32_t i = 0; i < problem->n_orders && i < ORDERS_SHOWN; i++)
		print_order(problem, &problem->order[i], out);
	print_more(problem->n_orders, ORDERS_SHOWN, out);
}

/* Of a constraint that costs something, what it is about, and what the objective would gain by a little more room. */
static void print_price(double price, const char *what, const char *of, const char *room, FILE *out)
{
	if (price > SHOWN)
		fprintf(out, "  %s%s: %.3f%% less %s\n", what, of, 100 * price, room);
}

static void print_prices(const struct stingy_account *account, FILE *out)
{
	static const char kib[] = "with 1 KiB more", one[] = "with one more", fewer[] = "if one fewer would do";
	const struct stingy_problem *problem = &account->solve->model.problem;

	print_price(account->layout_price, "all regions side by side must fit the slab", "", kib, out);
	for (uint32_t i = 0; i < problem->n_stages; i++)
		print_price(account->stage[i].price, "what is live in stage ", problem->stage[i].name, kib, out);
	for (uint32_t i = 0; i < account->solve->kinds.n_kinds; i++)
		print_price(account->kind[i].max_price, "no more were ever of use of ",
			    account->solve->kinds.kind[i].name, one, out);
	for (uint32_t i = 0; i < problem->n_orders; i++)
		print_price(account->order[i].price, "the order asks for as many of ",
			    problem->kind[problem->order[i].more].name, fewer, out);
}

static void print_binding(const struct stingy_account *account, FILE *out)
{
	const struct stingy_solution *solution = &account->solve->solution;

	if (solution->end == STINGY_PROGRAM_BOUNDS) {
		fputs("\nNothing binds: every kind has as many instances as were ever live, with the head room. A KiB "
		      "more "
		      "buys nothing.\n",
		      out);
		return;
	}
	fputs("\nWhat binds, and what the objective would gain (prices of the relaxed program):\n\n", out);
	print_prices(account, out);
	if (account->tau_price > SHOWN)
		fprintf(out, "\nOne more KiB of slab would make the objective %.3f%% less.\n",
			100 * account->tau_price);
	else
		fputs("\nOne more KiB of slab would buy nothing.\n", out);
}

static void print_objective(const struct stingy_account *account, FILE *out)
{
	const struct stingy_solve *solve = account->solve;
	const struct stingy_solution *solution = &solve->solution;

	fputs("\nObjective: ", out);
	if (solve->choices.objective == STINGY_OBJECTIVE_SERVED)
		fprintf(out, "%.4f%% of the touched lines are not served from the arena", 100 * solution->objective);
	else if (solve->choices.stage)
		fprintf(out, "stage %s can be run for %.4g tasks in a row", solve->choices.stage,
			solution->objective > 0 ? 1 / solution->objective : 0);
	else
		fprintf(out,
			"with as many tasks gathered as fit, first runs of stages cost %.2f%% of what they cost one "
			"by one",
			account->alone > 0 ? 100 * solution->objective / account->alone : 0);
	fprintf(out, ";\n%s; gap %.4f%%; %" PRIu32 " nodes, %" PRIu32 " lines.\n", stingy_account_end(solution->end),
		100 * solution->gap, solution->n_nodes, solution->n_lines);
}

static void print_colours(const struct stingy_account *account, FILE *out)
{
	const struct stingy_model *model = &account->solve->model;

	fprintf(out,
		"\n%" PRIu32 " kinds of per-task state take %" PRIu32
		" regions (kinds of one never meet in a task): %s%s.\n"
		"They have %.1f of %.1f KiB.\n",
		model->problem.n_kinds, model->problem.n_colours,
		model->colours == STINGY_COLOUR_DSATUR ? "by DSATUR; " : "", stingy_account_colours(model->colours),
		(double)account->laid_bytes / 1024, (double)model->problem.tau / 1024);
}

static void print_loads(const struct stingy_account *account, FILE *out)
{
	uint64_t seen = account->solve->census.max_tasks;

	fprintf(out,
		"\nPredicted misses that the arena avoids. While others run, a task holds %.1f KiB; it touches %.0f "
		"lines of\n"
		"that which come from the arena:\n\n"
		"  tasks at once        KiB  beyond the cache  misses avoided a task\n",
		account->bytes_per_task / 1024, account->lines_per_task);
	for (uint32_t i = 0; i < account->n_loads; i++) {
		const struct stingy_account_load *load = &account->load[i];

		fprintf(out, "  %13" PRIu64 " %10.0f %16.0f%% %22.0f%s\n", load->tasks, (double)load->bytes / 1024,
			100 * load->beyond, load->avoided, load->tasks == seen ? "  as in the traces" : "");
	}
}

void stingy_account_text(const struct stingy_account *account, FILE *out)
{
	print_classes(account, out);
	if (account->solve->nothing) {
		print_left_out(account, out);
		return;
	}
	print_kinds(account, out);
	print_left_out(account, out);
	print_stages(account, out);
	print_orders(account, out);
	print_colours(account, out);
	print_objective(account, out);
	print_binding(account, out);
	print_loads(account, out);
}
