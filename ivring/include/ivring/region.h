/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The file behind a region, in user space: made, formatted, attached.
 *
 * Geometry is taken once, from a private and validated copy of the superblock;
 * nothing is read from the mapping again.  No function prints; errors that
 * errno has no good text for have one in ivring_region_strerror().
 *
 *	-ENOENT		  there is no such file
 *	-ENODATA	  blank: only zeros, not formatted yet
 *	-EMEDIUMTYPE	  foreign: content that is not ours
 *	-EPROTONOSUPPORT  formatted by a version that this one does not know
 *	-EILSEQ, -EINVAL  damaged: checksum, or a geometry that cannot be
 *	-EMSGSIZE	  the file is smaller than the region that it describes
 *	-ENXIO		  not a regular file
 *	-EDOM		  a size that cannot be a region's: no power of two, or
 *			  too small for that many channels; or an unknown mode
 */
#ifndef IVRING_REGION_H
#define IVRING_REGION_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <ivring/ring.h>

#define IVRING_REGION_DEFAULT_BYTES    (64ULL << 20)
#define IVRING_REGION_DEFAULT_CHANNELS 8

struct ivring_region_options {
	size_t struct_bytes;   /* sizeof(struct ivring_region_options) */
	uint64_t region_bytes; /* a power of two; 0 = default, or an existing file's size */
	uint32_t nr_channels;  /* one per guest CPU; 0 = default */
	uint32_t subbuf_shift; /* 0 = the largest up to 16 that fits */
	uint32_t mode;	       /* IVRING_MODE_*, of all channels; 0 = discard */
};

/* What is mapped. */
enum ivring_region_access {
	IVRING_REGION_READER,	/* all read-only, the reader area once more writable */
	IVRING_REGION_WRITER,	/* all writable: for tests; a guest uses guest.h */
	IVRING_REGION_OBSERVER, /* all read-only, the file too: what was left behind */
};

struct ivring_region {
	int fd;
	uint32_t has_filter;	     /* private: ivring_region_filter() was called */
	struct ivring_superblock sb; /* private copy, validated */
	void *base;		     /* sb.region_size bytes; read-only for a reader */
	void *reader_area;	     /* sb.reader_len bytes, writable */
	dev_t dev;		     /* the file's, to find who maps it */
	ino_t ino;
	uint32_t mode;		  /* IVRING_MODE_*, as read once at open */
	uint32_t is_awaited;	  /* private to ivring_region_follow(), as the next two */
	uint64_t guest_epoch;	  /* that of the readers; 0: no guest was seen */
	uint64_t announced_epoch; /* the guest waits for it to be acknowledged */
};

/*
 * Make the file @path (mode 0600), allocate all of it and format it.  @opt may
 * be NULL.  0; -EEXIST: there is one already; -ENOSPC: no room in the file
 * system; -EDOM; -errno.  On failure nothing is left behind.
 */
int ivring_region_create(const char *path, const struct ivring_region_options *opt);

/*
 * Format the blank file @path, whose size must be a power of two, and
 * @opt->region_bytes if that is given.  0; -EEXIST: formatted already;
 * -EMEDIUMTYPE, -ENXIO, -EDOM, -ENOSPC; -EMSGSIZE: smaller than asked for.
 */
int ivring_region_format(const char *path, const struct ivring_region_options *opt);

/* What the region's file is: 0 with *ret (may be NULL), or an error from above. */
int ivring_region_probe(const char *path, struct ivring_superblock *ret);

/* Attach to a formatted file.  0 with *ret, which is the caller's, to be
 * closed; or an error from above (-EINVAL also where channels differ in mode),
 * *ret untouched. */
int ivring_region_open(const char *path, enum ivring_region_access access,
		       struct ivring_region *ret);
/* Unmap and close; a region that is all zero or was closed is left alone. */
void ivring_region_close(struct ivring_region *region);

