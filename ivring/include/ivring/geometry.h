/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IVRing: where things lie in a region of a given size, and whether a
 * superblock is one that this version understands.  The host computes the
 * layout and formats; host and guest both validate a private copy of the
 * superblock with ivring_superblock_check() and use only that copy.
 */
#ifndef IVRING_GEOMETRY_H
#define IVRING_GEOMETRY_H

#include <ivring/port.h>

/* CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), four bits at a time. */
ivring_inline __u32 ivring_crc32c(const void *buf, __u32 bytes)
{
	static const __u32 table[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
		0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	const unsigned char *p = (const unsigned char *)buf;
	__u32 crc = 0xffffffffu;

	while (bytes--) {
		crc ^= *p++;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

ivring_inline __u32 ivring_superblock_crc(const struct ivring_superblock *sb)
{
	struct ivring_superblock copy = *sb;

	copy.magic = 0;
	copy.crc32c = 0;
	return ivring_crc32c(&copy, sizeof(copy));
}

ivring_inline __u32 ivring_reader_len(__u32 nr_channels)
{
	return IVRING_PAGE_BYTES + (nr_channels + 63) / 64 * IVRING_PAGE_BYTES;
}

ivring_inline __u32 ivring_reader_off(__u32 nr_channels)
{
	__u32 end = IVRING_CHAN_OFF + nr_channels * (__u32)sizeof(struct ivring_chan);

	return (end + IVRING_PAGE_BYTES - 1) & ~(IVRING_PAGE_BYTES - 1u);
}

ivring_inline __u64 ivring_data_off(__u32 nr_channels)
{
	__u64 end = (__u64)ivring_reader_off(nr_channels) + ivring_reader_len(nr_channels);

	return (end + IVRING_DATA_ALIGN - 1) & ~(IVRING_DATA_ALIGN - 1ULL);
}

ivring_inline __u64 ivring_chan_bytes(const struct ivring_superblock *sb)
{
	return 1ULL << (sb->subbuf_shift + sb->subbufs_per_chan_shift);
}

/*
 * Fill every field but magic and crc32c for a region of @region_bytes with
 * @nr_channels equal channels of sub-buffers of 1 << @subbuf_shift bytes, each
 * channel as large as fits (a power of two).
 * Returns 0; -EINVAL: an argument is out of range or no power of two;
 * -ENOSPC: the smallest channel does not fit.
 */
ivring_inline int ivring_layout(__u64 region_bytes, __u32 nr_channels, __u32 subbuf_shift,
				struct ivring_superblock *ret)
{
	struct ivring_superblock sb;
	__u64 data_off, room;
	__u32 shift = 0;

	if (!region_bytes || (region_bytes & (region_bytes - 1)) ||
	    region_bytes > IVRING_MAX_REGION_BYTES || !nr_channels ||
	    nr_channels > IVRING_MAX_CHANNELS || subbuf_shift < IVRING_MIN_SUBBUF_SHIFT ||
	    subbuf_shift > IVRING_MAX_SUBBUF_SHIFT)
		return -EINVAL;
	data_off = ivring_data_off(nr_channels);
	if (data_off >= region_bytes)
		return -ENOSPC;
	room = (region_bytes - data_off) / nr_channels;
	if (room > IVRING_MAX_CHAN_BYTES)
		room = IVRING_MAX_CHAN_BYTES;
	while (shift < IVRING_MAX_SUBBUFS_SHIFT && (2ULL << (subbuf_shift + shift)) <= room)
		shift++;
	if (shift < IVRING_MIN_SUBBUFS_SHIFT || (1ULL << (subbuf_shift + shift)) > room ||
	    (1ULL << (subbuf_shift + shift)) < IVRING_MIN_CHAN_BYTES)
		return -ENOSPC;

	memset(&sb, 0, sizeof(sb));
	sb.version_major = IVRING_VERSION_MAJOR;
	sb.version_minor = IVRING_VERSION_MINOR;
	sb.header_len = sizeof(sb);
	sb.nr_channels = nr_channels;
	sb.region_size = region_bytes;
	sb.chan_desc_off = IVRING_CHAN_OFF;
	sb.chan_desc_size = sizeof(struct ivring_chan);
	sb.subbuf_shift = subbuf_shift;
	sb.subbufs_per_chan_shift = shift;
	sb.reader_off = ivring_reader_off(nr_channels);
	sb.reader_len = ivring_reader_len(nr_channels);
	sb.data_off = data_off;
	*ret = sb;
	return 0;
}

/*
 * Validate @sb, a private copy of a superblock, for a mapping of @mapped_bytes.
 * Returns 0; -ENOENT: not formatted (no magic); -EPROTONOSUPPORT: another major
 * version or an unknown incompatible feature; -EILSEQ: checksum;
 * -EMSGSIZE: the mapping is smaller than the region; -EINVAL: a field that is
 * not what ivring_layout() makes of size, channels and shift.
 */
ivring_inline int ivring_superblock_check(const struct ivring_superblock *sb, __u64 mapped_bytes)
{
	struct ivring_superblock want;

	if (sb->magic != IVRING_MAGIC)
		return -ENOENT;
	if (sb->version_major != IVRING_VERSION_MAJOR || sb->feature_incompat)
		return -EPROTONOSUPPORT;
	if (sb->crc32c != ivring_superblock_crc(sb))
		return -EILSEQ;
	if (sb->region_size > mapped_bytes)
		return -EMSGSIZE;
	if (ivring_layout(sb->region_size, sb->nr_channels, sb->subbuf_shift, &want))
		return -EINVAL;
	if (sb->header_len != want.header_len || sb->chan_desc_off != want.chan_desc_off ||
	    sb->chan_desc_size != want.chan_desc_size ||
	    sb->subbufs_per_chan_shift != want.subbufs_per_chan_shift ||
	    sb->reader_off != want.reader_off || sb->reader_len != want.reader_len ||
	    sb->data_off != want.data_off || sb->reserved0)
		return -EINVAL;
	return 0;
}

ivring_inline __u64 ivring_chan_desc_off(__u32 channel)
{
	return IVRING_CHAN_OFF + (__u64)channel * sizeof(struct ivring_chan);
}

ivring_inline __u64 ivring_reader_line_off(const struct ivring_superblock *sb, __u32 channel)
{
	return sb->reader_off + IVRING_PAGE_BYTES + 64ULL * channel;
}

ivring_inline __u64 ivring_chan_data_off(const struct ivring_superblock *sb, __u32 channel)
{
	return sb->data_off + (__u64)channel * ivring_chan_bytes(sb);
}

#endif /* IVRING_GEOMETRY_H */
