// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The protocol is that of the kernel's driver (guest-driver/ivtrace_ring.c):
 * announce an epoch, let the reader drain the one before, clear, READY.
 */
#include <stdlib.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <time.h>
#include <ivring/guest.h>
#include <ivring/region.h>
#include "ivring/src/guest_map.h"

#define DEFAULT_ACK_MS 1000
#define POLL_MS	       5
#define LIFE_MS	       250 /* two beats of a driver that no reader asks anything */

/* Two lines apart: each is written by its own thread. */
struct slot {
	struct ivring_writer w;
	uint32_t is_ours;
	uint32_t is_taken;
	uint32_t frozen; /* the freeze that its thread has seen */
} __attribute__((aligned(128)));

struct ivring_guest {
	struct guest_map map;
	char release[64];
	uint32_t nr_writers;
	uint32_t ack_ms;
	uint32_t can_freeze;
	uint32_t freeze; /* odd: the reader wants it; the next number with each change */
	uint64_t epoch;	 /* 0: none was begun */
	struct slot *slots;
	__u64 bitmap[IVRING_BITMAP_WORDS];
};

static struct ivring_guest_page *guest_page(const struct guest_map *map)
{
	return (struct ivring_guest_page *)((char *)map->base + IVRING_GUEST_OFF);
}

static struct ivring_reader_page *reader_page(const struct ivring_guest *g)
{
	return (struct ivring_reader_page *)((char *)g->map.base + g->map.sb.reader_off);
}

static void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

/* ---- open ----------------------------------------------------------------------- */

/* A guest that was killed leaves READY behind, but its heart stands still. */
static int is_alive(const struct guest_map *map)
{
	struct ivring_guest_page *page = guest_page(map);
	uint32_t state = ivring_load_acquire(&page->state);
	uint64_t beat = ivring_load(&page->heartbeat);
	unsigned int ms;

	if ((state != IVRING_GUEST_INIT && state != IVRING_GUEST_READY &&
	     state != IVRING_GUEST_FROZEN) ||
	    !beat)
		return 0;
	for (ms = 0; ms < LIFE_MS; ms += POLL_MS) {
		sleep_ms(POLL_MS);
		if (ivring_load(&page->heartbeat) != beat)
			return 1;
	}
	return 0;
}

static struct ivring_guest_options guest_options(const struct ivring_guest_options *opt)
{
	struct ivring_guest_options o = { .struct_bytes = sizeof(o) };

	if (opt)
		memcpy(&o, opt, opt->struct_bytes < sizeof(o) ? opt->struct_bytes : sizeof(o));
	return o;
}

static int guest_prepare(struct ivring_guest *g, const struct ivring_guest_options *opt)
{
	struct utsname name;
	const char *release = opt->release;

	if (opt->nr_writers > g->map.sb.nr_channels)
		return -ERANGE;
	if (is_alive(&g->map))
		return -EBUSY;
	if (!release)
		release = uname(&name) ? "" : name.release;
	memcpy(g->release, release, strnlen(release, sizeof(g->release) - 1));
	g->can_freeze = opt->can_freeze;
	g->ack_ms = opt->ack_ms ? opt->ack_ms : DEFAULT_ACK_MS;
	g->nr_writers = opt->nr_writers ? opt->nr_writers : g->map.sb.nr_channels;
	g->slots = aligned_alloc(sizeof(*g->slots), g->nr_writers * sizeof(*g->slots));
	if (!g->slots)
		return -ENOMEM;
	memset(g->slots, 0, g->nr_writers * sizeof(*g->slots));
	return 0;
}

int ivring_guest_open(const char *path, const struct ivring_guest_options *opt,
		      struct ivring_guest **ret)
{
	struct ivring_guest_options o = guest_options(opt);
	struct ivring_guest *g = calloc(1, sizeof(*g));
	int err;

	if (!g)
		return -ENOMEM;
	err = path ? guest_map_open(path, &g->map) : guest_map_find(GUEST_MAP_PCI, &g->map);
	if (err) {
		free(g);
		return err;
	}
	err = guest_prepare(g, &o);
	if (err) {
		ivring_guest_close(g);
		return err;
	}
	*ret = g;
	return 0;
}

void ivring_guest_close(struct ivring_guest *g)
{
	if (!g)
		return;
	ivring_guest_end(g);
	guest_map_close(&g->map);
	free(g->slots);
	free(g);
}

const struct ivring_superblock *ivring_guest_superblock(const struct ivring_guest *g)
{
	return &g->map.sb;
}

int ivring_guest_is_uncached(const struct ivring_guest *g)
{
	return g->map.map_type == IVRING_MAP_UNCACHED;
}

/* ---- begin and end ----------------------------------------------------------------- */

