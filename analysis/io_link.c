// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Linking.  A host request serves a guest request when the guest's VM submitted
 * it, it does the same thing, its sectors are those that the VM's disk maps the
 * guest's to, and it runs while the guest waits.
 *
 * Host requests are found by chunks of 128 KiB of their device, in each chunk
 * by completion.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/io_internal.h"
#include "analysis/map.h"
#include "analysis/spans.h"

#define CHUNK_SHIFT 8
#define MAX_CHUNKS  64		     /* larger requests: one list per device */
#define CHUNK_LARGE UINT64_MAX	     /* that list */
#define CHUNK_FLUSH (UINT64_MAX - 1) /* flushes have no sectors */
#define CHUNK_OPEN  (UINT64_MAX - 2) /* completion not in the trace; by issue */
#define VOTERS	    2000	     /* requests that choose a guest device's disk */

/* What a guest claims must not cost more than it can be worth. */
#define MAX_GUEST_CHUNKS 256
#define MAX_CANDIDATES	 256
#define MAX_SCAN	 8192 /* entries and chunks per request */
#define MAX_GUEST_DEVS	 64   /* per machine */

struct entry {
	uint32_t dev;
	uint64_t chunk;
	uint64_t end_ns;
	uint64_t least_start_ns; /* of this and all that follow in the chunk */
	size_t host;
};

/* A host request that may serve (a part of) the guest request at hand. */
struct candidate {
	size_t host;
	uint64_t sector; /* on the host's device */
	uint64_t sectors;
	uint64_t start_ns;
	bool is_late_or_early; /* outside the guest's [issue, complete] by more than the error */
	bool is_taken;	       /* these sectors serve an earlier guest request */
	bool is_chosen;
};

struct linker {
	const struct ivt_trace_info *info;
	const uint64_t *error_ns;
	struct ivt_io_result *r;
	struct entry *entries;
	size_t n_entries, entries_capacity;
	size_t links_capacity;
	uint64_t *served; /* per host request: sectors that serve a guest's; a flush: 1 */
	/* the guest request at hand */
	const struct ivt_io_request *g;
	size_t budget; /* of MAX_SCAN, what is left */
	struct candidate *cand;
	size_t n_cand, cand_capacity;
	struct ivt_spans covered; /* by the chosen, on the host's device */
	uint32_t host_dev;
	bool is_out_of_memory;
};

uint64_t io_map_range(const struct ivt_disk *disk, uint64_t sector, uint64_t sectors,
		      void (*fn)(void *arg, uint64_t host_sector, uint64_t sectors), void *arg)
{
	uint64_t end = sector + sectors, mapped = 0;
	size_t low = 0, high = disk->n_extents;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct ivt_extent *x = &disk->extents[mid];

		if (x->guest_sector + x->sectors <= sector)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < disk->n_extents && disk->extents[low].guest_sector < end; low++) {
		const struct ivt_extent *x = &disk->extents[low];
		uint64_t from = x->guest_sector > sector ? x->guest_sector : sector;
		uint64_t to = x->guest_sector + x->sectors;

		to = to < end ? to : end;
		if (from >= to)
			continue;
		mapped += to - from;
		fn(arg, x->host_sector + (from - x->guest_sector), to - from);
	}
	return mapped;
}

/* ---- the index of host requests ------------------------------------------- */

static int entry_order(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->chunk != y->chunk)
		return x->chunk < y->chunk ? -1 : 1;
	if (x->end_ns != y->end_ns)
		return x->end_ns < y->end_ns ? -1 : 1;
	return (x->host > y->host) - (x->host < y->host);
}

