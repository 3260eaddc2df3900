// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/follow_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_RECORDS 256
/* What is older than the half of so many is of no record that is still to come. */
#define MAX_SNAPSHOTS 65536
#define MAX_ROWS      1024
#define MAX_SHAKES    256

enum {
	EXACT,
	SHAKES,
	ARRIVALS
};

void ivt_follow_clock_init(struct ivt_follow_clock *c)
{
	*c = (struct ivt_follow_clock){ .fd = -1 };
}

static void history_free(struct ivt_follow_history *h)
{
	for (size_t i = 0; i < 3; i++)
		free(h->rows[i]);
	free(h->merged);
	free(h->reach);
	free(h);
}

void ivt_follow_clock_deinit(struct ivt_follow_clock *c)
{
	for (size_t i = 0; i < c->n_histories; i++)
		history_free(c->histories[i]);
	free(c->histories);
	free(c->snapshots);
	if (c->fd >= 0)
		close(c->fd);
	ivt_follow_clock_init(c);
}

/* ---- what is new -------------------------------------------------------------------- */

static int snapshot_add(struct ivt_follow_clock *c, const struct tsc_sync_snapshot *snap)
{
	const struct tsc_sync_snapshot *last = c->n_snapshots ? &c->snapshots[c->n_snapshots - 1]
							      : NULL;

	if (last && (snap->host_tsc <= last->host_tsc || snap->mono_ns <= last->mono_ns)) {
		c->skipped++;
		return 0;
	}
	if (!c->snapshots)
		c->snapshots = malloc(MAX_SNAPSHOTS * sizeof(*c->snapshots));
	if (!c->snapshots)
		return -ENOMEM;
	if (c->n_snapshots == MAX_SNAPSHOTS) {
		c->n_snapshots /= 2;
		memmove(c->snapshots, c->snapshots + c->n_snapshots,
			c->n_snapshots * sizeof(*c->snapshots));
	}
	c->snapshots[c->n_snapshots++] = *snap;
	return 0;
}

