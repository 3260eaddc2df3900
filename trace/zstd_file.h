/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stream files that were compressed: NAME.zst in place of NAME, one zstd frame
 * that says its content's size and checksum, as zstd(1) writes it, too.  What is
 * in such a file is not believed: its content is bounded before it is written.
 */
#ifndef IVT_TRACE_ZSTD_FILE_H
#define IVT_TRACE_ZSTD_FILE_H

#include <stdint.h>

#define IVT_ZSTD_SUFFIX	   ".zst"
#define IVT_ZSTD_MAX_BYTES (256ull << 30) /* a stream's content, at most */
#define IVT_ZSTD_MAX_RATIO 1000		  /* no records are so alike; a bomb is */

/*
 * Replace file @name of directory @dirfd by @name.zst, which is written aside,
 * read back and compared before @name is removed.  0 with *ret_bytes: its size on
 * disk; -ENOENT; -EFBIG: beyond the limits above, @name stays; -EIO: what was
 * written does not read back; -errno.
 */
int ivt_zstd_pack(int dirfd, const char *name, uint64_t *ret_bytes);

/* The way back.  0 (also where only @name is there); -ENOENT; -EBADMSG: damaged,
 * @name.zst stays; -EFBIG; -errno. */
int ivt_zstd_unpack(int dirfd, const char *name);

/*
 * The content of @name.zst in a temporary file without a name (in $TMPDIR, or
 * /tmp), of at most @max_bytes.  0: *ret_fd is the caller's, open for reading, or
 * -1 where no such file could be made; *ret_damage: 0, or why it holds not all:
 * -EBADMSG, damaged or cut; -EFBIG: there is more than may be; -ENOSPC and others
 * of writing it.  -ENOENT: there is no @name.zst; -errno.
 */
int ivt_zstd_open(int dirfd, const char *name, uint64_t max_bytes, int *ret_fd, int *ret_damage);

/* Size of @name.zst; 0 where there is none. */
uint64_t ivt_zstd_bytes(int dirfd, const char *name);

#endif /* IVT_TRACE_ZSTD_FILE_H */
