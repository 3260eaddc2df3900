// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reader's side of a region: where to start, what to ask for, and how to
 * follow a guest that comes, goes and comes again.
 */
#include <time.h>
#include <ivring/events.h>
#include <ivring/region.h>

static const struct ivring_guest_page *guest_page(const struct ivring_region *region)
{
	return (const struct ivring_guest_page *)((const char *)region->base + IVRING_GUEST_OFF);
}

struct ivring_reader_page *ivring_region_reader_page(const struct ivring_region *region)
{
	return region->reader_area;
}

/* Is what lies at @pos the sub-buffer of that position and @epoch? */
static int is_written(const struct ivring_reader *r, uint64_t pos, uint64_t epoch)
{
	const struct ivring_subbuf *s =
		(const struct ivring_subbuf *)(r->data + (pos & (r->size - 1)));

	return ivring_load_acquire(&s->magic) == IVRING_SUBBUF_MAGIC &&
	       ivring_load(&s->seq) == pos / r->subbuf && ivring_load(&s->guest_epoch) == epoch;
}

/* Positions go on across epochs, but what is behind the first of this one was
 * cleared: it must not be taken for sub-buffers with nonsense in them. */
uint64_t ivring_region_oldest(const struct ivring_reader *r, uint64_t head, uint64_t epoch)
{
	uint64_t pos = (head + r->subbuf - 1) & ~(r->subbuf - 1);
	uint64_t stop = pos > r->size ? pos - r->size : 0;

	while (pos > stop && is_written(r, pos - r->subbuf, epoch))
		pos -= r->subbuf;
	return pos < head ? pos : head;
}

void ivring_region_reader(const struct ivring_region *region, uint32_t channel,
			  struct ivring_reader *ret)
{
	uint64_t head, epoch = ivring_load_acquire(&guest_page(region)->guest_epoch);

	ivring_reader_init(ret, region->base, region->reader_area, &region->sb, channel, 0);
	head = ivring_load_acquire(&ret->shared->w_head);
	if (!ivring_head_is_sane(ret, head))
		return;
	ret->head = ret->tail = head;
	if (region->mode == IVRING_MODE_OVERWRITE)
		ret->tail = ivring_region_oldest(ret, head, epoch);
}

