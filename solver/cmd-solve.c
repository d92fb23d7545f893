/*
 * `stingy solve`: a manifest that is written whole or not at all, and the words for the user.
 */
#include "account.h"
#include "commands.h"
#include "compose.h"
#include "explain.h"
#include "output.h"
#include "progress.h"
#include "solve-command.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int write_manifest(const struct stingy_solve_command *command, const struct stingy_solve *solve)
{
	size_t size = 0;
	char *text = stingy_compose(solve, &size);
	int result = text ? stingy_output_put(command->output, text, size) : -1;

	free(text);
	return result;
}

static int carry_over(const struct stingy_solve_command *command)
{
	size_t size = 0;
	char *text;
	int result = stingy_rebase_run(&command->rebase, &text, &size, stderr);

	if (result == 0)
		result = stingy_compose_check(text, size) < 0 ? -1 : stingy_output_put(command->output, text, size);
	else if (result > 0)
		result = STINGY_EXIT_NO;
	free(text);
	return result < 0 ? STINGY_EXIT_BAD_INPUT : result;
}

static int write_json(const char *path, const struct stingy_account *account)
{
	char *text = stingy_account_json(account);
	int result;

	if (!text) {
		fputs("stingy: cannot make the JSON: no memory\n", stderr);
		return -1;
	}
	result = stingy_output_put(strcmp(path, "-") == 0 ? NULL : path, text, strlen(text));
	free(text);
	return result;
}

static void print_cache(const char *before, const struct stingy_cache *cache)
{
	fprintf(stderr, "%s%" PRIu32 " bytes, %" PRIu32 " ways, lines of %" PRIu32, before, cache->size, cache->ways,
		cache->line);
}

/* Which cache it was made for, where that might surprise. */
static void tell_cache(const struct stingy_solve *solve)
{
	const struct stingy_cache *here = &solve->options->here;

	if (solve->caches_differ) {
		print_cache("stingy: the traces' machines have different L2 caches: took the smallest, ",
			    &solve->cache);
		fputc('\n', stderr);
	} else if (!solve->options->cache.size && here->size && memcmp(here, &solve->cache, sizeof(*here)) != 0) {
		print_cache("stingy: took the L2 of the traces' machine, ", &solve->cache);
		print_cache("; here it has ", here);
		fputc('\n', stderr);
	}
}

/* A count for a kind that is not there is a slip of the pen, and so is a function that nobody called. */
static void tell_unused(const struct stingy_solve *solve)
{
	const struct stingy_declarations *interface = solve->options->interface;

	for (uint32_t i = 0; interface && i < interface->n; i++)
		if (!stingy_declarations_is_seen(&interface->at[i], &solve->places, solve->program))
			fprintf(stderr, "stingy: --interface: '%s': no call chain has that function\n",
				interface->at[i].text.at);
	for (uint32_t i = 0; i < solve->choices.n_counts; i++)
		if (!solve->bounds.used[i])
			fprintf(stderr, "stingy: --count: no kind is called '%s'\n", solve->choices.count[i].site);
}

static void print(const struct stingy_solve_command *command, const struct stingy_account *account)
{
	const struct stingy_solve *solve = account->solve;

	tell_cache(solve);
	tell_unused(solve);
	stingy_explain(solve, command->verbose, stderr);
	if (!solve->nothing)
		stingy_advice_print(&account->advice, stderr);
	if (command->explain)
		stingy_account_text(account, stderr);
}

/* Returns 0, or -1 if the JSON cannot be written. */
static int tell(const struct stingy_solve_command *command, const struct stingy_solve *solve)
{
	struct stingy_account account;
	int result;

	stingy_account_init(&account, solve);
	result = command->json ? write_json(command->json, &account) : 0;
	if (result == 0)
		print(command, &account);
	stingy_account_fini(&account);
	return result;
}

static int run(const struct stingy_solve_command *command, char **paths, int n_paths)
{
	struct stingy_solve solve;
	int result;

	stingy_solve_init(&solve, &command->options);
	stingy_progress_begin();
	result = stingy_solve_run(&solve, (const char *const *)paths, (uint32_t)n_paths);
	stingy_progress_end();
	if (result < 0) {
		fprintf(stderr, "stingy: %s\n", solve.error);
	} else {
		result = write_manifest(command, &solve);
		if (result == 0)
			result = tell(command, &solve);
	}
	stingy_solve_fini(&solve);
	return result < 0 ? STINGY_EXIT_BAD_INPUT : STINGY_EXIT_OK;
}

int stingy_cmd_solve(int argc, char **argv)
{
	struct stingy_solve_command command;
	int result = stingy_solve_command_parse(&command, argc, argv);

	if (result <= 0)
		result = result < 0 ? STINGY_EXIT_BAD_INPUT : STINGY_EXIT_OK;
	else if (command.rebase.manifest)
		result = carry_over(&command);
	else
		result = run(&command, argv + optind, argc - optind);
	stingy_choices_fini(&command.options.choices);
	stingy_declarations_fini(&command.interface);
	return result;
}
