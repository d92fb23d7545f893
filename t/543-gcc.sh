#!/usr/bin/env bash
# gcc under the two libraries: the driver runs a compiler, an assembler and a linker, and the program that they make
# is the one that they make without.

# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"
# shellcheck source=shim.sh disable=SC2154
. "${0%/*}/shim.sh"
# shellcheck source=outside.sh
. "$testdir/outside.sh"
tap_require gcc

cat >program.c <<'PROGRAM'
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct node {
	struct node *left, *right;
	char name[20];
	double value;
};

#define FUNCTION(n)                                                                                                    \
	static double f##n(const struct node *at, unsigned depth)                                                      \
	{                                                                                                              \
		double sum = 0;                                                                                        \
		for (unsigned i = 0; i < depth * n; i++)                                                               \
			sum += sqrt(i * at->value + strlen(at->name)) * (i % 3 ? n : -1);                              \
		return (at->left ? f##n(at->left, depth + 1) : 0) + (at->right ? f##n(at->right, depth + 1) : sum);    \
	}
FUNCTION(1) FUNCTION(2) FUNCTION(3) FUNCTION(4)

static struct node *insert(struct node *at, int value)
{
	if (!at) {
		at = calloc(1, sizeof(*at));
		at->value = value;
		snprintf(at->name, sizeof(at->name), "node-%d", value);
	} else if (value < at->value)
		at->left = insert(at->left, value);
	else
		at->right = insert(at->right, value);
	return at;
}

int main(void)
{
	struct node *root = NULL;
	for (int i = 0; i < 2000; i++)
		root = insert(root, i * 7919 % 2003);
	printf("%.6f\n", f1(root, 1) + f2(root, 1) + f3(root, 1) + f4(root, 1));
	return 7;
}
PROGRAM
echo 'int broken(void) { return undeclared + ; }' >broken.c
cat >job.sh <<'JOB'
# Each program that gcc runs is to say for itself what it was served.
compile='gcc -wrapper env,-u,STINGY_MAIN'
$compile -O2 -g -o program program.c -lm || exit
cksum <program
./program
echo "the program ended with $?"
$compile -c -fdiagnostics-plain-output broken.c >broken.out 2>&1
echo "gcc ended with $?"
sed '/^stingy: /d' broken.out
$compile -O1 -c -o one.o program.c
env -u STINGY_MAIN ld -r -o two.o one.o
cksum <two.o
exit 6
JOB

outside gcc bash job.sh
for program in cc1 as ld; do
	outside_managed "$(realpath "$(command -v "$(gcc -print-prog-name=$program)")")" 60
done

tap_done
