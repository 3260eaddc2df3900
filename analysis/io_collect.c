// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Collecting requests.  A request is named by its address from insert to
 * complete.  Who asked for it, and since when, is known at block_bio_queue,
 * which runs in the submitter's context; the issue may run anywhere (kblockd,
 * another task's plug, an interrupt).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ivring/events.h>
#include "analysis/io_internal.h"
#include "analysis/map.h"
#include "analysis/tasks.h"

/* Queued bios are found by their first sector's chunk of 1 MiB. */
#define BIO_CHUNK_SHIFT 11
#define BIO_MAX_CHUNKS	64

/* What a guest claims must not cost more than it can be worth. */
#define MAX_CHUNK_BIOS	  1024
#define MAX_MACHINE_DISKS 256

struct io_bio {
	uint64_t sector;
	uint64_t ns;
	uint32_t nr_sector;
	uint32_t left; /* sectors not yet seen in a request */
	uint32_t rwbs;
	int32_t tid;
	char comm[16];
	size_t next; /* in its chunk, or in the list of free ones */
};

/* A request while it is collected. */
struct io_open {
	struct ivt_io_request r;
	uint64_t done_sectors;
	uint32_t bio_sectors;	/* of the bio that named the submitter */
	uint64_t taken_sectors; /* of all its bios */
	bool has_bio;
	bool is_begun_before; /* only its completion is in the trace */
};

struct collect {
	struct ivt_trace *trace;
	const struct ivt_trace_info *info;
	struct ivt_tasks *tasks;
	struct ivt_map by_address; /* (machine, rq) -> reqs */
	struct ivt_map by_chunk;   /* (machine:dev, chunk) -> bios */
	struct ivt_map longest; /* (machine, dev) -> chunks that a bio reaches beyond its first */
	struct io_bio *bios;
	size_t n_bios, bios_capacity, free_bio;
	struct io_open *reqs;
	size_t n_reqs, reqs_capacity;
	struct io_capacities *capacities;
	uint64_t *lost; /* per machine */
	uint64_t first_ns;
};

enum io_op io_op_of(uint32_t rwbs, uint32_t nr_sector)
{
	if (rwbs & IVT_RWBS_DISCARD)
		return IO_DISCARD;
	if (rwbs & IVT_RWBS_FLUSH || ((rwbs & IVT_RWBS_PREFLUSH) && !nr_sector))
		return IO_FLUSH;
	return rwbs & IVT_RWBS_WRITE ? IO_WRITE : IO_READ;
}

static uint64_t disk_key(uint32_t machine, uint32_t dev)
{
	return (uint64_t)machine << 32 | dev;
}

/* Sectors that [a, a + n) and [b, b + m) have in common. */
static uint64_t overlap(uint64_t a, uint64_t n, uint64_t b, uint64_t m)
{
	uint64_t from = a > b ? a : b;
	uint64_t to = a + n < b + m ? a + n : b + m;

	return from < to ? to - from : 0;
}

/* How far before a request a bio may begin that it carries. */
static int longest_update(struct collect *c, uint32_t machine,
			  const struct ivt_ev_block_bio_queue *e)
{
	uint64_t end = e->sector + (e->nr_sector ? e->nr_sector - 1 : 0);
	uint64_t chunks = (end >> BIO_CHUNK_SHIFT) - (e->sector >> BIO_CHUNK_SHIFT);
	size_t known = ivt_map_get(&c->longest, machine, e->dev);

	if (chunks > BIO_MAX_CHUNKS)
		chunks = BIO_MAX_CHUNKS;
	if (known != IVT_MAP_NONE && known >= chunks)
		return 0;
	return ivt_map_set(&c->longest, machine, e->dev, chunks);
}

