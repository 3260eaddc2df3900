// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Contention.  At each instant a device serves one request: of those issued the
 * one that completes first from now (exact for any device that serves one at a
 * time, in whatever order).  All the others wait behind its owner.
 *
 * The device's time becomes a list of services; holes are idle.  A guest
 * request's time is cut at its host requests and at the services' edges:
 * integer ns, each in exactly one stage.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/io_internal.h"
#include "analysis/map.h"

struct contention {
	struct ivt_io_result *r;
	size_t *order; /* complete host requests by device, then issue */
	/* the guest request at hand */
	struct edge *edges;
	size_t edges_capacity;
	size_t *serves; /* per host request: index + 1 of the guest request marked last */
};

/* Where one of its host requests begins or ends. */
struct edge {
	uint64_t ns;
	bool is_begin;
};

/* ---- what the device served -------------------------------------------------- */

/* A heap of host requests, the first to complete on top. */
struct heap {
	const struct ivt_io_request *host;
	size_t *of;
	size_t n;
};

static bool heap_before(const struct heap *h, size_t a, size_t b)
{
	uint64_t x = h->host[h->of[a]].complete_ns, y = h->host[h->of[b]].complete_ns;

	return x != y ? x < y : h->of[a] < h->of[b];
}

static void heap_swap(struct heap *h, size_t a, size_t b)
{
	size_t t = h->of[a];

	h->of[a] = h->of[b];
	h->of[b] = t;
}

static void heap_push(struct heap *h, size_t host)
{
	size_t i = h->n++;

	h->of[i] = host;
	for (; i && heap_before(h, i, (i - 1) / 2); i = (i - 1) / 2)
		heap_swap(h, i, (i - 1) / 2);
}

static void heap_pop(struct heap *h)
{
	size_t i = 0, child;

	h->of[0] = h->of[--h->n];
	while ((child = 2 * i + 1) < h->n) {
		if (child + 1 < h->n && heap_before(h, child + 1, child))
			child++;
		if (!heap_before(h, child, i))
			break;
		heap_swap(h, i, child);
		i = child;
	}
}

/* A device's services while they are found. */
struct replay {
	struct ivt_io_request *host;
	struct ivt_io_device *d;
	size_t capacity;
};

static int replay_serve(struct replay *replay, size_t served, uint64_t from_ns, uint64_t to_ns)
{
	struct ivt_io_device *d = replay->d;
	struct ivt_io_service *last = d->n_services ? &d->services[d->n_services - 1] : NULL;

	if (last && last->host == served && last->to_ns == from_ns) {
		last->to_ns = to_ns;
		return 0;
	}
	if (ivt_array_reserve(&d->services, &replay->capacity, d->n_services + 1,
			      sizeof(*d->services)))
		return -ENOMEM;
	d->services[d->n_services++] = (struct ivt_io_service){ from_ns, to_ns, served };
	replay->host[served].service_ns = from_ns; /* the last one stays: it ends at completion */
	return 0;
}

/* @in: the device's @n complete requests in order of issue. */
static int device_replay(struct ivt_io_request *host, struct ivt_io_device *d, const size_t *in,
			 size_t n)
{
	struct replay replay = { host, d, 0 };
	struct heap heap = { host, malloc(n * sizeof(size_t)), 0 };
	uint64_t now = 0, until;
	size_t i = 0;
	int ret = heap.of ? 0 : -ENOMEM;

	while (!ret && (i < n || heap.n)) {
		if (!heap.n && host[in[i]].issue_ns > now)
			now = host[in[i]].issue_ns;
		for (; i < n && host[in[i]].issue_ns <= now; i++)
			heap_push(&heap, in[i]);
		until = host[heap.of[0]].complete_ns;
		if (until <= now) {
			heap_pop(&heap);
			continue;
		}
		if (i < n && host[in[i]].issue_ns < until)
			until = host[in[i]].issue_ns;
		ret = replay_serve(&replay, heap.of[0], now, until);
		now = until;
	}
	free(heap.of);
	return ret;
}

