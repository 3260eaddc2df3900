// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hostile guest against the reader of the ring: the input scribbles over the
 * shared words of a channel and over its data, between the reader's calls and,
 * as a thread of its own, in the middle of them.
 *
 * Must hold whatever it says: the reader ends, takes no range outside the
 * channel's data, none longer than a sub-buffer, none twice without a violation,
 * and counts what it does not believe.
 *
 * Input: {u8 flags, u8 rounds, 14 bytes unused}, then commands of 16 bytes
 * {u64 what, u64 value}.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <ivring/ring.h>

#define SUBBUF_SHIFT  12
#define SUBBUFS_SHIFT 2
#define CHAN_BYTES    (1u << (SUBBUF_SHIFT + SUBBUFS_SHIFT))

#define FLAG_OVERWRITE 1u    /* snapshots instead of fetch and next */
#define FLAG_PEER      2u    /* the commands once more, by a thread, while the reader reads */
#define PEER_MASK      0x1eu /* not each input that a mutation makes: threads take time */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static unsigned char *region;
static struct ivring_superblock geometry;

static void check(int is_true)
{
	if (!is_true)
		abort();
}

/* Where what is taken goes: as large as the largest range, and no larger. */
static void take(const struct ivring_reader *r, const struct ivring_range *range)
{
	unsigned char *copy = malloc((1u << SUBBUF_SHIFT) - IVRING_SUBBUF_HDR_BYTES);

	check(copy != NULL && !(range->bytes & 7) && !(range->offset & 7));
	check(range->bytes <= (1u << SUBBUF_SHIFT) - IVRING_SUBBUF_HDR_BYTES);
	check(range->offset < CHAN_BYTES && range->offset + range->bytes <= CHAN_BYTES);
	check(range->offset == (range->pos & (CHAN_BYTES - 1)));
	memcpy(copy, r->data + range->offset, range->bytes);
	free(copy);
}

/* What a call's result says is what it counted. */
static void check_result(const struct ivring_reader *r, int err, __u64 violations_before)
{
	check(r->tail <= r->head);
	if (err == -ESHUTDOWN)
		check(violations_before >= IVRING_MAX_VIOLATIONS);
	else
		check(err >= 0 || (err == -EPROTO && r->violations > violations_before));
}

static void drain(struct ivring_reader *r)
{
	__u64 before = r->violations, last = r->tail;
	struct ivring_range range;
	unsigned int n = 0;
	int err;

	err = ivring_reader_fetch(r);
	check_result(r, err, before);
	if (err == -ESHUTDOWN)
		return;
	while ((err = ivring_reader_next(r, &range)) > 0) {
		check(range.bytes);
		take(r, &range);
		check(range.pos >= last || before != r->violations);
		last = range.pos + range.bytes;
		check(++n <= 2 + (1u << SUBBUFS_SHIFT));
	}
	check_result(r, err, before);
	ivring_reader_release(r);
}

static void snapshot(struct ivring_reader *r)
{
	__u64 before = r->violations, tail, overwritten;
	struct ivring_range range;
	unsigned int n = 0;
	int err;

	err = ivring_snapshot_begin(r);
	check_result(r, err, before);
	if (err == -ESHUTDOWN)
		return;
	while ((err = ivring_snapshot_next(r, &range)) > 0) {
		tail = r->tail;
		overwritten = r->overwritten;
		before = r->violations;
		take(r, &range);
		check(!range.bytes || range.pos >= tail);
		err = ivring_snapshot_accept(r);
		check_result(r, err, before);
		check(err <= 1 && r->tail > tail);
		check(r->overwritten == overwritten + (err ? 0 : r->tail - tail));
		check(++n <= 2 + (1u << SUBBUFS_SHIFT));
	}
	check(!err);
	check(!ivring_snapshot_accept(r)); /* nothing was handed out */
}

static void obey(struct ivring_chan_writer *shared, __u64 what, __u64 value)
{
	unsigned char *chan = region + geometry.data_off;
	__u64 *words = (__u64 *)shared;
	struct ivring_subbuf *s;

	switch (what & 3) {
	case 0: /* any word of the channel's shared line */
		ivring_store(&words[what >> 8 & 7], value);
		break;
	case 1: /* a plausible step of the head, or of the claim */
		words = what & 4 ? &shared->w_claim : &shared->w_head;
		ivring_store(words, ivring_load(words) + (value & (what & 4 ? 0x3000 : 0x3ff8)));
		break;
	case 2: /* a sub-buffer's content_size */
		s = (struct ivring_subbuf *)(chan + ((what >> 8 & 3) << SUBBUF_SHIFT));
		ivring_store(&s->content_size, (__u32)value);
		break;
	default: /* any word of the data */
		words = (__u64 *)chan;
		ivring_store(&words[(what >> 8) % (CHAN_BYTES / 8)], value);
	}
}

struct script {
	const uint8_t *commands;
	size_t n;
	struct ivring_chan_writer *shared;
	int has_begun;
	int is_over;
};

static __u64 obey_nth(const struct script *script, size_t n)
{
	__u64 command[2];

	memcpy(command, script->commands + 16 * n, 16);
	obey(script->shared, command[0], command[1]);
	return command[0];
}

static void *scribble(void *arg)
{
	struct script *script = arg;
	size_t i;

	while (!__atomic_load_n(&script->is_over, __ATOMIC_RELAXED)) {
		for (i = 0; i < script->n; i++)
			obey_nth(script, i);
		__atomic_store_n(&script->has_begun, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void read_beside_the_peer(struct ivring_reader *r, struct script *script, unsigned int flags,
				 unsigned int rounds)
{
	pthread_t peer;

	check(!pthread_create(&peer, NULL, scribble, script));
	while (!__atomic_load_n(&script->has_begun, __ATOMIC_RELAXED))
		sched_yield();
	for (; rounds; rounds--) {
		if (flags & FLAG_OVERWRITE)
			snapshot(r);
		else
			drain(r);
		if (r->violations >= IVRING_MAX_VIOLATIONS) /* only the fuzzer goes on */
			r->violations = 0;
	}
	__atomic_store_n(&script->is_over, 1, __ATOMIC_RELAXED);
	pthread_join(peer, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct script script = { 0 };
	struct ivring_reader r;
	unsigned int flags;
	size_t i;

	if (bytes < 32)
		return 0;
	flags = data[0];
	script.commands = data + 16;
	script.n = (bytes - 16) / 16;
	geometry.nr_channels = 1;
	geometry.subbuf_shift = SUBBUF_SHIFT;
	geometry.subbufs_per_chan_shift = SUBBUFS_SHIFT;
	geometry.reader_off = ivring_reader_off(1);
	geometry.reader_len = ivring_reader_len(1);
	geometry.data_off = geometry.reader_off + geometry.reader_len;
	/* Made anew for each input: outside it lies AddressSanitizer's red zone. */
	region = calloc(1, geometry.data_off + CHAN_BYTES);
	check(region != NULL);
	script.shared = &((struct ivring_chan *)(region + ivring_chan_desc_off(0)))->guest;
	ivring_reader_init(&r, region, region + geometry.reader_off, &geometry, 0, 0);
	for (i = 0; i < script.n; i++) {
		if (obey_nth(&script, i) & 0x80)
			continue;
		if (flags & FLAG_OVERWRITE)
			snapshot(&r);
		else
			drain(&r);
	}
	if ((flags & PEER_MASK) == FLAG_PEER)
		read_beside_the_peer(&r, &script, flags, data[1] % 32);
	free(region);
	region = NULL;
	return 0;
}
