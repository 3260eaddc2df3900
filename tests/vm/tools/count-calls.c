// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * count-calls N [CPU]: N times getpriority(PRIO_PROCESS, i), i from 0: a system
 * call that nothing else makes, whose argument numbers it.  Runs in the guest.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned long i, n = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000;
	cpu_set_t set;

	if (argc > 2) {
		CPU_ZERO(&set);
		CPU_SET(atoi(argv[2]), &set);
		if (sched_setaffinity(0, sizeof(set), &set))
			return 1;
	}
	for (i = 0; i < n; i++)
		syscall(SYS_getpriority, 0, i);
	printf("%lu\n", n);
	return 0;
}