/* ---- devices -------------------------------------------------------------------- */

static int by_device(const void *a, const void *b, void *arg)
{
	const struct ivt_io_request *host = arg;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	if (host[x].dev != host[y].dev)
		return host[x].dev < host[y].dev ? -1 : 1;
	return (x > y) - (x < y);
}

/* Complete host requests, by device; the others were never served. */
static int order_requests(struct contention *c, size_t *ret_n)
{
	struct ivt_io_result *r = c->r;
	size_t i, n = 0;

	c->order = malloc((r->n_host + 1) * sizeof(*c->order));
	if (!c->order)
		return -ENOMEM;
	for (i = 0; i < r->n_host; i++) {
		r->host[i].service_ns = r->host[i].complete_ns;
		if (r->host[i].complete_ns)
			c->order[n++] = i;
	}
	qsort_r(c->order, n, sizeof(*c->order), by_device, r->host);
	*ret_n = n;
	return 0;
}

static int devices_replay(struct contention *c)
{
	struct ivt_io_result *r = c->r;
	size_t first, end, n, capacity = 0;
	int ret = order_requests(c, &n);

	for (first = 0; !ret && first < n; first = end) {
		struct ivt_io_device *d;

		if (ivt_array_reserve(&r->devices, &capacity, r->n_devices + 1, sizeof(*d)))
			return -ENOMEM;
		d = &r->devices[r->n_devices++];
		*d = (struct ivt_io_device){ .dev = r->host[c->order[first]].dev };
		for (end = first; end < n && r->host[c->order[end]].dev == d->dev; end++)
			;
		ret = device_replay(r->host, d, &c->order[first], end - first);
	}
	return ret;
}

static const struct ivt_io_device *device_of(const struct contention *c, uint32_t dev)
{
	size_t low = 0, high = c->r->n_devices;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->r->devices[mid].dev < dev)
			low = mid + 1;
		else
			high = mid;
	}
	return &c->r->devices[low]; /* a linked host request is complete, so it is there */
}

/* ---- one guest request ------------------------------------------------------------ */

static const struct ivt_io_request *linked(const struct contention *c,
					   const struct ivt_io_request *g, size_t i)
{
	return &c->r->host[c->r->links[g->first_link + i].host];
}

static uint64_t clamp_ns(uint64_t ns, const struct ivt_io_request *g)
{
	if (ns < g->issue_ns)
		return g->issue_ns;
	return ns < g->complete_ns ? ns : g->complete_ns;
}

static void charge(const struct contention *c, struct ivt_io_request *g, size_t served, uint64_t ns)
{
	uint32_t owner = c->r->host[served].owner;

	if (c->serves[served] == (size_t)(g - c->r->guest) + 1) {
		g->stage_ns[IVT_IO_DEVICE] += ns;
		return;
	}
	g->stage_ns[IVT_IO_WAIT] += ns;
	if (owner < c->r->n_machines)
		g->behind_ns[owner] += ns;
	else
		g->behind_none_ns += ns;
}

/* [from, to): at least one of the request's host requests is under way. */
static void charge_services(const struct contention *c, struct ivt_io_request *g,
			    const struct ivt_io_device *d, uint64_t from_ns, uint64_t to_ns)
{
	size_t low = 0, high = d->n_services;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (d->services[mid].to_ns <= from_ns)
			low = mid + 1;
		else
			high = mid;
	}
	for (; from_ns < to_ns; low++) {
		uint64_t begin = low < d->n_services ? d->services[low].from_ns : UINT64_MAX;
		uint64_t end;

		if (begin > from_ns) {
			uint64_t idle = (begin < to_ns ? begin : to_ns) - from_ns;

			g->stage_ns[IVT_IO_WAIT] += idle;
			g->behind_none_ns += idle;
			from_ns += idle;
		}
		if (from_ns >= to_ns)
			break;
		end = d->services[low].to_ns < to_ns ? d->services[low].to_ns : to_ns;
		charge(c, g, d->services[low].host, end - from_ns);
		from_ns = end;
	}
}