static void chunks_of(const struct ivt_io_request *h, uint64_t *ret_first, uint64_t *ret_last)
{
	if (!h->complete_ns) {
		*ret_first = *ret_last = CHUNK_OPEN;
	} else if (!h->nr_sector) {
		*ret_first = *ret_last = CHUNK_FLUSH;
	} else if (h->nr_sector >> CHUNK_SHIFT > MAX_CHUNKS) {
		*ret_first = *ret_last = CHUNK_LARGE;
	} else {
		*ret_first = h->sector >> CHUNK_SHIFT;
		*ret_last = (h->sector + h->nr_sector - 1) >> CHUNK_SHIFT;
	}
}

static int index_add(struct linker *l, size_t host)
{
	const struct ivt_io_request *h = &l->r->host[host];
	uint64_t end_ns = h->complete_ns ? h->complete_ns : h->issue_ns;
	uint64_t chunk, last;

	chunks_of(h, &chunk, &last);
	do {
		if (ivt_array_reserve(&l->entries, &l->entries_capacity, l->n_entries + 1,
				      sizeof(*l->entries)))
			return -ENOMEM;
		l->entries[l->n_entries++] =
			(struct entry){ h->dev, chunk, end_ns, h->start_ns, host };
	} while (chunk++ < last);
	return 0;
}

static int index_build(struct linker *l)
{
	size_t i;

	for (i = 0; i < l->r->n_host; i++)
		if (index_add(l, i))
			return -ENOMEM;
	if (l->n_entries)
		qsort(l->entries, l->n_entries, sizeof(*l->entries), entry_order);
	for (i = l->n_entries; i-- > 1;) {
		struct entry *e = &l->entries[i - 1];

		if (e[1].dev == e->dev && e[1].chunk == e->chunk &&
		    e[1].least_start_ns < e->least_start_ns)
			e->least_start_ns = e[1].least_start_ns;
	}
	return 0;
}