/* A number that no earlier reader had. */
static uint64_t new_reader_epoch(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint32_t ivring_region_features(const struct ivring_region *region)
{
	return ivring_load(&guest_page(region)->features);
}

/* ---- filter -------------------------------------------------------------------- */

static int filter_check(const struct ivring_filter *f)
{
	uint32_t i;

	if (f->nr_pids > IVRING_FILTER_PIDS || f->nr_comms > IVRING_FILTER_COMMS)
		return -EINVAL;
	for (i = 0; i < f->nr_comms; i++)
		if (!f->comms[i][0] || !memchr(f->comms[i], 0, sizeof(f->comms[i])))
			return -EINVAL;
	return 0;
}

/* NUL-padded, whatever is behind the NUL. */
static void store_comm(char *to, const char *name)
{
	size_t i, n = strnlen(name, sizeof(((struct ivring_filter *)0)->comms[0]));

	for (i = 0; i < sizeof(((struct ivring_filter *)0)->comms[0]); i++)
		ivring_store(&to[i], i < n ? name[i] : '\0');
}

/* seq is odd meanwhile: also where a reader before us was killed in here. */
static void filter_store(struct ivring_filter *to, const struct ivring_filter *f)
{
	uint32_t seq = (ivring_load(&to->seq) + 1) | 1, i;

	ivring_store(&to->seq, seq);
	ivring_wmb(); /* pairs with the guest's second look at seq */
	ivring_store(&to->nr_pids, f->nr_pids);
	ivring_store(&to->nr_comms, f->nr_comms);
	for (i = 0; i < f->nr_pids; i++)
		ivring_store(&to->pids[i], f->pids[i]);
	for (i = 0; i < f->nr_comms; i++)
		store_comm(to->comms[i], f->comms[i]);
	ivring_store_release(&to->seq, seq + 1); /* pairs with its first look */
}

int ivring_region_filter(struct ivring_region *region, const struct ivring_filter *filter)
{
	static const struct ivring_filter none;
	int err = filter ? filter_check(filter) : 0;

	if (err)
		return err;
	region->has_filter = 1;
	filter_store(&ivring_region_reader_page(region)->filter, filter ? filter : &none);
	return 0;
}

/* What a reader that knew of filters left must not hold for one that does not. */
static void filter_drop(struct ivring_reader_page *page)
{
	static const struct ivring_filter none;
	const struct ivring_filter *f = &page->filter;

	if (ivring_load(&f->nr_pids) || ivring_load(&f->nr_comms) || ivring_load(&f->seq) & 1)
		filter_store(&page->filter, &none);
}

/* ---- freeze -------------------------------------------------------------------- */

void ivring_region_freeze(const struct ivring_region *region, int is_wanted)
{
	struct ivring_reader_page *page = ivring_region_reader_page(region);
	uint32_t others = ivring_load(&page->flags) & ~IVRING_READER_FREEZE;

	ivring_store_release(&page->flags, is_wanted ? others | IVRING_READER_FREEZE : others);
}

int ivring_region_is_frozen(const struct ivring_region *region)
{
	return ivring_load_acquire(&guest_page(region)->state) == IVRING_GUEST_FROZEN;
}

/* ---- begin and end ------------------------------------------------------------- */

void ivring_region_enable(const struct ivring_region *region, const uint64_t *bitmap)
{
	struct ivring_reader_page *page = ivring_region_reader_page(region);
	unsigned int i;

	for (i = 0; i < IVRING_BITMAP_WORDS; i++)
		ivring_store(&page->enable_bitmap[i], bitmap			? bitmap[i]
						      : i < IVT_TYPE_CHAIN / 64 ? ~0ULL
										: 0);
	if (!region->has_filter)
		filter_drop(page);
	ivring_store(&page->flags, 0);
	/* Last: who sees the number sees the events that are wanted. */
	ivring_store_release(&page->reader_epoch, new_reader_epoch());
}

void ivring_region_disable(const struct ivring_region *region)
{
	struct ivring_reader_page *page = ivring_region_reader_page(region);

	ivring_region_freeze(region, 0);
	ivring_store_release(&page->reader_epoch, 0);
}

/* The guest has cleared its rings and may be writing already. */
static void start_over(const struct ivring_region *region, struct ivring_reader *readers)
{
	uint32_t i;

	for (i = 0; i < region->sb.nr_channels; i++) {
		struct ivring_reader *r = &readers[i];

		ivring_region_reader(region, i, r);
		r->tail = ivring_region_oldest(r, r->head, region->guest_epoch);
		ivring_reader_release(r);
	}
}

static void acknowledge(struct ivring_region *region, uint64_t epoch)
{
	region->announced_epoch = 0;
	region->guest_epoch = epoch;
	ivring_store_release(&ivring_region_reader_page(region)->ack_epoch, epoch);
}

int ivring_region_follow(struct ivring_region *region, struct ivring_reader *readers)
{
	uint64_t epoch = ivring_load_acquire(&guest_page(region)->guest_epoch);
	uint32_t state = ivring_load_acquire(&guest_page(region)->state);

	if (epoch != region->guest_epoch) {
		/* One that was at work before us: the readers are where it is. */
		if (!region->guest_epoch && state != IVRING_GUEST_INIT) {
			acknowledge(region, epoch);
			return 0;
		}
		/* First all that the old one left, in the caller's next round; also
		 * where that one came and ended since the last look. */
		if (state == IVRING_GUEST_INIT && region->announced_epoch != epoch) {
			region->announced_epoch = epoch;
			if (region->is_awaited)
				start_over(region, readers);
			region->is_awaited = 0;
			return 0;
		}
		acknowledge(region, epoch);
		region->is_awaited = 1;
	}
	if (!region->is_awaited)
		return 0;
	if (state == IVRING_GUEST_INIT)
		return -EAGAIN;
	region->is_awaited = 0;
	start_over(region, readers);
	return 0;
}