/* Where (machine, vcpu) is, or would be. */
static size_t history_place(const struct ivt_follow_clock *c, uint32_t machine, uint32_t vcpu)
{
	size_t lo = 0, hi = c->n_histories;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct ivt_follow_history *h = c->histories[mid];

		if (h->machine < machine || (h->machine == machine && h->vcpu < vcpu))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct ivt_follow_history *history_at(const struct ivt_follow_clock *c, size_t i,
					     uint32_t machine)
{
	return i < c->n_histories && c->histories[i]->machine == machine ? c->histories[i] : NULL;
}

/* The one of (machine, vcpu), made if it is not there.  NULL: no memory. */
static struct ivt_follow_history *history_get(struct ivt_follow_clock *c, uint32_t machine,
					      uint32_t vcpu)
{
	size_t i = history_place(c, machine, vcpu);
	struct ivt_follow_history *h = history_at(c, i, machine), **grown;

	if (h && h->vcpu == vcpu)
		return h;
	grown = realloc(c->histories, (c->n_histories + 1) * sizeof(struct ivt_follow_history *));
	if (!grown)
		return NULL;
	c->histories = grown;
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->machine = machine;
	h->vcpu = vcpu;
	memmove(grown + i + 1, grown + i,
		(c->n_histories - i) * sizeof(struct ivt_follow_history *));
	grown[i] = h;
	c->n_histories++;
	return h;
}

/* The best of the machine's sources: it is the same for all its vCPUs. */
static int class_of(const struct ivt_follow_clock *c, uint32_t machine)
{
	int best = ARRIVALS;
	const struct ivt_follow_history *h;

	for (size_t i = history_place(c, machine, 0); (h = history_at(c, i, machine)); i++)
		for (int class = EXACT; class < best; class ++)
			if (h->n_rows[class])
				best = class;
	return best;
}

/*
 * Room for one more: the older half is left.  Of handshakes, which come for as long as
 * the recording goes on, what they have in common is kept in their place, and the last
 * of them, from which on a change is placed.
 */
static void rows_thin(struct tsc_sync_entry *rows, size_t *n, int class)
{
	size_t half = *n / 2, n_kept = 0;
	struct tsc_sync_entry *common = NULL;

	if (class == SHAKES)
		common = malloc(half * sizeof(*common));
	if (common)
		n_kept = tsc_sync_merge_handshakes(rows, half, common);
	if (n_kept >= half / 2) /* a clock that changes each time */
		n_kept = 0;
	if (n_kept) {
		memcpy(rows, common, n_kept * sizeof(*rows));
		half--;
	}
	memmove(rows + n_kept, rows + half, (*n - half) * sizeof(*rows));
	*n -= half - n_kept;
	free(common);
}

static int clock_add(struct ivt_follow_clock *c, const struct ivt_sync_clock *clock)
{
	const struct tsc_sync_entry *entry = &clock->entry;
	int class = entry->source == TSC_SYNC_HANDSHAKE ? SHAKES
		    : entry->source == TSC_SYNC_ARRIVAL ? ARRIVALS
							: EXACT;
	struct ivt_follow_history *h;
	size_t n, most = class == SHAKES ? MAX_SHAKES : MAX_ROWS;
	struct tsc_sync_entry *rows;

	if (clock->machine >= IVT_MAX_MACHINES ||
	    (entry->vcpu >= IVT_MAX_VCPUS && entry->vcpu != UINT32_MAX)) {
		c->skipped++;
		return 0;
	}
	if (class > class_of(c, clock->machine)) /* one that nobody will ask for */
		return 0;
	h = history_get(c, clock->machine, entry->vcpu);
	if (!h)
		return -ENOMEM;
	n = h->n_rows[class];
	if ((n & (n - 1)) == 0 && n < most) {
		rows = realloc(h->rows[class], (n ? n * 2 : 1) * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		h->rows[class] = rows;
	}
	rows = h->rows[class];
	if (n == most)
		rows_thin(rows, &n, class);
	h->n_rows[class] = n + 1;
	for (; n > 0 && rows[n - 1].from_host_tsc > entry->from_host_tsc; n--)
		rows[n] = rows[n - 1];
	rows[n] = *entry;
	/* made anew when they are asked for */
	free(h->reach);
	free(h->merged);
	h->reach = NULL;
	h->merged = NULL;
	c->n_clocks++;
	return 0;
}

static int record_take(struct ivt_follow_clock *c, const uint8_t *rec)
{
	struct tsc_sync_snapshot snap;
	struct ivt_sync_clock clock;

	switch (ivt_sync_decode(rec, &snap, &clock)) {
	case IVT_SYNC_SNAPSHOT:
		return snapshot_add(c, &snap);
	case IVT_SYNC_CLOCK:
		return clock_add(c, &clock);
	case IVT_SYNC_BAD:
		c->skipped++;
		return 0;
	default:
		return 0;
	}
}

/* 0; -EAGAIN: not written yet; -EINVAL; -errno. */
static int log_begin(struct ivt_follow_clock *c, int dirfd)
{
	uint8_t header[IVT_SYNC_BYTES];

	if (c->fd < 0)
		c->fd = openat(dirfd, "sync.bin", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (c->fd < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	if (pread(c->fd, header, sizeof(header), 0) != sizeof(header))
		return -EAGAIN;
	if (!ivt_sync_header_is_valid(header))
		return -EINVAL;
	c->at_bytes = sizeof(header);
	return 0;
}

int ivt_follow_clock_poll(struct ivt_follow_clock *c, int dirfd)
{
	uint8_t recs[READ_RECORDS * IVT_SYNC_BYTES];
	bool is_new = false;
	ssize_t n;
	int ret = c->at_bytes ? 0 : log_begin(c, dirfd);

	if (ret)
		return ret == -EAGAIN ? 0 : ret;
	do {
		n = pread(c->fd, recs, sizeof(recs), (off_t)c->at_bytes);
		if (n < 0)
			return -errno;
		n -= n % IVT_SYNC_BYTES; /* a half one comes whole the next time */
		for (ssize_t at = 0; at < n && !ret; at += IVT_SYNC_BYTES)
			ret = record_take(c, recs + at);
		c->at_bytes += (uint64_t)n;
		is_new |= n > 0;
	} while (!ret && n == sizeof(recs));
	return ret ? ret : is_new;
}

/* ---- what is used ---------------------------------------------------------------------- */

static const struct tsc_sync_entry *shakes_merge(struct ivt_follow_history *h, size_t *ret_n)
{
	if (!h->merged && h->n_rows[SHAKES]) {
		h->merged = malloc(h->n_rows[SHAKES] * sizeof(*h->merged));
		h->n_merged = h->merged ? tsc_sync_merge_handshakes(h->rows[SHAKES],
								    h->n_rows[SHAKES], h->merged)
					: 0;
	}
	*ret_n = h->merged ? h->n_merged : 0;
	return h->merged;
}

static bool history_use(struct ivt_follow_history *h, int class, struct ivt_clock_map *ret)
{
	const struct tsc_sync_entry *rows = h->rows[class];
	size_t n = h->n_rows[class];

	if (class == SHAKES)
		rows = shakes_merge(h, &n);
	if (!n)
		return false;
	if (!h->reach) {
		h->reach = malloc(n * sizeof(*h->reach));
		if (!h->reach)
			return false;
		ivt_clock_reach_fill(rows, n, h->reach);
	}
	ret->history = rows;
	ret->n_history = n;
	ret->reach = h->reach;
	return true;
}

/* The vCPU's own, or the machine's first: a source may know one for all. */
static bool find_history(struct ivt_follow_clock *c, uint32_t machine, uint32_t vcpu,
			 struct ivt_clock_map *ret)
{
	int class = class_of(c, machine);
	size_t i = history_place(c, machine, vcpu);
	struct ivt_follow_history *h = history_at(c, i, machine);

	if (h && h->vcpu == vcpu && history_use(h, class, ret))
		return true;
	for (i = history_place(c, machine, 0); (h = history_at(c, i, machine)); i++)
		if (history_use(h, class, ret))
			return true;
	return false;
}

bool ivt_follow_clock_map(struct ivt_follow_clock *c, uint32_t machine,
			  const struct ivt_machine_info *m, uint32_t vcpu, bool is_last,
			  struct ivt_clock_map *ret)
{
	struct ivt_clock_map map = { .kind = IVT_MAP_TSC,
				     .snapshots = c->snapshots,
				     .n_snapshots = c->n_snapshots,
				     .line = m };
	bool is_known = c->n_snapshots >= 2;

	if (c->n_snapshots)
		map.real_minus_mono_ns =
			(int64_t)(c->snapshots[0].real_ns - c->snapshots[0].mono_ns);
	if (m->clock == IVT_CLOCK_MONO_NS)
		map.kind = IVT_MAP_NS;
	else if (m->kind == IVT_GUEST)
		is_known = find_history(c, machine, vcpu, &map) && is_known;
	if (map.kind == IVT_MAP_NS || is_known) {
		*ret = map;
		return true;
	}
	map.kind = IVT_MAP_LINE;
	*ret = map;
	return is_last;
}