static int is_formatted_anew(const struct ivring_guest *g)
{
	const struct ivring_superblock *sb = g->map.base;

	return ivring_load(&sb->magic) != g->map.sb.magic ||
	       ivring_load(&sb->host_epoch) != g->map.sb.host_epoch;
}

static int is_stale(const struct ivring_guest *g)
{
	return is_formatted_anew(g) || ivring_load(&guest_page(&g->map)->guest_epoch) != g->epoch;
}

static int is_in_use(const struct ivring_guest *g)
{
	uint32_t i;

	for (i = 0; i < g->nr_writers; i++)
		if (__atomic_load_n(&g->slots[i].is_taken, __ATOMIC_ACQUIRE))
			return 1;
	return 0;
}

static uint64_t new_epoch(uint64_t old)
{
	struct timespec now;
	uint64_t epoch;

	do {
		clock_gettime(CLOCK_REALTIME, &now);
		if (getrandom(&epoch, sizeof(epoch), GRND_NONBLOCK) != sizeof(epoch))
			epoch = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	} while (!epoch || epoch == old);
	return epoch;
}

static void announce(struct ivring_guest *g)
{
	struct ivring_guest_page *page = guest_page(&g->map);
	struct ivring_answer *answer =
		(struct ivring_answer *)((char *)g->map.base + IVRING_ANSWER_OFF);

	g->epoch = new_epoch(ivring_load(&page->guest_epoch));
	ivring_store(&answer->version, 0); /* a program does not answer handshakes */
	ivring_store(&page->state, IVRING_GUEST_INIT);
	ivring_wmb();
	page->nr_cpus = g->nr_writers;
	page->tsc_khz = 0; /* the kernel knows it, and does not tell */
	page->map_type = g->map.map_type;
	page->features = g->can_freeze ? IVRING_GUEST_FREEZES : 0;
	memcpy(page->release, g->release, sizeof(page->release));
	ivring_store(&page->heartbeat, 0);
	ivring_store_release(&page->guest_epoch, g->epoch);
}

/* A reader that is there drains what the epoch before left. */
static void wait_ack(const struct ivring_guest *g)
{
	struct ivring_reader_page *page = reader_page(g);
	unsigned int ms;

	for (ms = 0; ms < g->ack_ms; ms += POLL_MS) {
		if (!ivring_load(&page->reader_epoch) ||
		    ivring_load_acquire(&page->ack_epoch) == g->epoch)
			return;
		sleep_ms(POLL_MS);
	}
}

/* The host may keep channels for other ends. */
static int is_channel_ours(const struct ivring_guest *g, uint32_t channel)
{
	const struct ivring_chan *chan =
		(const struct ivring_chan *)((char *)g->map.base + ivring_chan_desc_off(channel));

	return ivring_load(&chan->host.kind) == IVRING_KIND_GUEST_VCPU &&
	       ivring_load(&chan->host.mode) <= IVRING_MODE_OVERWRITE;
}

static void open_writers(struct ivring_guest *g)
{
	const struct ivring_superblock *sb = &g->map.sb;
	uint32_t i;

	for (i = 0; i < g->nr_writers; i++) {
		struct slot *s = &g->slots[i];

		s->is_ours = is_channel_ours(g, i) != 0;
		if (!s->is_ours)
			continue;
		memset((char *)g->map.base + ivring_chan_data_off(sb, i), 0,
		       (size_t)ivring_chan_bytes(sb));
		ivring_writer_init(&s->w, g->map.base, sb, i, g->epoch);
	}
}

static void look_at_bitmap(struct ivring_guest *g)
{
	const struct ivring_reader_page *page = reader_page(g);
	uint64_t has_reader = ivring_load_acquire(&page->reader_epoch);
	unsigned int i;

	for (i = 0; i < IVRING_BITMAP_WORDS; i++)
		ivring_store(&g->bitmap[i], has_reader ? ivring_load(&page->enable_bitmap[i]) : 0);
}

int ivring_guest_begin(struct ivring_guest *g)
{
	if (is_in_use(g))
		return -EBUSY;
	if (is_formatted_anew(g))
		return -ESTALE;
	announce(g);
	wait_ack(g);
	open_writers(g);
	look_at_bitmap(g);
	ivring_store_release(&guest_page(&g->map)->state, IVRING_GUEST_READY);
	return 0;
}

int ivring_guest_end(struct ivring_guest *g)
{
	struct ivring_guest_page *page = guest_page(&g->map);
	int err;

	if (!g->epoch)
		return 0;
	if (is_in_use(g))
		return -EBUSY;
	err = is_stale(g) ? -ESTALE : 0;
	g->epoch = 0;
	if (err)
		return err;
	ivring_store_release(&page->state, IVRING_GUEST_FROZEN);
	ivring_store_release(&page->state, IVRING_GUEST_DOWN);
	return 0;
}

/* ---- writers ------------------------------------------------------------------------- */

