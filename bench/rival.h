/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another ring that is measured beside ours, in the same run and in turn with it.
 * One that this machine has not is left out, and says why.
 */
#ifndef BENCH_RIVAL_H
#define BENCH_RIVAL_H

#include "bench.h"
#include <stdarg.h>

struct rival {
	const char *name;
	const char *variant; /* what the rival's functions make of it: a mode, a clock */
	/* Prepare to measure.  0; -1: it cannot run, with the reason set. */
	int (*open)(struct rival *rival);
	/* CPU time in ns that a record costs, of about @n; below 0: it failed, with
	 * the reason set. */
	double (*time)(struct rival *rival, uint64_t n);
	/* Take back what was opened; also after a failure.  -1, with the reason set:
	 * what was measured is worthless. */
	int (*close)(struct rival *rival);
	void *state; /* the rival's own */
	bool is_open;
	char reason[200]; /* it was not measured, why; else empty */
	struct bench_samples ns;
};

/* Returns -1, for the caller to return. */
static inline __attribute__((format(printf, 2, 3))) int rival_fail(struct rival *r, const char *why,
								   ...)
{
	va_list args;

	va_start(args, why);
	if (!r->reason[0])
		vsnprintf(r->reason, sizeof(r->reason), why, args);
	va_end(args);
	return -1;
}

static inline void rival_open(struct rival *r)
{
	r->ns.name = r->name;
	r->is_open = true;
	if (geteuid())
		rival_fail(r, "not root");
	else
		r->open(r);
}

/* One sample, unless it failed before. */
static inline void rival_measure(struct rival *r, uint64_t n)
{
	double ns;

	if (r->reason[0])
		return;
	ns = r->time(r, n);
	if (ns >= 0)
		bench_add(&r->ns, ns);
	else
		rival_fail(r, "it stopped");
}

static inline void rival_close(struct rival *r)
{
	if (r->is_open)
		r->close(r);
	r->is_open = false;
}

#endif /* BENCH_RIVAL_H */
