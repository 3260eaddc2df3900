// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Work of which the scheduler has something to tell: a byte goes to and fro between two
 * processes on one CPU, N times.  Says into FILE how much CPU time both took, in us.
 *
 *	switches N FILE
 */
#include "bench.h"
#include <err.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void pass_on(int from, int to, unsigned long n)
{
	char c = 0;

	while (n--)
		if (read(from, &c, 1) != 1 || write(to, &c, 1) != 1)
			err(1, "the other process has gone");
}

static double used_us(int who)
{
	struct rusage use;

	getrusage(who, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e6 +
	       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
	unsigned long n = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	int there[2], back[2];
	FILE *file;
	pid_t pid;

	if (!n) {
		fprintf(stderr, "Usage: switches N FILE\n");
		return 2;
	}
	if (!bench_pin(0) || pipe(there) || pipe(back))
		err(1, "cannot begin");
	pid = fork();
	if (pid < 0)
		err(1, "cannot fork");
	if (!pid) {
		pass_on(there[0], back[1], n);
		_exit(0);
	}
	if (write(there[1], "", 1) != 1)
		err(1, "the other process has gone");
	pass_on(back[0], there[1], n - 1);
	waitpid(pid, NULL, 0);
	file = fopen(argv[2], "we");
	if (!file)
		err(1, "cannot write '%s'", argv[2]);
	fprintf(file, "%.0f\n", used_us(RUSAGE_SELF) + used_us(RUSAGE_CHILDREN));
	return fclose(file) ? 1 : 0;
}