static int on_bio_queue(struct collect *c, const struct ivt_event *ev)
{
	struct ivt_ev_block_bio_queue e;
	size_t i = c->free_bio, head;
	struct io_bio *bio;
	uint64_t key;

	memcpy(&e, ev->payload, sizeof(e));
	if (i != IVT_MAP_NONE) {
		c->free_bio = c->bios[i].next;
	} else {
		if (ivt_array_reserve(&c->bios, &c->bios_capacity, c->n_bios + 1, sizeof(*bio)))
			return -ENOMEM;
		i = c->n_bios++;
	}
	key = disk_key(ev->machine, e.dev);
	head = ivt_map_get(&c->by_chunk, key, e.sector >> BIO_CHUNK_SHIFT);
	bio = &c->bios[i];
	*bio = (struct io_bio){ .sector = e.sector,
				.ns = ev->host_ns,
				.nr_sector = e.nr_sector,
				.left = e.nr_sector,
				.rwbs = e.rwbs,
				.tid = e.tid,
				.next = head };
	memcpy(bio->comm, e.comm, sizeof(bio->comm));
	if (ivt_map_set(&c->by_chunk, key, e.sector >> BIO_CHUNK_SHIFT, i))
		return -ENOMEM;
	return longest_update(c, ev->machine, &e);
}

/* Does the request carry (a part of) this bio?  Sectors in common, 0 if not. */
static uint32_t bio_share(const struct io_bio *bio, const struct ivt_io_request *r)
{
	enum io_op op = io_op_of(r->rwbs, r->nr_sector);

	if (op == IO_FLUSH) /* carries no sector; a flush before data belongs to the data */
		return bio->rwbs & IVT_RWBS_PREFLUSH ? 1 : 0;
	if (op != io_op_of(bio->rwbs, bio->nr_sector))
		return 0;
	return overlap(bio->sector, bio->nr_sector, r->sector, r->nr_sector);
}

static void request_take_bio(struct io_open *q, struct io_bio *bio, uint32_t share)
{
	bool is_flush = io_op_of(q->r.rwbs, q->r.nr_sector) == IO_FLUSH;

	/* It carries no sector twice: an older one was issued unseen. */
	if (!is_flush && q->taken_sectors >= q->r.nr_sector) {
		bio->left = 0;
		return;
	}
	q->taken_sectors += share;
	if (bio->ns < q->r.start_ns)
		q->r.start_ns = bio->ns;
	if (!q->has_bio || share > q->bio_sectors) {
		q->r.tid = bio->tid;
		memcpy(q->r.comm, bio->comm, sizeof(q->r.comm));
		q->bio_sectors = share;
		q->has_bio = true;
	}
	if (share < bio->left)
		bio->left -= share;
	else
		bio->left = 0;
}

static int chunk_take_bios(struct collect *c, struct io_open *q, uint64_t chunk)
{
	uint64_t key = disk_key(q->r.machine, q->r.dev);
	bool is_flush = io_op_of(q->r.rwbs, q->r.nr_sector) == IO_FLUSH;
	size_t head = ivt_map_get(&c->by_chunk, key, chunk), i, next, *link = &head;
	size_t first = head, n = 0;

	for (i = head; i != IVT_MAP_NONE; i = next) {
		struct io_bio *bio = &c->bios[i];
		uint32_t share = bio_share(bio, &q->r);

		/* Older ones were never issued: forget them. */
		next = ++n < MAX_CHUNK_BIOS ? bio->next : IVT_MAP_NONE;
		bio->next = next;
		if (share)
			request_take_bio(q, bio, share);
		/* The data of a bio that also flushes comes later. */
		if (share && !bio->left && !(is_flush && bio->nr_sector)) {
			*link = next;
			bio->next = c->free_bio;
			c->free_bio = i;
		} else {
			link = &bio->next;
		}
	}
	return head == first ? 0 : ivt_map_set(&c->by_chunk, key, chunk, head);
}

/* Take back from the queue what this request carries: start and submitter. */
static int request_take_bios(struct collect *c, struct io_open *q)
{
	size_t reach = ivt_map_get(&c->longest, q->r.machine, q->r.dev);
	uint64_t first = q->r.sector >> BIO_CHUNK_SHIFT;
	uint64_t last = (q->r.sector + (q->r.nr_sector ? q->r.nr_sector - 1 : 0)) >>
			BIO_CHUNK_SHIFT;
	uint64_t chunk;

	if (reach == IVT_MAP_NONE)
		return 0;
	if (last - first > BIO_MAX_CHUNKS)
		last = first + BIO_MAX_CHUNKS;
	first -= reach < first ? reach : first;
	for (chunk = last + 1; chunk-- > first;) {
		int err = chunk_take_bios(c, q, chunk);

		if (err)
			return err;
	}
	return 0;
}

