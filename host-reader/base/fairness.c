// SPDX-License-Identifier: GPL-2.0-or-later
#include <time.h>
#include "host-reader/base/fairness.h"

#define LONG_NS 1000000000u /* a pause after which the share is full in any case */

static void refill(struct share *share, uint64_t now_ns)
{
	uint64_t elapsed_ns = now_ns - share->refilled_ns;

	if (!share->refilled_ns || elapsed_ns > LONG_NS)
		elapsed_ns = LONG_NS;
	share->refilled_ns = now_ns;
	share->left_ns += (int64_t)(elapsed_ns * share->percent / 100);
	if (share->left_ns > SHARE_BURST_NS)
		share->left_ns = SHARE_BURST_NS;
}

bool share_may_run(struct share *share, uint64_t now_ns, unsigned int n_waiting)
{
	unsigned int n_others = n_waiting - (share->was_waiting && n_waiting);

	refill(share, now_ns);
	if (share->left_ns > 0 || n_others == 0)
		return true;
	share->n_skipped++;
	return false;
}

void share_charge(struct share *share, uint64_t cpu_ns)
{
	share->left_ns -= (int64_t)cpu_ns;
}

uint64_t thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}