int ivring_guest_writer_get(struct ivring_guest *g, struct ivring_writer **ret)
{
	uint32_t i;

	if (!g->epoch)
		return -ENOTCONN;
	for (i = 0; i < g->nr_writers; i++) {
		struct slot *s = &g->slots[i];

		/* What the last thread left in it comes with it. */
		if (s->is_ours && !__atomic_exchange_n(&s->is_taken, 1, __ATOMIC_SEQ_CST)) {
			*ret = &s->w;
			return 0;
		}
	}
	return -ENOSPC;
}

void ivring_guest_writer_put(struct ivring_guest *g, struct ivring_writer *w)
{
	if (!w)
		return;
	ivring_flush(w);
	__atomic_store_n(&g->slots[w->cpu].is_taken, 0, __ATOMIC_RELEASE);
}

/* Every writer that a thread has. */
static int is_frozen(struct ivring_guest *g)
{
	uint32_t i;

	for (i = 0; i < g->nr_writers; i++)
		if (__atomic_load_n(&g->slots[i].is_taken, __ATOMIC_SEQ_CST) &&
		    __atomic_load_n(&g->slots[i].frozen, __ATOMIC_ACQUIRE) != g->freeze)
			return 0;
	return 1;
}

static void look_at_freeze(struct ivring_guest *g)
{
	const struct ivring_reader_page *page = reader_page(g);
	uint32_t is_wanted = ivring_load(&page->reader_epoch) &&
			     ivring_load(&page->flags) & IVRING_READER_FREEZE;

	if (!g->can_freeze)
		return;
	if (!is_wanted && g->freeze & 1) /* before the first that writes again */
		ivring_store_release(&guest_page(&g->map)->state, IVRING_GUEST_READY);
	/* Either a thread that takes a writer sees the number, or we see the thread. */
	if (is_wanted != (g->freeze & 1))
		__atomic_store_n(&g->freeze, g->freeze + 1, __ATOMIC_SEQ_CST);
	if (is_wanted && is_frozen(g))
		ivring_store_release(&guest_page(&g->map)->state, IVRING_GUEST_FROZEN);
}

int ivring_guest_beat(struct ivring_guest *g)
{
	struct ivring_guest_page *page = guest_page(&g->map);
	uint32_t i;

	if (!g->epoch || is_stale(g))
		return -ESTALE;
	look_at_bitmap(g);
	look_at_freeze(g);
	ivring_store(&page->heartbeat, page->heartbeat + 1);
	/* A request that the writer clears in this moment publishes all the same. */
	for (i = 0; i < g->nr_writers; i++)
		if (__atomic_load_n(&g->slots[i].is_taken, __ATOMIC_RELAXED))
			ivring_store(&g->slots[i].w.force, 1);
	return 0;
}

int ivring_guest_is_enabled(const struct ivring_guest *g, uint16_t type)
{
	if (type >= IVRING_MAX_TYPE)
		return 0;
	return (int)(ivring_load(&g->bitmap[type / 64]) >> (type % 64) & 1);
}

int ivring_guest_wants(struct ivring_guest *g, struct ivring_writer *w, uint16_t type)
{
	uint32_t freeze = __atomic_load_n(&g->freeze, __ATOMIC_SEQ_CST);
	struct slot *s = &g->slots[w->cpu];

	if (!(freeze & 1))
		return ivring_guest_is_enabled(g, type);
	if (s->frozen != freeze) {
		ivring_flush(w);
		__atomic_store_n(&s->frozen, freeze, __ATOMIC_RELEASE);
	}
	return 0;
}

void ivring_guest_die(struct ivring_guest *g)
{
	uint32_t i;

	if (!g->epoch || is_stale(g))
		return;
	for (i = 0; i < g->nr_writers; i++)
		if (g->slots[i].is_ours)
			ivring_store(&g->slots[i].w.shared->w_resv_hint,
				     ivring_load(&g->slots[i].w.resv));
	ivring_store_release(&guest_page(&g->map)->state, IVRING_GUEST_DEAD);
}

const char *ivring_guest_strerror(int err)
{
	switch (err) {
	case -ENODEV:
		return "this machine has no ivshmem device (start the VM with what ivtrace-host "
		       "qemu-args prints)";
	case -EBUSY:
		return "a driver or another program writes there (unload ivtrace, or end that "
		       "program)";
	case -ENODATA:
		return "it is not formatted yet (run ivtrace-host qemu-args or record on the host)";
	case -ERANGE:
		return "it has fewer channels than there are writers";
	case -ESTALE:
		return "the region was formatted anew, or another guest has taken it";
	case -ENOSPC:
		return "all channels are taken by other threads";
	case -ENOTCONN:
		return "no epoch was begun";
	default:
		return ivring_region_strerror(err);
	}
}
