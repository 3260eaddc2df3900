// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a dead or lying writer left, against the walk behind its head: the real
 * writer, stopped half-way, and words of the ring that are anything.
 *
 * Must hold whatever is there: the walk ends, reads its copy alone, and finds
 * runs in ascending order, behind the head and within a ring's size of the tail,
 * of whole records that are committed and in the order of time.
 *
 * Input: 1 byte of mode, then commands of 16 bytes {u64 what, u64 value}; after
 * the command "die" one more is obeyed before each sub-buffer that is looked at.
 */
#include <stdlib.h>

static unsigned long long now;
#define IVRING_CLOCK() (++now)
#include <ivring/salvage.h>

#define SUBBUF_SHIFT  12
#define SUBBUFS_SHIFT 2
#define SUBBUF	      (1u << SUBBUF_SHIFT)
#define CHAN_BYTES    (1u << (SUBBUF_SHIFT + SUBBUFS_SHIFT))
#define EPOCH	      5

enum {
	EMIT,
	DRAIN,
	RESERVE,
	BUSY,
	INTERRUPT,
	SHARED_WORD,
	DATA_WORD,
	DIE,
};

struct input {
	const uint8_t *at;
	size_t bytes;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct ivring_superblock geometry;
static unsigned char *region;
static struct ivring_writer w;
static struct ivring_reader r;
static uint64_t death_tsc;
static uint64_t last_tsc; /* of the records that were found */
static uint64_t last_end;

static void check(int is_true)
{
	if (!is_true)
		abort();
}

static int is_known(__u16 type, __u32 payload_bytes)
{
	return type < 32 && !(payload_bytes & 7);
}

static void begin(int is_overwrite)
{
	struct ivring_chan *chan;

	geometry.nr_channels = 1;
	geometry.subbuf_shift = SUBBUF_SHIFT;
	geometry.subbufs_per_chan_shift = SUBBUFS_SHIFT;
	geometry.reader_off = ivring_reader_off(1);
	geometry.reader_len = ivring_reader_len(1);
	geometry.data_off = geometry.reader_off + geometry.reader_len;
	region = calloc(1, geometry.data_off + CHAN_BYTES);
	check(region != NULL);
	chan = (struct ivring_chan *)(region + ivring_chan_desc_off(0));
	chan->host.mode = is_overwrite ? IVRING_MODE_OVERWRITE : IVRING_MODE_DISCARD;
	now = 1000;
	death_tsc = UINT64_MAX;
	ivring_writer_init(&w, region, &geometry, 0, EPOCH);
	ivring_reader_init(&r, region, region + geometry.reader_off, &geometry, 0, 0);
}

static void drain(void)
{
	struct ivring_range range;

	if (w.is_overwrite) {
		if (!ivring_snapshot_begin(&r))
			while (ivring_snapshot_next(&r, &range))
				ivring_snapshot_accept(&r);
		return;
	}
	if (!ivring_reader_fetch(&r))
		while (ivring_reader_next(&r, &range) > 0)
			;
	ivring_reader_release(&r);
}

/* A context that goes no further; @is_busy: than its header. */
static void stop(uint32_t bytes, int is_busy)
{
	uint64_t *rec = (uint64_t *)(w.data + (w.resv & (CHAN_BYTES - 1)));

	if (!(w.resv & (SUBBUF - 1)) || (w.resv & (SUBBUF - 1)) + bytes > SUBBUF)
		return;
	w.resv += bytes;
	if (is_busy)
		rec[1] = 1ULL << 63 | 1ULL << 32 | bytes << 16 | 7;
}

static void obey(uint64_t what, uint64_t value)
{
	static const unsigned char payload[1024];
	uint64_t *data = (uint64_t *)w.data, *shared = (uint64_t *)w.shared;
	unsigned int n = what >> 8 & 0xff;

	switch (what & 7) {
	case EMIT:
		while (n--)
			ivring_emit(&w, 7, 1, payload, value & 1023);
		break;
	case DRAIN:
		ivring_flush(&w);
		drain();
		break;
	case RESERVE:
	case BUSY:
		stop(16 + 8 * n, (what & 7) == BUSY);
		break;
	case INTERRUPT:
		w.nest = 1 + (value & 7);
		break;
	case SHARED_WORD:
		shared[n & 7] = value;
		break;
	case DATA_WORD:
		data[(what >> 8) % (CHAN_BYTES / 8)] = value;
		break;
	default:
		death_tsc = value;
	}
}

/* Returns the command's number; DIE where there is no more. */
static unsigned int next_command(struct input *in)
{
	uint64_t command[2];

	if (in->bytes < 16)
		return DIE;
	memcpy(command, in->at, 16);
	in->at += 16;
	in->bytes -= 16;
	obey(command[0], command[1]);
	return command[0] & 7;
}

static void check_run(const struct ivring_salvage *s, const unsigned char *copy,
		      const struct ivring_salvage_run *run)
{
	uint64_t at = run->offset, end = run->offset + run->bytes, n = 0;
	struct ivring_record rec;

	check(run->bytes && run->offset >= IVRING_SUBBUF_HDR_BYTES && end <= SUBBUF);
	check((run->pos & (SUBBUF - 1)) == run->offset);
	check(run->pos >= s->head && run->pos >= last_end);
	/* overwrite mode: the claim is within a ring's size of the head */
	check(run->pos + run->bytes <= (w.is_overwrite ? s->head : r.tail) + CHAN_BYTES);
	last_end = run->pos + run->bytes;
	for (; at < end; at += rec.size, n++) {
		memcpy(&rec, copy + at, sizeof(rec));
		check(rec.size >= sizeof(rec) && !(rec.size & 7) && rec.size <= end - at);
		check(is_known(rec.type, rec.size - 16) && rec.type);
		check(!(rec.ctx & (IVRING_CTX_BUSY | IVRING_CTX_RSV_MASK)));
		check(rec.tsc >= last_tsc && rec.tsc <= death_tsc);
		last_tsc = rec.tsc;
	}
	check(n == run->n_records && run->n_busy_before <= s->n_busy);
}

static void salvage(struct input *in)
{
	struct ivring_salvage_run run;
	struct ivring_range range;
	struct ivring_salvage s;
	unsigned int n = 0;

	last_tsc = last_end = 0;
	ivring_salvage_init(&s, &r, w.is_overwrite, EPOCH, death_tsc, is_known);
	while (ivring_salvage_next_subbuf(&s, &range)) {
		/* Of its own: around it lies AddressSanitizer's red zone. */
		unsigned char *copy = malloc(range.bytes);

		check(copy != NULL && range.bytes == SUBBUF && !(range.offset & (SUBBUF - 1)));
		check(range.offset < CHAN_BYTES && ++n <= 1 + (1u << SUBBUFS_SHIFT));
		next_command(in);
		death_tsc = s.death_tsc;
		memcpy(copy, r.data + range.offset, range.bytes);
		while (ivring_salvage_next_run(&s, copy, &run))
			check_run(&s, copy, &run);
		free(copy);
	}
	check(s.n_busy <= IVRING_MAX_NEST && s.n_cut <= n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct input in = { data, bytes };

	if (!bytes)
		return 0;
	in.at++;
	in.bytes--;
	begin(*data & 1);
	while (next_command(&in) != DIE)
		;
	drain();
	salvage(&in);
	free(region);
	region = NULL;
	return 0;
}