/*
 * Format the region of @region, which is open as a reader and locked, anew with
 * the same geometry and channels of @mode.  What it held is gone; a guest that uses
 * it finds that out and begins a new epoch.  0; -EDOM: no such mode; -errno.
 */
int ivring_region_reformat(struct ivring_region *region, uint32_t mode);

/* Be the one reader: an exclusive lock that ends with the descriptor.
 * 0; -EBUSY: another process has it, *ret_pid (may be NULL) its pid or -1. */
int ivring_region_lock(struct ivring_region *region, pid_t *ret_pid);

/* Is the file still as large as the mapping?  A load from a mapping whose file
 * was truncated is a SIGBUS.  0; -EFAULT: it was cut. */
int ivring_region_check(const struct ivring_region *region);

/* ---- reading: one thread at a time ----------------------------------------- */

/* The reader's control page. */
struct ivring_reader_page *ivring_region_reader_page(const struct ivring_region *region);

/*
 * A reader prepared for @channel.  Discard mode: it starts at the writer's
 * present head (0 where that is nonsense).  Overwrite mode: at the oldest
 * sub-buffer of the present epoch that is still there.
 */
void ivring_region_reader(const struct ivring_region *region, uint32_t channel,
			  struct ivring_reader *ret);

/* Where the oldest sub-buffer begins that is still there of what @epoch's writer
 * wrote without a gap up to @head; @head where none is. */
uint64_t ivring_region_oldest(const struct ivring_reader *r, uint64_t head, uint64_t epoch);

/*
 * What of the wishes below the guest obeys: IVRING_GUEST_* bits, its own word.  A
 * guest that lacks IVRING_GUEST_FILTERS records everybody's events.
 */
uint32_t ivring_region_features(const struct ivring_region *region);

/*
 * Have only events recorded of the processes in @filter->pids (numbers as the
 * guest's first pid namespace has them) and of tasks whose name is in
 * @filter->comms (NUL-padded, 15 bytes at most); seq and reserved words are not
 * looked at.  NULL, or none of both: everybody's.  To be called before
 * ivring_region_enable(), and again at any time: the guest takes either the old
 * filter or the new one.  0; -EINVAL: more than fit, or a name that is empty or
 * has no NUL.
 */
int ivring_region_filter(struct ivring_region *region, const struct ivring_filter *filter);

/*
 * Have the guest write nothing (@is_wanted 1) until that is taken back (0); what it
 * then does not record is not counted as lost.  It takes a moment:
 * ivring_region_is_frozen() says when it came about, and all that was written is
 * published.  A guest without IVRING_GUEST_FREEZES goes on.  Enabling and disabling
 * take it back, too.
 */
void ivring_region_freeze(const struct ivring_region *region, int is_wanted);
int ivring_region_is_frozen(const struct ivring_region *region);

/*
 * Tell the guest that there is a reader, and which events it wants: those whose
 * bit is set in @bitmap (IVRING_BITMAP_WORDS words; NULL: all, without call
 * chains); of everybody, unless ivring_region_filter() was called.  May be called
 * again.  After ivring_region_disable() there is none; records that are under
 * way may still arrive.
 */
void ivring_region_enable(const struct ivring_region *region, const uint64_t *bitmap);
void ivring_region_disable(const struct ivring_region *region);

/*
 * Follow the guest from epoch to epoch (boot to boot).  @readers: one for each
 * of the region's channels, from ivring_region_reader().  Between two calls the
 * caller takes all that waits in them.  Returns 0: go on taking, in overwrite
 * mode by a snapshot; -EAGAIN: take nothing now, the guest clears its rings.
 * When it is ready the readers start over behind all that was there, with their
 * counters at 0.  The guest waits for this for a second.
 */
int ivring_region_follow(struct ivring_region *region, struct ivring_reader *readers);

/* Why and what to do, for a -errno of the functions above. */
const char *ivring_region_strerror(int err);

#endif /* IVRING_REGION_H */
