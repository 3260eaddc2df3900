// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <ivring/journal.h>

/* Where a test ends the reader: each place between two lasting effects. */
#ifndef IVRING_JOURNAL_POINT
#define IVRING_JOURNAL_POINT(name) ((void)0)
#endif

#define JOURNAL_MAGIC	0x014c4e4a52495649ULL /* "IVIRJNL\1", little-endian */
#define JOURNAL_VERSION 1
#define SLOT_WORDS	8

/* The file: this, then two slots per channel. */
struct journal_header {
	uint64_t magic;
	uint32_t version;
	uint32_t header_bytes;
	struct ivring_journal_id id;
	uint64_t reserved0[7];
	uint32_t crc32c; /* of this structure with this field as 0 */
	uint32_t reserved1;
};

/* Commit seq goes to slot seq & 1, so that the one before it stays. */
struct journal_slot {
	uint64_t seq; /* 0: never written */
	struct ivring_journal_pos pos;
	uint32_t crc32c; /* with the header's here, and the channel in reserved0 */
	uint32_t reserved0;
};

IVRING_ASSERT(sizeof(struct journal_header) == 128);
IVRING_ASSERT(sizeof(struct journal_slot) == SLOT_WORDS * 8);

static uint32_t header_crc(const struct journal_header *header)
{
	struct journal_header copy = *header;

	copy.crc32c = 0;
	return ivring_crc32c(&copy, sizeof(copy));
}

/* Of a slot, 64 bytes: as ivring_crc32c(), which takes half a microsecond, where the
 * processor has an instruction for it. */
#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t crc_by_instruction(const uint64_t *words)
{
	unsigned long long crc = 0xffffffffu;
	int i;

	for (i = 0; i < SLOT_WORDS; i++)
		crc = __builtin_ia32_crc32di(crc, words[i]);
	return ~(uint32_t)crc;
}

static uint32_t crc_of(const struct journal_slot *slot)
{
	uint64_t words[SLOT_WORDS];

	if (!__builtin_cpu_supports("sse4.2"))
		return ivring_crc32c(slot, sizeof(*slot));
	memcpy(words, slot, sizeof(words));
	return crc_by_instruction(words);
}
#else
static uint32_t crc_of(const struct journal_slot *slot)
{
	return ivring_crc32c(slot, sizeof(*slot));
}
#endif

static uint32_t slot_crc(const struct ivring_journal *journal, uint32_t channel,
			 const struct journal_slot *slot)
{
	struct journal_slot copy = *slot;

	copy.crc32c = journal->id_crc;
	copy.reserved0 = channel;
	return crc_of(&copy);
}

static struct journal_slot *slot_at(const struct ivring_journal *journal, uint32_t channel,
				    uint64_t seq)
{
	struct journal_slot *slots =
		(struct journal_slot *)((char *)journal->base + sizeof(struct journal_header));

	return &slots[2 * (size_t)channel + (seq & 1)];
}

static size_t journal_bytes(uint32_t nr_channels)
{
	return sizeof(struct journal_header) + 2 * sizeof(struct journal_slot) * nr_channels;
}

/* ---- making and opening --------------------------------------------------- */

int ivring_journal_identify(const struct ivring_region *region, uint64_t recording,
			    struct ivring_journal_id *ret)
{
	const off_t off = IVRING_GUEST_OFF + offsetof(struct ivring_guest_page, guest_epoch);
	struct ivring_journal_id id = {
		.host_epoch = region->sb.host_epoch,
		.recording = recording,
		.region_bytes = region->sb.region_size,
		.nr_channels = region->sb.nr_channels,
		.subbuf_shift = region->sb.subbuf_shift,
		.subbufs_per_chan_shift = region->sb.subbufs_per_chan_shift,
	};
	/* Not a load from the mapping: the file may be cut. */
	ssize_t n = pread(region->fd, &id.guest_epoch, sizeof(id.guest_epoch), off);

	if (n < 0)
		return -errno;
	if (n != sizeof(id.guest_epoch))
		return -EFAULT;
	*ret = id;
	return 0;
}

static int id_check(const struct ivring_journal_id *id)
{
	struct ivring_superblock sb;

	if (ivring_layout(id->region_bytes, id->nr_channels, id->subbuf_shift, &sb) ||
	    sb.subbufs_per_chan_shift != id->subbufs_per_chan_shift || id->reserved0)
		return -EINVAL;
	return 0;
}

/* The highest sequence number of two good slots, or 0. */
static uint64_t last_seq(const struct ivring_journal *journal, uint32_t channel)
{
	uint64_t last = 0, i;

	for (i = 0; i < 2; i++) {
		struct journal_slot slot = *slot_at(journal, channel, i);

		if (slot.seq > last && (slot.seq & 1) == i && !slot.reserved0 &&
		    slot.crc32c == slot_crc(journal, channel, &slot))
			last = slot.seq;
	}
	return last;
}

