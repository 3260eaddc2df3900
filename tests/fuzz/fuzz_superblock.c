// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What describes a region: arguments of ivring_layout(), superblocks, whole
 * files.  Whatever is accepted describes things that lie inside, apart from each
 * other; whatever is not leaves no trace.
 *
 * Input: {u8 what, u8 flags, u8 size, 5 bytes unused}, then arguments, or the
 * file's first bytes, its superblock first.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <ivring/region.h>

#define FLAG_CHECKSUM 1u /* put in what only a checksum would have refused */
#define FLAG_FORMAT   2u /* format the file first, if it can be */

#define MAX_FILE_SHIFT 26

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(int is_true)
{
	if (!is_true)
		abort();
}

/* Ascending, without an overlap, and inside. */
static void check_geometry(const struct ivring_superblock *sb, __u64 mapped_bytes)
{
	__u32 last = sb->nr_channels - 1, i;

	check(sb->nr_channels && sb->region_size <= mapped_bytes);
	check(ivring_chan_desc_off(0) >= IVRING_ANSWER_OFF + sizeof(struct ivring_answer));
	check(ivring_chan_desc_off(last) + sizeof(struct ivring_chan) <= sb->reader_off);
	check(ivring_reader_line_off(sb, 0) >= sb->reader_off + IVRING_PAGE_BYTES);
	check(ivring_reader_line_off(sb, last) + 64 <= (__u64)sb->reader_off + sb->reader_len);
	check((__u64)sb->reader_off + sb->reader_len <= sb->data_off);
	check(!(sb->reader_off % IVRING_PAGE_BYTES) && !(sb->data_off % IVRING_DATA_ALIGN));
	check(ivring_chan_bytes(sb) >= 4ULL << sb->subbuf_shift);
	check(!(ivring_chan_bytes(sb) & (ivring_chan_bytes(sb) - 1)));
	for (i = 0; i < last; i++)
		check(ivring_chan_data_off(sb, i) + ivring_chan_bytes(sb) <=
		      ivring_chan_data_off(sb, i + 1));
	check(ivring_chan_data_off(sb, last) + ivring_chan_bytes(sb) <= sb->region_size);
}

static void make_good(struct ivring_superblock *sb)
{
	sb->magic = IVRING_MAGIC;
	sb->version_major = IVRING_VERSION_MAJOR;
	sb->feature_incompat = 0;
	sb->header_len = sizeof(*sb);
	sb->crc32c = ivring_superblock_crc(sb);
}

static void try_layout(const uint8_t *data, size_t bytes)
{
	struct ivring_superblock sb;
	__u64 region_bytes;
	__u32 words[2];

	if (bytes < 16)
		return;
	memcpy(&region_bytes, data, 8);
	memcpy(words, data + 8, 8);
	if (ivring_layout(region_bytes, words[0], words[1], &sb))
		return;
	check(sb.region_size == region_bytes && sb.nr_channels == words[0]);
	check_geometry(&sb, region_bytes);
	make_good(&sb);
	check(!ivring_superblock_check(&sb, region_bytes));
	check(ivring_superblock_check(&sb, region_bytes - 1) == -EMSGSIZE);
}

static void try_superblock(const uint8_t *data, size_t bytes, unsigned int flags)
{
	struct ivring_superblock sb;

	if (bytes < sizeof(sb))
		return;
	memcpy(&sb, data, sizeof(sb));
	if (flags & FLAG_CHECKSUM)
		make_good(&sb);
	if (!ivring_superblock_check(&sb, 64 << 20))
		check_geometry(&sb, 64 << 20);
}

/* Every byte that the region's calls hand out can be touched. */
static void use_region(const struct ivring_region *region, enum ivring_region_access access)
{
	struct ivring_range range;
	struct ivring_reader r;
	struct ivring_writer w;
	__u32 i;

	check(!ivring_region_check(region));
	check_geometry(&region->sb, region->sb.region_size);
	for (i = 0; i < region->sb.nr_channels; i += 1 + region->sb.nr_channels / 8) {
		ivring_region_reader(region, i, &r);
		check(r.tail <= r.head);
		if (!ivring_reader_fetch(&r) && ivring_reader_next(&r, &range) == 1)
			check(ivring_load(r.data + range.offset + range.bytes - 1) <= 255);
		ivring_reader_release(&r);
		if (access == IVRING_REGION_WRITER) {
			ivring_writer_init(&w, region->base, &region->sb, i, 1);
			check(ivring_emit(&w, 1, 0, NULL, 0) == 1);
		}
	}
}

static void try_file(const uint8_t *data, size_t bytes, unsigned int flags, unsigned int size)
{
	static const int beside[4] = { 0, 0, 8, -1 };
	uint8_t *file = malloc(bytes + 1);
	int fd = memfd_create("region", MFD_CLOEXEC), err, opened;
	struct ivring_superblock sb;
	struct ivring_region region = { 0 };
	unsigned int i;
	char path[32];

	check(fd >= 0 && file);
	memcpy(file, data, bytes);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	/* A power of two, or some bytes beside. */
	check(!ftruncate(fd, (1 << size % (MAX_FILE_SHIFT + 1)) + beside[size >> 6]));
	if (bytes >= sizeof(sb) && (flags & FLAG_CHECKSUM)) {
		memcpy(&sb, data, sizeof(sb));
		make_good(&sb);
		memcpy(file, &sb, sizeof(sb));
	}
	check(pwrite(fd, file, bytes, 0) == (ssize_t)bytes);
	free(file);
	if ((flags & FLAG_FORMAT) && size % (MAX_FILE_SHIFT + 1) <= 22)
		ivring_region_format(path, NULL);
	err = ivring_region_probe(path, &sb);
	if (!err)
		check_geometry(&sb, (__u64)lseek(fd, 0, SEEK_END));
	for (i = 0; i < 2; i++) {
		enum ivring_region_access access = i ? IVRING_REGION_WRITER : IVRING_REGION_READER;

		opened = ivring_region_open(path, access, &region);
		check(!opened || (opened < 0 && !region.base));
		check(!err || opened);
		if (!opened)
			use_region(&region, access);
		ivring_region_close(&region);
		region = (struct ivring_region){ 0 };
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (bytes < 8)
		return 0;
	switch (data[0] % 3) {
	case 0:
		try_layout(data + 8, bytes - 8);
		break;
	case 1:
		try_superblock(data + 8, bytes - 8, data[1]);
		break;
	default:
		try_file(data + 8, bytes - 8, data[1], data[2]);
	}
	return 0;
}
