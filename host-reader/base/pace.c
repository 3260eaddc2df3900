// SPDX-License-Identifier: GPL-2.0-or-later
#include "host-reader/base/pace.h"

/* Of the fullest ring. */
#define URGENT_PERMILLE 250
#define BUSY_PERMILLE	125
#define QUIET_PERMILLE	60 /* less than half of BUSY: twice the sleep is not too long */

uint64_t pace_next(uint64_t sleep_ns, unsigned int fill_permille, uint64_t longest_ns)
{
	if (fill_permille >= URGENT_PERMILLE)
		sleep_ns = PACE_SHORTEST_NS;
	else if (fill_permille >= BUSY_PERMILLE)
		sleep_ns /= 2;
	else if (fill_permille < QUIET_PERMILLE)
		sleep_ns *= 2;
	if (sleep_ns < PACE_SHORTEST_NS)
		sleep_ns = PACE_SHORTEST_NS;
	return sleep_ns < longest_ns ? sleep_ns : longest_ns;
}