/* Map what was checked; takes @fd over, also on failure. */
static int journal_attach(int fd, const struct journal_header *header, struct ivring_journal *ret)
{
	struct ivring_journal j = {
		.fd = fd,
		.nr_channels = header->id.nr_channels,
		.id_crc = header->crc32c,
		.bytes = journal_bytes(header->id.nr_channels),
	};
	uint32_t i;
	int err;

	j.seqs = calloc(j.nr_channels, sizeof(*j.seqs));
	if (!j.seqs) {
		close(fd);
		return -ENOMEM;
	}
	j.base = mmap(NULL, j.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (j.base == MAP_FAILED) {
		err = -errno;
		free(j.seqs);
		close(fd);
		return err;
	}
	for (i = 0; i < j.nr_channels; i++)
		j.seqs[i] = last_seq(&j, i);
	*ret = j;
	return 0;
}

static int header_check(const struct journal_header *header, uint64_t file_bytes,
			const struct ivring_journal_id *id)
{
	static const uint64_t none[7];

	if (header->magic != JOURNAL_MAGIC)
		return -EMEDIUMTYPE;
	if (header->version != JOURNAL_VERSION)
		return -EPROTONOSUPPORT;
	if (header->crc32c != header_crc(header) ||
	    header->header_bytes != sizeof(struct journal_header) || id_check(&header->id) ||
	    memcmp(header->reserved0, none, sizeof(none)) || header->reserved1)
		return -EILSEQ;
	if (file_bytes != journal_bytes(header->id.nr_channels))
		return -EMSGSIZE;
	return memcmp(&header->id, id, sizeof(*id)) ? -ESTALE : 0;
}

/* Exclusive until the descriptor is closed, as a killed process's are. */
static int journal_lock(int fd)
{
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return 0;
	return errno == EWOULDBLOCK ? -EBUSY : -errno;
}

int ivring_journal_open(const char *path, const struct ivring_journal_id *id,
			struct ivring_journal *ret)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK), err;
	struct journal_header header;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return errno == EISDIR ? -ENXIO : -errno;
	err = journal_lock(fd);
	if (err)
		goto err_close;
	err = fstat(fd, &st) ? -errno : S_ISREG(st.st_mode) ? 0 : -ENXIO;
	if (err)
		goto err_close;
	n = pread(fd, &header, sizeof(header), 0);
	err = n < 0 ? -errno : n != sizeof(header) ? -EMEDIUMTYPE : 0;
	if (!err)
		err = header_check(&header, (uint64_t)st.st_size, id);
	if (!err)
		return journal_attach(fd, &header, ret);
err_close:
	close(fd);
	return err;
}

/* All of a new journal, in a file that has not its name yet. */
static int journal_write(int fd, const struct journal_header *header)
{
	ssize_t n;
	int err;

	err = posix_fallocate(fd, 0, (off_t)journal_bytes(header->id.nr_channels));
	if (err)
		return -err;
	n = pwrite(fd, header, sizeof(*header), 0);
	if (n < 0)
		return -errno;
	return n == sizeof(*header) ? 0 : -EIO;
}

int ivring_journal_create(const char *path, const struct ivring_journal_id *id,
			  struct ivring_journal *ret)
{
	struct journal_header header = {
		.magic = JOURNAL_MAGIC,
		.version = JOURNAL_VERSION,
		.header_bytes = sizeof(header),
		.id = *id,
	};
	char temporary[PATH_MAX];
	int fd, err = id_check(id);

	if (err)
		return err;
	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= sizeof(temporary))
		return -ENAMETOOLONG;
	header.crc32c = header_crc(&header);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = journal_lock(fd);
	if (!err)
		err = journal_write(fd, &header);
	if (!err && link(temporary, path))
		err = -errno;
	unlink(temporary);
	if (err) {
		close(fd);
		return err;
	}
	return journal_attach(fd, &header, ret);
}

void ivring_journal_close(struct ivring_journal *journal)
{
	if (!journal->base)
		return;
	munmap(journal->base, journal->bytes);
	close(journal->fd);
	free(journal->seqs);
	memset(journal, 0, sizeof(*journal));
	journal->fd = -1;
}

/* ---- positions ------------------------------------------------------------- */

static bool is_untouched(const struct journal_slot *slot)
{
	static const struct journal_slot none;

	return !memcmp(slot, &none, sizeof(none));
}

int ivring_journal_read(const struct ivring_journal *journal, uint32_t channel,
			struct ivring_journal_pos *ret)
{
	if (channel >= journal->nr_channels)
		return -ERANGE;
	/* The first commit of all may have been cut short. */
	if (!journal->seqs[channel])
		return is_untouched(slot_at(journal, channel, 0)) ? -ENODATA : -EILSEQ;
	*ret = slot_at(journal, channel, journal->seqs[channel])->pos;
	return 0;
}

void ivring_journal_commit(struct ivring_journal *journal, uint32_t channel,
			   const struct ivring_journal_pos *pos)
{
	struct journal_slot slot = { .seq = journal->seqs[channel] + 1, .pos = *pos };
	uint64_t words[SLOT_WORDS];
	uint64_t *to = (uint64_t *)slot_at(journal, channel, slot.seq);
	int i;

	slot.crc32c = slot_crc(journal, channel, &slot);
	memcpy(words, &slot, sizeof(words));
	for (i = 0; i < SLOT_WORDS - 1; i++) {
		IVRING_JOURNAL_POINT("slot half filled");
		ivring_store(&to[i], words[i]);
	}
	IVRING_JOURNAL_POINT("slot without its checksum");
	ivring_store_release(&to[i], words[i]);
	journal->seqs[channel] = slot.seq;
	IVRING_JOURNAL_POINT("committed");
}