static struct io_open *request_find(struct collect *c, const struct ivt_event *ev, uint64_t address)
{
	size_t i = ivt_map_get(&c->by_address, ev->machine, address);

	return i == IVT_MAP_NONE ? NULL : &c->reqs[i];
}

/* A new one of this address: the one before is over, seen or not. */
static struct io_open *request_add(struct collect *c, const struct ivt_event *ev, uint64_t address)
{
	struct io_open *q = request_find(c, ev, address);

	if (q && !q->r.over_ns)
		q->r.over_ns = ev->host_ns;
	if (ivt_array_reserve(&c->reqs, &c->reqs_capacity, c->n_reqs + 1, sizeof(*q)) ||
	    ivt_map_set(&c->by_address, ev->machine, address, c->n_reqs))
		return NULL;
	q = &c->reqs[c->n_reqs++];
	memset(q, 0, sizeof(*q));
	q->r.machine = ev->machine;
	q->r.start_ns = ev->host_ns;
	q->r.owner = IVT_IO_OWNER_NONE;
	q->r.guest = IVT_IO_NO_REQUEST;
	q->r.first_host = IVT_IO_NO_REQUEST;
	return q;
}

static void request_fill(struct io_open *q, const struct ivt_ev_block_rq_issue *e)
{
	q->r.dev = e->dev;
	q->r.sector = e->sector;
	q->r.nr_sector = e->nr_sector;
	q->r.rwbs = e->rwbs;
	if (!q->has_bio) {
		q->r.tid = e->tid;
		memcpy(q->r.comm, e->comm, sizeof(q->r.comm));
	}
}

static int on_insert(struct collect *c, const struct ivt_event *ev)
{
	struct ivt_ev_block_rq_issue e; /* the same fields */
	struct io_open *q;

	memcpy(&e, ev->payload, sizeof(e));
	q = request_find(c, ev, e.rq);
	if (q && !q->r.over_ns && q->r.dev == e.dev && q->r.sector == e.sector)
		return 0; /* again, after a requeue */
	q = request_add(c, ev, e.rq);
	if (!q)
		return -ENOMEM;
	request_fill(q, &e);
	return 0;
}

static int on_issue(struct collect *c, const struct ivt_event *ev)
{
	struct ivt_ev_block_rq_issue e;
	struct io_open *q;

	memcpy(&e, ev->payload, sizeof(e));
	q = request_find(c, ev, e.rq);
	/* The rest of a request that the driver gave back: the same request. */
	if (q && q->r.issue_ns && !q->r.over_ns && q->r.dev == e.dev &&
	    q->r.sector + q->done_sectors == e.sector && q->r.rwbs == e.rwbs) {
		if (!q->done_sectors)
			q->r.issue_ns = ev->host_ns;
		return 0;
	}
	/* Any other open one of this address has lost its completion. */
	if (!q || q->r.issue_ns || q->r.dev != e.dev)
		q = request_add(c, ev, e.rq);
	if (!q)
		return -ENOMEM;
	request_fill(q, &e);
	q->r.issue_ns = ev->host_ns;
	return request_take_bios(c, q);
}

/* Issued before the trace began: all that is known is its end. */
static int request_begun_before(struct collect *c, const struct ivt_event *ev,
				const struct ivt_ev_block_rq_complete *e)
{
	struct io_open *q = request_add(c, ev, e->rq);

	if (!q)
		return -ENOMEM;
	q->r.dev = e->dev;
	q->r.sector = e->sector;
	q->r.nr_sector = e->nr_sector;
	q->r.rwbs = e->rwbs;
	q->r.start_ns = c->first_ns;
	q->r.issue_ns = c->first_ns;
	q->r.complete_ns = q->r.over_ns = ev->host_ns;
	q->r.confidence = IVT_IO_INCOMPLETE;
	q->is_begun_before = true;
	return 0;
}

