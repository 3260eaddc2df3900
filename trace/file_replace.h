/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file written aside and put in place by rename, so that a reader sees the
 * old text or the new one.
 */
#ifndef IVT_TRACE_FILE_REPLACE_H
#define IVT_TRACE_FILE_REPLACE_H

#include <dirent.h>
#include <stddef.h>

/* @name in directory @dirfd becomes @bytes of @data. 0 or -errno (the old file
 * is then untouched).  The temporary name starts with a dot: readers of CTF
 * pass over it. */
int ivt_file_replace(int dirfd, const char *name, const void *data, size_t bytes);

/* The whole of a small regular file, NUL-terminated; *ret is the caller's, for
 * free(). 0; -EFBIG: longer than @max_bytes; -errno. */
int ivt_file_read(int dirfd, const char *name, size_t max_bytes, char **ret, size_t *ret_bytes);

/* The entries of the directory @dirfd, which stays the caller's, from the first on;
 * NULL: errno says why. */
DIR *ivt_dir_open(int dirfd);

/* write() until done. 0 or -errno. */
int ivt_file_write_all(int fd, const void *data, size_t bytes);

#endif /* IVT_TRACE_FILE_REPLACE_H */
