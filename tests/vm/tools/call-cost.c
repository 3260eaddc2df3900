// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * call-cost N: TSC ticks of one getpriority(), the best of five runs of N.
 * Under QEMU's -icount shift=0 a tick is an instruction.  Runs in the guest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

int main(int argc, char **argv)
{
	unsigned long long best = ~0ULL;
	unsigned long i, n = argc > 1 ? strtoul(argv[1], NULL, 0) : 10000;
	int run;

	for (run = 0; run < 5; run++) {
		unsigned long long ticks = __rdtsc();

		for (i = 0; i < n; i++)
			syscall(SYS_getpriority, 0, i);
		ticks = __rdtsc() - ticks;
		if (ticks < best)
			best = ticks;
	}
	printf("%llu\n", n ? best / n : 0);
	return 0;
}