static int on_complete(struct collect *c, const struct ivt_event *ev)
{
	struct ivt_ev_block_rq_complete e;
	struct io_open *q;

	memcpy(&e, ev->payload, sizeof(e));
	q = request_find(c, ev, e.rq);
	if (!q) {
		/* A flush is also completed as a request that was never issued. */
		return e.nr_sector ? request_begun_before(c, ev, &e) : 0;
	}
	if (q->r.over_ns || !q->r.issue_ns || q->r.dev != e.dev)
		return 0;
	if (e.nr_sector && e.sector != q->r.sector + q->done_sectors) {
		/* Of another one, whose issue is not in the trace. */
		q->r.over_ns = ev->host_ns;
		return 0;
	}
	q->done_sectors += e.nr_sector;
	if (e.error || q->done_sectors >= q->r.nr_sector)
		q->r.complete_ns = q->r.over_ns = ev->host_ns;
	return 0;
}

static int on_disk(struct collect *c, const struct ivt_event *ev)
{
	struct ivt_ev_lttng_statedump_block_device e;
	struct io_capacities *cap = c->capacities;
	size_t i, n = 0;

	memcpy(&e, ev->payload, sizeof(e));
	for (i = 0; i < cap->n; i++) {
		if (cap->of[i].machine != ev->machine)
			continue;
		if (cap->of[i].dev == e.dev || ++n == MAX_MACHINE_DISKS)
			return 0;
	}
	if (ivt_array_reserve(&cap->of, &cap->capacity, cap->n + 1, sizeof(*cap->of)))
		return -ENOMEM;
	cap->of[cap->n++] = (struct io_capacity){ ev->machine, e.dev, e.sectors };
	return 0;
}

static int collect_event(struct collect *c, const struct ivt_event *ev)
{
	switch (ev->type) {
	case IVT_TYPE_block_bio_queue:
		return on_bio_queue(c, ev);
	case IVT_TYPE_block_rq_insert:
		return on_insert(c, ev);
	case IVT_TYPE_block_rq_issue:
		return on_issue(c, ev);
	case IVT_TYPE_block_rq_complete:
		return on_complete(c, ev);
	case IVT_TYPE_lttng_statedump_block_device:
		return on_disk(c, ev);
	}
	return ivt_tasks_feed(c->tasks, ev);
}

static int collect_events(struct collect *c, struct ivt_error *err)
{
	struct ivt_merge_options opt = { .struct_bytes = sizeof(opt) };
	struct ivt_stream_stats stats;
	struct ivt_merge *merge;
	struct ivt_event ev;
	size_t m, s;
	int ret = ivt_merge_create(c->trace, &opt, &merge, err);

	if (ret)
		return ret;
	while (!ret && ivt_merge_next(merge, &ev) == 1)
		ret = collect_event(c, &ev);
	for (m = 0; m < c->info->n_machines; m++)
		for (s = 0; s < c->info->machines[m].n_streams; s++)
			if (!ivt_merge_stats(merge, m, s, &stats))
				c->lost[m] += stats.lost;
	ivt_merge_destroy(merge);
	return ret ? ivt_error_set(err, ret, "cannot collect requests: %s", strerror(-ret)) : 0;
}

/* Does one of the guest's disks hold any sector of this host request? */
static bool disk_holds(const struct ivt_disk *disk, const struct ivt_io_request *r)
{
	size_t i;

	if (disk->host_dev != r->dev)
		return false;
	for (i = 0; i < disk->n_extents; i++)
		if (overlap(disk->extents[i].host_sector, disk->extents[i].sectors, r->sector,
			    r->nr_sector))
			return true;
	return false;
}

static uint32_t owner_by_extents(const struct ivt_trace_info *info, const struct ivt_io_request *r)
{
	uint32_t m;
	size_t d;

	for (m = 0; m < info->n_machines; m++)
		for (d = 0; d < info->machines[m].n_disks; d++)
			if (info->machines[m].kind == IVT_GUEST &&
			    disk_holds(&info->machines[m].disks[d], r))
				return m;
	return IVT_IO_OWNER_HOST;
}

static bool is_kernel_worker(const char comm[16])
{
	return !strncmp(comm, "kworker/", 8) || !strncmp(comm, "jbd2/", 5) ||
	       !strncmp(comm, "swapper/", 8) || !strncmp(comm, "ksoftirqd/", 10);
}

