// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hostile guest against the reader of the ring: the input is a superblock, the
 * shared words of a channel and sub-buffer headers, which change while it reads.
 *
 * Must hold whatever it says: the reader ends, takes no range outside the
 * channel's data, none longer than a sub-buffer, none twice without a violation.
 *
 * Input: 104 bytes of superblock, then commands of 16 bytes {u64 what, u64 value}.
 */
#include <stdlib.h>
#include <ivring/ring.h>

#define SUBBUF_SHIFT  12
#define SUBBUFS_SHIFT 2
#define CHAN_BYTES    (1u << (SUBBUF_SHIFT + SUBBUFS_SHIFT))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static unsigned char *region;
static struct ivring_superblock geometry;

static void check(int is_true)
{
	if (!is_true)
		abort();
}

/* Whatever passes the check describes things that lie inside the mapping. */
static void try_superblock(const uint8_t *data, size_t bytes)
{
	struct ivring_superblock sb;
	int pass;

	if (bytes < sizeof(sb))
		return;
	memcpy(&sb, data, sizeof(sb));
	for (pass = 0; pass < 2; pass++) {
		if (!ivring_superblock_check(&sb, 64 << 20)) {
			__u32 last = sb.nr_channels - 1;

			check(sb.region_size <= 64 << 20);
			check(ivring_chan_desc_off(last) + 256 <= sb.reader_off);
			check(ivring_reader_line_off(&sb, last) + 64 <= sb.data_off);
			check(ivring_chan_data_off(&sb, last) + ivring_chan_bytes(&sb) <=
			      sb.region_size);
		}
		/* Once more with what only a checksum would have refused. */
		sb.magic = IVRING_MAGIC;
		sb.version_major = IVRING_VERSION_MAJOR;
		sb.feature_incompat = 0;
		sb.header_len = sizeof(sb);
		sb.crc32c = ivring_superblock_crc(&sb);
	}
}

static void drain(struct ivring_reader *r)
{
	__u64 before = r->violations, last = r->tail;
	struct ivring_range range;
	unsigned int n = 0;
	int err;

	err = ivring_reader_fetch(r);
	if (err == -ESHUTDOWN)
		return;
	check(r->tail <= r->head);
	while ((err = ivring_reader_next(r, &range)) > 0) {
		check(range.bytes && !(range.bytes & 7) && !(range.offset & 7));
		check(range.bytes <= (1u << SUBBUF_SHIFT) - IVRING_SUBBUF_HDR_BYTES);
		check(range.offset < CHAN_BYTES && range.offset + range.bytes <= CHAN_BYTES);
		check(range.offset == (range.pos & (CHAN_BYTES - 1)));
		check(range.pos >= last || before != r->violations);
		last = range.pos + range.bytes;
		check(++n <= 2 + (1u << SUBBUFS_SHIFT));
	}
	check(r->tail <= r->head);
}

static void obey(struct ivring_chan_writer *shared, __u64 what, __u64 value)
{
	unsigned char *chan = region + geometry.data_off;
	__u64 *words = (__u64 *)shared;

	switch (what & 3) {
	case 0: /* any word of the channel's shared line */
		words[what >> 8 & 7] = value;
		break;
	case 1: /* a plausible step of the head */
		shared->w_head += value & 0x3ff8;
		break;
	case 2: /* a sub-buffer's content_size */
		((struct ivring_subbuf *)(chan + ((what >> 8 & 3) << SUBBUF_SHIFT)))->content_size =
			(__u32)value;
		break;
	default: /* any word of the data */
		memcpy(chan + (what >> 8) % (CHAN_BYTES / 8) * 8, &value, 8);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct ivring_chan_writer *shared;
	struct ivring_reader r;
	__u64 command[2];
	size_t all;

	geometry.nr_channels = 1;
	geometry.subbuf_shift = SUBBUF_SHIFT;
	geometry.subbufs_per_chan_shift = SUBBUFS_SHIFT;
	geometry.reader_off = ivring_reader_off(1);
	geometry.reader_len = ivring_reader_len(1);
	geometry.data_off = geometry.reader_off + geometry.reader_len;
	all = geometry.data_off + CHAN_BYTES;
	/* Made anew for each input: outside it lies AddressSanitizer's red zone. */
	region = calloc(1, all);
	check(region != NULL);
	try_superblock(data, bytes);
	shared = &((struct ivring_chan *)(region + ivring_chan_desc_off(0)))->guest;
	ivring_reader_init(&r, region, region + geometry.reader_off, &geometry, 0, 0);
	for (data += bytes < 104 ? bytes : 104, bytes -= bytes < 104 ? bytes : 104; bytes >= 16;
	     data += 16, bytes -= 16) {
		memcpy(command, data, 16);
		obey(shared, command[0], command[1]);
		if (command[0] & 0x80)
			continue;
		drain(&r);
		ivring_reader_release(&r);
	}
	free(region);
	region = NULL;
	return 0;
}
