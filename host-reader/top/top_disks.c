// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>
#include <ivring/events.h>
#include "host-reader/top/top_disks.h"

#define MAX_DONE (1u << 20) /* in one interval; others are counted alone */

static struct top_request *find(struct top_disks *d, uint32_t dev, uint64_t rq)
{
	size_t i;

	for (i = 0; i < d->n_in_flight; i++)
		if (d->in_flight[i].rq == rq && d->in_flight[i].dev == dev)
			return &d->in_flight[i];
	return NULL;
}

static void issue(struct top_disks *d, uint32_t dev, uint64_t rq, uint64_t ns)
{
	struct top_request *r = find(d, dev, rq); /* issued again, or its end was lost */

	if (!r && d->n_in_flight == TOP_MAX_IN_FLIGHT) {
		d->n_unmatched++;
		return;
	}
	if (!r)
		r = &d->in_flight[d->n_in_flight++];
	*r = (struct top_request){ rq, dev, ns };
}

static void complete(struct top_disks *d, uint32_t dev, uint64_t rq, uint64_t ns)
{
	struct top_request *r = find(d, dev, rq);
	size_t n = d->n_done;
	uint64_t *grown;

	if (!r || n == MAX_DONE) {
		d->n_unmatched++;
		return;
	}
	if ((n & (n - 1)) == 0) {
		grown = realloc(d->took_ns, (n ? n * 2 : 1) * sizeof(*grown));
		if (!grown)
			return;
		d->took_ns = grown;
	}
	d->took_ns[d->n_done++] = ns > r->issued_ns ? ns - r->issued_ns : 0;
	*r = d->in_flight[--d->n_in_flight];
}

void top_disks_see(struct top_disks *d, const struct ivt_event *ev)
{
	uint32_t dev;
	uint64_t rq;

	if (ev->type != IVT_TYPE_block_rq_issue && ev->type != IVT_TYPE_block_rq_complete)
		return;
	dev = (uint32_t)ivt_field_int(ev->desc, ev->payload, "dev");
	rq = (uint64_t)ivt_field_int(ev->desc, ev->payload, "rq");
	if (ev->type == IVT_TYPE_block_rq_issue)
		issue(d, dev, rq, ev->host_ns);
	else
		complete(d, dev, rq, ev->host_ns);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void top_disks_take(struct top_disks *d, struct top_disks_result *ret)
{
	*ret = (struct top_disks_result){ .n_done = d->n_done };
	if (d->n_done) {
		qsort(d->took_ns, d->n_done, sizeof(*d->took_ns), compare);
		ret->p50_ns = d->took_ns[(d->n_done - 1) / 2];
		ret->max_ns = d->took_ns[d->n_done - 1];
	}
	d->n_done = 0;
}

void top_disks_deinit(struct top_disks *d)
{
	free(d->took_ns);
	memset(d, 0, sizeof(*d));
}