static int by_ns(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	return (x->ns > y->ns) - (x->ns < y->ns);
}

/* The edges of its host requests, ascending; each of them marked as its own. */
static int request_edges(struct contention *c, const struct ivt_io_request *g)
{
	size_t i;

	if (ivt_array_reserve(&c->edges, &c->edges_capacity, 2 * g->n_links, sizeof(*c->edges)))
		return -ENOMEM;
	for (i = 0; i < g->n_links; i++) {
		const struct ivt_io_request *h = linked(c, g, i);

		c->edges[2 * i] = (struct edge){ clamp_ns(h->start_ns, g), true };
		c->edges[2 * i + 1] = (struct edge){ clamp_ns(h->complete_ns, g), false };
		c->serves[h - c->r->host] = (size_t)(g - c->r->guest) + 1;
	}
	qsort(c->edges, 2 * g->n_links, sizeof(*c->edges), by_ns);
	return 0;
}

/* From issue to completion: submit, then between the edges of the host requests
 * waiting, in service or (none under way) submitting again, then the return. */
static int request_stages(struct contention *c, struct ivt_io_request *g)
{
	const struct ivt_io_device *d = device_of(c, linked(c, g, 0)->dev);
	size_t i, n = 2 * g->n_links, n_begun = 0, n_ended = 0;

	if (request_edges(c, g))
		return -ENOMEM;
	g->stage_ns[IVT_IO_SUBMIT] = c->edges[0].ns - g->issue_ns;
	for (i = 0; i + 1 < n; i++) {
		uint64_t from = c->edges[i].ns, to = c->edges[i + 1].ns;

		n_begun += c->edges[i].is_begin;
		n_ended += !c->edges[i].is_begin;
		if (from == to)
			continue;
		if (n_begun > n_ended)
			charge_services(c, g, d, from, to);
		else
			g->stage_ns[IVT_IO_SUBMIT] += to - from;
	}
	g->stage_ns[IVT_IO_RETURN] = g->complete_ns - c->edges[n - 1].ns;
	return 0;
}

static bool sums_are_exact(const struct ivt_io_result *r, const struct ivt_io_request *g)
{
	uint64_t stages = 0, behind = g->behind_none_ns;
	size_t i;

	for (i = 0; i < IVT_IO_STAGES; i++)
		stages += g->stage_ns[i];
	for (i = 0; i < r->n_machines; i++)
		behind += g->behind_ns[i];
	return stages == g->complete_ns - g->start_ns && behind == g->stage_ns[IVT_IO_WAIT];
}

static int contend_guest(struct contention *c, struct ivt_io_request *g)
{
	int ret = 0;

	if (!g->complete_ns)
		return 0;
	g->stage_ns[IVT_IO_GUEST_QUEUE] = g->issue_ns - g->start_ns;
	if (g->n_links && g->confidence != IVT_IO_INCOMPLETE)
		ret = request_stages(c, g);
	else
		g->stage_ns[IVT_IO_UNKNOWN] = g->complete_ns - g->issue_ns;
	c->r->inexact_sums += !ret && !sums_are_exact(c->r, g);
	return ret;
}

int io_contend(struct ivt_io_result *r)
{
	struct contention c = { .r = r };
	int ret = devices_replay(&c);
	size_t i;

	c.serves = calloc(r->n_host + 1, sizeof(*c.serves));
	if (!c.serves)
		ret = -ENOMEM;
	for (i = 0; i < r->n_guest && !ret; i++)
		ret = contend_guest(&c, &r->guest[i]);
	free(c.order);
	free(c.edges);
	free(c.serves);
	return ret;
}
