/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A reader that may be killed at any moment and goes on exactly where it was:
 * no record lost that the ring still had, none twice.
 *
 *	1. data	    pwritev() behind what counts	(a file of the caller's)
 *	2. journal  ivring_journal_commit()		(private, mapped)
 *	3. r_tail   ivring_reader_release()		(the region: freed for the guest)
 *
 * After a crash what lies behind the journal's file_offset is cut off, the tail
 * is the journal's, and it is published; r_tail in the region is never believed.
 * This holds for a process that dies.  A machine that dies takes the ring along.
 *
 * struct ivring_journal is that file: the program's own, which nobody else may cut
 * while it is mapped.  struct ivring_drain is a reader of one
 * channel that does the three steps; a program that writes its files in another
 * way calls ivring_journal_commit() itself, between its write and the release.
 *
 * Functions may be called in any thread; one object, or one channel of a
 * journal, never by two at once.  None prints; all errors are -errno.
 */
#ifndef IVRING_JOURNAL_H
#define IVRING_JOURNAL_H

#include <stdbool.h>
#include <ivring/region.h>

/* ---- the journal --------------------------------------------------------- */

/* What a journal belongs to.  It is good for one recording of one boot of the
 * guest in one formatted region, and for nothing else. */
struct ivring_journal_id {
	uint64_t host_epoch;  /* of the superblock */
	uint64_t guest_epoch; /* of the guest page; 0 = no guest yet */
	uint64_t recording;   /* the caller's number for the files that are written */
	uint64_t region_bytes;
	uint32_t nr_channels;
	uint32_t subbuf_shift;
	uint32_t subbufs_per_chan_shift;
	uint32_t reserved0; /* 0 */
};

/* How far the reader of one channel has come. */
struct ivring_journal_pos {
	uint64_t tail;	      /* ring: first position that is not in the file */
	uint64_t file_offset; /* bytes of the file that count */
	uint64_t packet_seq;  /* number of the next packet */
	uint64_t lost_full;   /* the guest's counters, as last believed */
	uint64_t lost_nested;
	uint64_t lost_big;
};

/* An open journal; all zero when closed. */
struct ivring_journal {
	int fd;
	uint32_t nr_channels;
	uint32_t id_crc; /* goes into each slot's checksum */
	size_t bytes;
	void *base;
	uint64_t *seqs; /* last committed, by channel */
};

/*
 * The identity of @region as it is now, with the caller's number @recording.
 * The guest's epoch is the guest's word; a reader asks again when the guest
 * announces a new one, and begins a new journal then.
 * 0; -EFAULT: the region's file was cut; -errno of a read.
 */
int ivring_journal_identify(const struct ivring_region *region, uint64_t recording,
			    struct ivring_journal_id *ret);

/*
 * Make the journal @path (mode 0600, all of it allocated, so that a commit
 * cannot fail) and lock it.  It appears whole or not at all; killed meanwhile, it
 * leaves a file "@path." and six characters.
 * 0 with *ret, to be closed; -EEXIST: there is one already (open it, or remove
 * it first); -EINVAL: @id is no region's; -ENAMETOOLONG, -ENOSPC, -ENOMEM, -errno.
 */
int ivring_journal_create(const char *path, const struct ivring_journal_id *id,
			  struct ivring_journal *ret);

/*
 * Open the journal @path after a restart, and lock it.
 * 0 with *ret, to be closed; -ENOENT; -EBUSY: another process has it open;
 * -ESTALE: of another region, boot or recording; -EMEDIUMTYPE: no journal;
 * -EPROTONOSUPPORT: another version's; -EILSEQ: damaged; -EMSGSIZE: its size is
 * not what its header says; -ENXIO: not a regular file; -ENOMEM, -errno.
 */
int ivring_journal_open(const char *path, const struct ivring_journal_id *id,
			struct ivring_journal *ret);
/* Unmap, unlock, close; the file stays.  One that is all zero is left alone. */
void ivring_journal_close(struct ivring_journal *journal);

/*
 * The last committed position of @channel.  0 with *ret; -ENODATA: nothing was
 * committed yet; -EILSEQ: both slots are damaged; -ERANGE: no such channel.
 */
int ivring_journal_read(const struct ivring_journal *journal, uint32_t channel,
			struct ivring_journal_pos *ret);

/*
 * Make @pos the position of @channel.  The data up to pos->file_offset has been
 * written, and the ring up to pos->tail has not been released.  Cannot fail;
 * @channel < nr_channels.  No system call.
 */
void ivring_journal_commit(struct ivring_journal *journal, uint32_t channel,
			   const struct ivring_journal_pos *pos);

/* ---- the drain: one channel into one file --------------------------------- */

#define IVRING_DRAIN_HEADER_BYTES 128 /* room for the caller's header of a packet */
#define IVRING_DRAIN_MAX_PACKETS  16  /* in one write */

/* A packet that is about to be written: a run of whole records. */
struct ivring_drain_packet {
	uint64_t seq; /* counts on; overwrite mode leaves gaps where the writer was first */
	uint64_t pos; /* in the ring, of the first record */
	uint64_t bytes;
	uint64_t lost; /* in all, so far: full, nested, big */
	uint32_t channel;
	uint32_t reserved0;
};

struct ivring_drain_options {
	size_t struct_bytes; /* sizeof(struct ivring_drain_options) */
	int fd;		     /* the channel's file, for writing; stays the caller's */
	/* For a channel that has no journalled position yet: */
	uint64_t file_offset; /* where its first packet goes */
	/*
	 * Put a header before each packet: fill @ret_header and return its bytes,
	 * at most IVRING_DRAIN_HEADER_BYTES.  NULL: records only.
	 */
	uint32_t (*frame)(void *arg, const struct ivring_drain_packet *packet, void *ret_header);
	void *arg;
};

/* Losses, violations and overwritten bytes of this process are in reader. */
struct ivring_drain {
	struct ivring_reader reader;
	const struct ivring_region *region;
	struct ivring_journal *journal;
	struct ivring_drain_options opt;
	uint32_t channel;
	bool is_sealed;		       /* the region's file cannot shrink */
	struct ivring_journal_pos pos; /* as journalled last */
	uint64_t packet_seq;	       /* of the next packet */
	uint64_t overwritten;	       /* reader.overwritten as packet_seq shows it */
};

/*
 * Begin or resume @channel.  With a journalled position: the file is cut to it,
 * the ring is read from there and what is before is released.  Without: from
 * the writer's present head on, which is journalled at once.  @region, @journal
 * and the file must outlive *ret.
 *
 * 0 with *ret; -EPROTO: the ring contradicts the journal (not its data any more,
 * or a guest that lies); -EILSEQ: the channel's slots are damaged; -EMSGSIZE:
 * the file is shorter than the journal says; -EFAULT: the region was cut;
 * -ERANGE: no such channel; -EINVAL: options; -errno.  On failure neither file
 * nor ring nor journal was changed, -errno of cutting the file apart.
 */
int ivring_drain_open(const struct ivring_region *region, struct ivring_journal *journal,
		      uint32_t channel, const struct ivring_drain_options *opt,
		      struct ivring_drain *ret);

/*
 * Take what is published: up to IVRING_DRAIN_MAX_PACKETS packets, no further
 * one once @max_bytes are reached; write, journal, release.  In overwrite mode
 * each packet is journalled after the writer is known not to have been there.
 *
 * 0 with *ret_bytes of records taken, 0 = there is nothing more (or, in overwrite
 * mode, the writer was faster); the ring is free up to reader.tail.  Errors leave
 * *ret_bytes untouched:
 *   -ENOSPC, -EDQUOT, -EFBIG, -EIO ...: the file cannot take it: nothing more was
 *	journalled, the records stay in the ring; call again later;
 *   -EFAULT: the region's file was cut; what was journalled stays;
 *   -EPROTO: nonsense in the ring, counted in reader; call again;
 *   -ESHUTDOWN: too much of it, the channel is read no more.
 */
int ivring_drain_step(struct ivring_drain *drain, uint64_t max_bytes, uint64_t *ret_bytes);

/* Cut the file to what counts.  0 or -errno.  Nothing else is held. */
int ivring_drain_finish(struct ivring_drain *drain);

/*
 * A load from a region whose file was cut raises SIGBUS.  Where the file is
 * sealed against shrinking that cannot be; else a check before is not enough, as
 * the cut may come between.  This installs a handler for the whole process that
 * turns a SIGBUS of ivring_drain_open() and ivring_drain_step() into -EFAULT and
 * gives every other one to the handler that was there before.  A library does
 * not do that unasked: the program decides, once, before the first drain.
 * 0 (also when it is there already); -errno.
 */
int ivring_drain_catch_sigbus(void);

#endif /* IVRING_JOURNAL_H */
