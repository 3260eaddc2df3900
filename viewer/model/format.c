// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/model/format.h"

#include <inttypes.h>
#include <stdio.h>

static const struct unit {
	uint64_t ns;
	int digits; /* of a ns in this unit */
	const char *name;
} units[] = {
	{ 1000000000, 9, "s" },
	{ 1000000, 6, "ms" },
	{ 1000, 3, "µs" },
	{ 1, 0, "ns" },
};

void ivt_format_ns(uint64_t ns, char *ret, size_t bytes)
{
	const struct unit *u = units;
	uint64_t whole;
	int digits;

	while (u->ns > 1 && ns < u->ns)
		u++;
	whole = ns / u->ns;
	digits = u->ns == 1 || whole >= 100 ? 0 : whole >= 10 ? 1 : 2;
	/* Integers, so that what is printed does not depend on a rounding mode. */
	for (int d = 0; d < 2; d++) {
		uint64_t scale = digits == 2 ? 100 : digits == 1 ? 10 : 1;
		uint64_t n = ns >= UINT64_MAX / 200 ? whole * scale
						    : (ns * scale + u->ns / 2) / u->ns;

		if (digits)
			snprintf(ret, bytes, "%" PRIu64 ".%0*" PRIu64 " %s", n / scale, digits,
				 n % scale, u->name);
		else
			snprintf(ret, bytes, "%" PRIu64 " %s", n, u->name);
		if (n / scale < 1000 || u == units)
			return;
		u--; /* 999.6 us is 1.00 ms */
		digits = 2;
	}
}

void ivt_format_time(int64_t t_ns, int64_t largest_ns, int64_t step_ns, char *ret, size_t bytes)
{
	const char *sign = t_ns < 0 ? "-" : "";
	uint64_t t = t_ns < 0 ? 0 - (uint64_t)t_ns : (uint64_t)t_ns;
	const struct unit *u = units;
	uint64_t fraction;
	int digits;

	while (u->ns > 1 && (uint64_t)largest_ns < u->ns)
		u++;
	digits = u->digits;
	fraction = t % u->ns;
	for (uint64_t s = (uint64_t)step_ns; digits > 0 && s >= 10; s /= 10) {
		fraction /= 10;
		digits--;
	}
	if (digits)
		snprintf(ret, bytes, "%s%" PRIu64 ".%0*" PRIu64 " %s", sign, t / u->ns, digits,
			 fraction, u->name);
	else
		snprintf(ret, bytes, "%s%" PRIu64 " %s", sign, t / u->ns, u->name);
}

void ivt_format_bytes(uint64_t n_bytes, char *ret, size_t bytes)
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB" };
	unsigned int i = 0;

	while (i < 3 && n_bytes >= 1024 && n_bytes % 1024 == 0) {
		n_bytes /= 1024;
		i++;
	}
	snprintf(ret, bytes, "%" PRIu64 " %s", n_bytes, names[i]);
}
