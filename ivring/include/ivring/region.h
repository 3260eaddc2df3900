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
 *			  too small for that many channels
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
};

/* What is mapped. */
enum ivring_region_access {
	IVRING_REGION_READER, /* all read-only, the reader area once more writable */
	IVRING_REGION_WRITER, /* all writable: the guest's side, in tests */
};

struct ivring_region {
	int fd;
	struct ivring_superblock sb; /* private copy, validated */
	void *base;		     /* sb.region_size bytes; read-only for a reader */
	void *reader_area;	     /* sb.reader_len bytes, writable */
	dev_t dev;		     /* the file's, to find who maps it */
	ino_t ino;
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
 * closed; or an error from above, *ret untouched. */
int ivring_region_open(const char *path, enum ivring_region_access access,
		       struct ivring_region *ret);
/* Unmap and close; a region that is all zero or was closed is left alone. */
void ivring_region_close(struct ivring_region *region);

/* Be the one reader: an exclusive lock that ends with the descriptor.
 * 0; -EBUSY: another process has it, *ret_pid (may be NULL) its pid or -1. */
int ivring_region_lock(struct ivring_region *region, pid_t *ret_pid);

/* Is the file still as large as the mapping?  A load from a mapping whose file
 * was truncated is a SIGBUS.  0; -EFAULT: it was cut. */
int ivring_region_check(const struct ivring_region *region);

/* The reader's control page and a reader prepared for @channel, which starts at
 * the writer's present head (or 0 where that is nonsense). */
struct ivring_reader_page *ivring_region_reader_page(const struct ivring_region *region);
void ivring_region_reader(const struct ivring_region *region, uint32_t channel,
			  struct ivring_reader *ret);

/* Why and what to do, for a -errno of the functions above. */
const char *ivring_region_strerror(int err);

#endif /* IVRING_REGION_H */
