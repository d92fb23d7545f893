#include "solution.h"

#include <stdlib.h>
#include <string.h>

void stingy_solution_fini(struct stingy_solution *solution)
{
	free(solution->stage_price);
	free(solution->order_price);
	free(solution->max_price);
	memset(solution, 0, sizeof(*solution));
}

double stingy_solution_tau_price(const struct stingy_problem *problem, const struct stingy_solution *solution)
{
	double price = solution->layout_price;

	for (uint32_t i = 0; solution->stage_price && i < problem->n_stages; i++)
		price += solution->stage_price[i];
	return price;
}