/*
 * The VM whose thread submitted it.  Where nobody saw it submitted (no bio, and
 * a kernel worker issued it; or a task that no event names), the VM whose disk
 * it lies on.  Write-back that a worker submitted is the host's.
 */
static uint32_t request_owner(const struct collect *c, const struct io_open *q)
{
	uint32_t vm = ivt_tasks_vm(c->tasks, q->r.tid, q->r.start_ns);

	if (vm < c->info->n_machines)
		return vm;
	if (q->has_bio && (vm == IVT_TASKS_NO_VM || is_kernel_worker(q->r.comm)))
		return IVT_IO_OWNER_HOST;
	if (vm == IVT_TASKS_NO_VM && !is_kernel_worker(q->r.comm))
		return IVT_IO_OWNER_HOST;
	return owner_by_extents(c->info, &q->r);
}

static int by_start(const void *a, const void *b)
{
	const struct ivt_io_request *x = a, *y = b;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	if (x->issue_ns != y->issue_ns)
		return x->issue_ns < y->issue_ns ? -1 : 1;
	return x->machine != y->machine ? (x->machine < y->machine ? -1 : 1)
					: (x->sector > y->sector) - (x->sector < y->sector);
}

static int by_issue(const void *a, const void *b)
{
	const struct ivt_io_request *x = a, *y = b;

	if (x->issue_ns != y->issue_ns)
		return x->issue_ns < y->issue_ns ? -1 : 1;
	return by_start(a, b);
}

/* Never issued: only inserted, or a flush's other half.  Begun before a trace
 * that lost records: perhaps its issue is what was lost. */
static bool request_counts(const struct collect *c, const struct io_open *q)
{
	return q->r.issue_ns && !(q->is_begun_before && c->lost[q->r.machine]);
}

static int collect_finish(struct collect *c, struct ivt_io_result *r)
{
	size_t i;

	r->guest = calloc(c->n_reqs + 1, sizeof(*r->guest));
	r->host = calloc(c->n_reqs + 1, sizeof(*r->host));
	if (!r->guest || !r->host)
		return -ENOMEM;
	for (i = 0; i < c->n_reqs; i++) {
		struct io_open *q = &c->reqs[i];

		if (!request_counts(c, q))
			continue;
		q->r.comm[sizeof(q->r.comm) - 1] = '\0';
		if (c->info->machines[q->r.machine].kind == IVT_GUEST) {
			q->r.owner = q->r.machine;
			r->guest[r->n_guest++] = q->r;
		} else {
			q->r.owner = request_owner(c, q);
			r->host[r->n_host++] = q->r;
		}
	}
	for (i = 0; i < c->info->n_machines; i++)
		r->lost += c->lost[i];
	if (r->n_guest)
		qsort(r->guest, r->n_guest, sizeof(*r->guest), by_start);
	if (r->n_host)
		qsort(r->host, r->n_host, sizeof(*r->host), by_issue);
	return 0;
}

int io_collect(struct ivt_trace *t, struct ivt_io_result *r, struct io_capacities *ret_capacities,
	       struct ivt_error *err)
{
	struct collect c = { .trace = t,
			     .info = ivt_trace_info_of(t),
			     .free_bio = IVT_MAP_NONE,
			     .capacities = ret_capacities };
	uint64_t last_ns;
	int ret = -ENOMEM;

	ivt_trace_bounds(t, &c.first_ns, &last_ns);
	c.lost = calloc(c.info->n_machines + 1, sizeof(*c.lost));
	if (c.lost)
		ret = ivt_tasks_create(c.info, &c.tasks);
	if (!ret)
		ret = collect_events(&c, err);
	if (!ret)
		ret = collect_finish(&c, r);
	if (ret == -ENOMEM)
		ivt_error_set(err, ret, "cannot collect requests: out of memory");
	ivt_tasks_destroy(c.tasks);
	ivt_map_deinit(&c.by_address);
	ivt_map_deinit(&c.by_chunk);
	ivt_map_deinit(&c.longest);
	free(c.bios);
	free(c.reqs);
	free(c.lost);
	return ret;
}
