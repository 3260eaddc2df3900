/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's clock without a VM, for programs that pretend to be one: the host's
 * TSC with an offset, held where QEMU holds it (timers_state in the dynamic
 * table), so that ivtrace-host --tsc tcg finds it.  To be included before ring.h.
 */
#ifndef TESTS_DATA_PRETENDED_H
#define TESTS_DATA_PRETENDED_H

#include <stdint.h>
#include <time.h>
#include <x86intrin.h>

/* {last TSC given out, offset} */
extern int64_t timers_state[8];
int64_t timers_state[8];

static inline unsigned long long pretended_tsc(void)
{
	unsigned long long tsc = __rdtsc() + (unsigned long long)timers_state[1];

	__atomic_store_n(&timers_state[0], (int64_t)tsc, __ATOMIC_RELAXED);
	return tsc;
}
#define IVRING_CLOCK() pretended_tsc()

static inline void pause_us(long us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&ts, NULL);
}

#endif /* TESTS_DATA_PRETENDED_H */