/* First entry of (dev, chunk) that ends after @after_ns. */
static size_t index_find(const struct linker *l, uint32_t dev, uint64_t chunk, uint64_t after_ns)
{
	struct entry key = { dev, chunk, after_ns, 0, SIZE_MAX };
	size_t low = 0, high = l->n_entries;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (entry_order(&l->entries[mid], &key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* ---- candidates ------------------------------------------------------------ */

static bool link_violates(const struct ivt_io_request *g, const struct ivt_io_request *h,
			  uint64_t error_ns)
{
	if (h->start_ns < g->issue_ns && g->issue_ns - h->start_ns > error_ns)
		return true;
	return h->complete_ns > g->complete_ns && h->complete_ns - g->complete_ns > error_ns;
}

/* Does it serve earlier guest requests, so that no room is left for @sectors? */
static bool is_taken(const struct linker *l, size_t host, uint64_t sectors)
{
	uint32_t nr_sector = l->r->host[host].nr_sector;

	return nr_sector ? l->served[host] + sectors > nr_sector : l->served[host];
}

static void candidate_add(struct linker *l, size_t host, uint64_t sector, uint64_t sectors)
{
	const struct ivt_io_request *h = &l->r->host[host];
	const struct ivt_io_request *g = l->g;

	if (h->owner != g->machine || h->start_ns >= g->complete_ns)
		return;
	if (io_op_of(h->rwbs, h->nr_sector) != io_op_of(g->rwbs, g->nr_sector))
		return;
	if (l->n_cand == MAX_CANDIDATES)
		return;
	if (ivt_array_reserve(&l->cand, &l->cand_capacity, l->n_cand + 1, sizeof(*l->cand))) {
		l->is_out_of_memory = true;
		return;
	}
	l->cand[l->n_cand++] = (struct candidate){
		.host = host,
		.sector = sector,
		.sectors = sectors,
		.start_ns = h->start_ns,
		.is_late_or_early = link_violates(g, h, l->error_ns[g->machine]),
		.is_taken = is_taken(l, host, sectors),
	};
}

/* All entries of one chunk that run in the guest request's time and share
 * sectors of [sector, +sectors). */
static void chunk_candidates(struct linker *l, uint64_t chunk, uint64_t sector, uint64_t sectors)
{
	const struct entry *e, *end = l->entries + l->n_entries;

	if (!l->budget || !l->n_entries)
		return;
	l->budget--;
	for (e = l->entries + index_find(l, l->host_dev, chunk, l->g->issue_ns);
	     e < end && l->budget && e->dev == l->host_dev && e->chunk == chunk &&
	     e->least_start_ns < l->g->complete_ns;
	     e++, l->budget--) {
		const struct ivt_io_request *h = &l->r->host[e->host];
		uint64_t from = h->sector > sector ? h->sector : sector;
		uint64_t h_end = h->sector + h->nr_sector;
		uint64_t to = h_end < sector + sectors ? h_end : sector + sectors;

		if (chunk == CHUNK_FLUSH)
			candidate_add(l, e->host, 0, 0);
		/* One that lies in several chunks counts in the first of them. */
		else if (from < to && (chunk >= CHUNK_OPEN || from >> CHUNK_SHIFT == chunk))
			candidate_add(l, e->host, from, to - from);
	}
}

static void piece_candidates(void *arg, uint64_t sector, uint64_t sectors)
{
	struct linker *l = arg;
	uint64_t chunk = sector >> CHUNK_SHIFT, last = (sector + sectors - 1) >> CHUNK_SHIFT;

	if (last - chunk > MAX_GUEST_CHUNKS)
		last = chunk + MAX_GUEST_CHUNKS;
	for (; chunk <= last && chunk < CHUNK_OPEN; chunk++)
		chunk_candidates(l, chunk, sector, sectors);
	chunk_candidates(l, CHUNK_LARGE, sector, sectors);
	chunk_candidates(l, CHUNK_OPEN, sector, sectors);
}

static int candidate_order(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->is_late_or_early != y->is_late_or_early)
		return x->is_late_or_early ? 1 : -1;
	if (x->is_taken != y->is_taken)
		return x->is_taken ? 1 : -1;
	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return (x->host > y->host) - (x->host < y->host);
}

/*
 * Gather the candidates for @g on @disk and choose the best of them until its
 * range is covered.  Returns the sectors covered; *ret_is_ambiguous: there was
 * a choice.
 */
static uint64_t candidates_choose(struct linker *l, const struct ivt_disk *disk,
				  bool *ret_is_ambiguous)
{
	uint64_t covered = 0;
	size_t i;

	l->n_cand = 0;
	l->covered.n = 0;
	l->host_dev = disk->host_dev;
	*ret_is_ambiguous = false;
	l->budget = MAX_SCAN;
	io_map_range(disk, l->g->sector, l->g->nr_sector, piece_candidates, l);
	if (l->n_cand)
		qsort(l->cand, l->n_cand, sizeof(*l->cand), candidate_order);
	for (i = 0; i < l->n_cand; i++) {
		struct candidate *c = &l->cand[i];
		uint64_t fresh = 0;

		if (ivt_spans_add(&l->covered, c->sector, c->sector + c->sectors, &fresh))
			l->is_out_of_memory = true;
		c->is_chosen = fresh > 0;
		covered += fresh;
		/* One that is only out of time's order was no choice. */
		if (fresh < c->sectors && !c->is_late_or_early)
			*ret_is_ambiguous = true;
	}
	return covered;
}

/* ---- which disk a guest device is ------------------------------------------- */

static bool capacity_fits(const struct io_capacities *cap, uint32_t machine, uint32_t dev,
			  uint64_t sectors)
{
	size_t i;

	for (i = 0; i < cap->n; i++)
		if (cap->of[i].machine == machine && cap->of[i].dev == dev)
			return cap->of[i].sectors == sectors;
	return true; /* not known */
}

static uint64_t disk_votes(struct linker *l, const struct ivt_disk *disk, uint32_t machine,
			   uint32_t dev)
{
	uint64_t votes = 0, voters = 0;
	bool is_ambiguous;
	size_t i;

	for (i = 0; i < l->r->n_guest && voters < VOTERS; i++) {
		l->g = &l->r->guest[i];
		if (l->g->machine != machine || l->g->dev != dev || !l->g->nr_sector ||
		    !l->g->complete_ns)
			continue;
		voters++;
		if (candidates_choose(l, disk, &is_ambiguous) == l->g->nr_sector)
			votes += is_ambiguous ? 1 : 2;
	}
	return votes;
}

/* The VM's disk behind a guest device: by capacity, then by votes. */
static const struct ivt_disk *disk_of(struct linker *l, const struct io_capacities *cap,
				      uint32_t machine, uint32_t dev)
{
	const struct ivt_machine_info *m = &l->info->machines[machine];
	const struct ivt_disk *best = NULL;
	uint64_t best_votes = 0;
	size_t d, n_fit = 0;

	for (d = 0; d < m->n_disks; d++)
		n_fit += capacity_fits(cap, machine, dev, m->disks[d].sectors);
	for (d = 0; d < m->n_disks; d++) {
		const struct ivt_disk *disk = &m->disks[d];
		bool fits = capacity_fits(cap, machine, dev, disk->sectors);
		uint64_t votes;

		if (n_fit && !fits)
			continue;
		if (n_fit == 1 || m->n_disks == 1)
			return disk;
		votes = disk_votes(l, disk, machine, dev);
		if (votes > best_votes) {
			best = disk;
			best_votes = votes;
		}
	}
	return best;
}

/* ---- links -------------------------------------------------------------------- */

static int link_add(struct linker *l, struct ivt_io_request *g, const struct candidate *c)
{
	struct ivt_io_result *r = l->r;
	struct ivt_io_request *h = &r->host[c->host];
	size_t n = r->n_links;

	if (ivt_array_reserve(&r->links, &l->links_capacity, n + 1, sizeof(*r->links)))
		return -ENOMEM;
	r->links[n] = (struct ivt_io_link){ g - r->guest, c->host, c->sectors };
	l->served[c->host] += h->nr_sector ? c->sectors : 1;
	r->n_links++;
	if (!g->n_links++) {
		g->first_link = n;
		g->first_host = c->host;
	}
	if (r->host[g->first_host].start_ns > h->start_ns)
		g->first_host = c->host;
	if (h->guest == IVT_IO_NO_REQUEST)
		h->guest = g - r->guest;
	if (c->is_late_or_early)
		r->machines[g->machine].causality_violations++;
	if (!h->complete_ns)
		g->confidence = IVT_IO_INCOMPLETE;
	return 0;
}

static int link_flush(struct linker *l, struct ivt_io_request *g, const struct ivt_disk *disk)
{
	const struct candidate *best = NULL;
	size_t i;

	l->n_cand = 0;
	l->host_dev = disk->host_dev;
	l->budget = MAX_SCAN;
	chunk_candidates(l, CHUNK_FLUSH, 0, 0);
	if (l->n_cand)
		qsort(l->cand, l->n_cand, sizeof(*l->cand), candidate_order);
	/* No sectors tell one flush from another: only those in time's order. */
	for (i = 0; i < l->n_cand && !best; i++)
		if (!l->cand[i].is_late_or_early)
			best = &l->cand[i];
	if (!best)
		return 0;
	if (g->confidence != IVT_IO_INCOMPLETE)
		g->confidence = l->n_cand > 1 ? IVT_IO_AMBIGUOUS : IVT_IO_EXACT;
	return link_add(l, g, best);
}

static int link_request(struct linker *l, struct ivt_io_request *g, const struct ivt_disk *disk)
{
	bool is_ambiguous, is_late_or_early = false;
	uint64_t covered;
	int ret = 0;
	size_t i;

	l->g = g;
	if (!g->nr_sector)
		return link_flush(l, g, disk);
	covered = candidates_choose(l, disk, &is_ambiguous);
	if (l->is_out_of_memory)
		return -ENOMEM;
	if (covered && g->confidence != IVT_IO_INCOMPLETE)
		g->confidence = is_ambiguous || covered < g->nr_sector ? IVT_IO_AMBIGUOUS
								       : IVT_IO_EXACT;
	for (i = 0; i < l->n_cand && !ret; i++) {
		if (!l->cand[i].is_chosen)
			continue;
		ret = link_add(l, g, &l->cand[i]);
		is_late_or_early |= l->cand[i].is_late_or_early;
	}
	if (is_late_or_early && g->confidence == IVT_IO_EXACT)
		g->confidence = IVT_IO_AMBIGUOUS;
	return ret;
}

#define COUNT_KEY UINT64_MAX /* no device: how many a machine has */

/* (machine, dev) of guests -> index of its disk, found once. */
static const struct ivt_disk *disk_known(struct linker *l, struct ivt_map *known,
					 const struct io_capacities *cap,
					 const struct ivt_io_request *g)
{
	const struct ivt_machine_info *m = &l->info->machines[g->machine];
	size_t i = ivt_map_get(known, g->machine, g->dev);

	if (i == IVT_MAP_NONE) {
		size_t n = ivt_map_get(known, g->machine, COUNT_KEY);
		const struct ivt_disk *disk = NULL;

		n = n == IVT_MAP_NONE ? 0 : n;
		if (n < MAX_GUEST_DEVS)
			disk = disk_of(l, cap, g->machine, g->dev);
		i = disk ? (size_t)(disk - m->disks) : m->n_disks;
		if (ivt_map_set(known, g->machine, g->dev, i) ||
		    ivt_map_set(known, g->machine, COUNT_KEY, n + 1))
			l->is_out_of_memory = true;
	}
	return i < m->n_disks ? &m->disks[i] : NULL;
}

static int by_guest_issue(const void *a, const void *b)
{
	const struct ivt_io_request *x = *(struct ivt_io_request *const *)a;
	const struct ivt_io_request *y = *(struct ivt_io_request *const *)b;

	if (x->issue_ns != y->issue_ns)
		return x->issue_ns < y->issue_ns ? -1 : 1;
	return (x > y) - (x < y);
}

/* In the order of issue, so that of two equal writes the first takes the first. */
static int link_all(struct linker *l, const struct io_capacities *cap)
{
	struct ivt_io_request **order = calloc(l->r->n_guest + 1, sizeof(*order));
	struct ivt_map known = { 0 };
	int ret = order ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; i < l->r->n_guest && !ret; i++)
		order[i] = &l->r->guest[i];
	if (!ret)
		qsort(order, l->r->n_guest, sizeof(*order), by_guest_issue);
	for (i = 0; i < l->r->n_guest && !ret; i++) {
		struct ivt_io_request *g = order[i];
		const struct ivt_disk *disk = disk_known(l, &known, cap, g);

		if (!g->complete_ns)
			g->confidence = IVT_IO_INCOMPLETE;
		else if (g->confidence != IVT_IO_INCOMPLETE)
			g->confidence = IVT_IO_UNLINKED;
		if (disk && g->complete_ns)
			ret = link_request(l, g, disk);
		if (l->is_out_of_memory)
			ret = -ENOMEM;
	}
	ivt_map_deinit(&known);
	free(order);
	return ret;
}

int io_link(const struct ivt_trace_info *info, const struct io_capacities *capacities,
	    const uint64_t *error_ns, struct ivt_io_result *r)
{
	struct linker l = { .info = info, .error_ns = error_ns, .r = r };
	int ret = -ENOMEM;

	l.served = calloc(r->n_host + 1, sizeof(*l.served));
	if (l.served)
		ret = index_build(&l);
	if (!ret)
		ret = link_all(&l, capacities);
	free(l.served);
	free(l.entries);
	free(l.cand);
	free(l.covered.of);
	return ret;
}
