// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/zstd_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "trace/file_replace.h"

#define LEVEL	       3
#define WINDOW_LOG_MAX 27	  /* 128 MiB of memory, at most */
#define SLACK_BYTES    (1u << 20) /* of which no ratio is asked */
#define CHUNK_BYTES    (128u << 10)
#define NAME_BYTES     64

/* ---- reading --------------------------------------------------------------------- */

/* Takes a piece of the content.  0 or -errno, which ends it. */
typedef int take_fn(void *ctx, const void *data, size_t bytes);

struct decoder {
	ZSTD_DCtx *ctx;
	int fd;
	uint64_t left_bytes; /* of what the content may have */
	bool is_whole;	     /* the frame has ended */
	take_fn *take;
	void *take_ctx;
	char in[CHUNK_BYTES];
	char out[CHUNK_BYTES];
};

/* All of @in, or as far as it makes sense.  0 or -errno. */
static int decode_piece(struct decoder *d, ZSTD_inBuffer *in)
{
	bool is_more = true;

	while (is_more) {
		ZSTD_outBuffer out = { d->out, sizeof(d->out), 0 };
		size_t left, bytes;
		int ret;

		if (d->is_whole) /* something behind the frame */
			return in->pos < in->size ? -EBADMSG : 0;
		left = ZSTD_decompressStream(d->ctx, &out, in);
		bytes = out.pos < d->left_bytes ? out.pos : (size_t)d->left_bytes;
		ret = bytes ? d->take(d->take_ctx, d->out, bytes) : 0;
		d->left_bytes -= bytes;
		if (ret || ZSTD_isError(left))
			return ret ? ret : -EBADMSG;
		if (bytes < out.pos)
			return -EFBIG;
		d->is_whole = left == 0;
		is_more = in->pos < in->size || out.pos == out.size;
	}
	return 0;
}

static int decode_all(struct decoder *d)
{
	for (;;) {
		ssize_t n = read(d->fd, d->in, sizeof(d->in));
		ZSTD_inBuffer in = { d->in, n > 0 ? (size_t)n : 0, 0 };
		int ret;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return d->is_whole ? 0 : -EBADMSG;
		ret = decode_piece(d, &in);
		if (ret)
			return ret;
	}
}

/* The content of @fd, a file of @file_bytes, at most @max_bytes of it. */
static int decode(int fd, uint64_t file_bytes, uint64_t max_bytes, take_fn *take, void *take_ctx)
{
	struct decoder *d = malloc(sizeof(*d));
	uint64_t may_bytes = file_bytes < IVT_ZSTD_MAX_BYTES / IVT_ZSTD_MAX_RATIO
				     ? file_bytes * IVT_ZSTD_MAX_RATIO + SLACK_BYTES
				     : IVT_ZSTD_MAX_BYTES;
	int ret = -ENOMEM;

	if (!d)
		return ret;
	d->ctx = ZSTD_createDCtx();
	d->fd = fd;
	d->left_bytes = max_bytes < may_bytes ? max_bytes : may_bytes;
	d->is_whole = false;
	d->take = take;
	d->take_ctx = take_ctx;
	if (d->ctx &&
	    !ZSTD_isError(ZSTD_DCtx_setParameter(d->ctx, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
		ret = decode_all(d);
	ZSTD_freeDCtx(d->ctx);
	free(d);
	return ret;
}

static int packed_name(const char *name, char ret[NAME_BYTES])
{
	int n = snprintf(ret, NAME_BYTES, "%s" IVT_ZSTD_SUFFIX, name);

	return n < NAME_BYTES ? 0 : -ENAMETOOLONG;
}

/* A regular file, open for reading, and its size.  The descriptor or -errno. */
static int file_open(int dirfd, const char *name, uint64_t *ret_bytes)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), ret;
	struct stat st;

	if (fd < 0)
		return -errno;
	ret = fstat(fd, &st) ? -errno : S_ISREG(st.st_mode) ? fd : -EINVAL;
	if (ret < 0)
		close(fd);
	else
		*ret_bytes = (uint64_t)st.st_size;
	return ret;
}

static int packed_open(int dirfd, const char *name, uint64_t *ret_bytes)
{
	char packed[NAME_BYTES];
	int ret = packed_name(name, packed);

	return ret ? ret : file_open(dirfd, packed, ret_bytes);
}

uint64_t ivt_zstd_bytes(int dirfd, const char *name)
{
	uint64_t bytes = 0;
	int fd = packed_open(dirfd, name, &bytes);

	if (fd >= 0)
		close(fd);
	return bytes;
}

static int nameless_file(void)
{
	const char *dir = secure_getenv("TMPDIR");
	char path[4096];
	int fd;

	if (!dir || !*dir)
		dir = "/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd >= 0 ? fd : -errno;
	if (snprintf(path, sizeof(path), "%s/ivtrace-XXXXXX", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

static int take_into_file(void *ctx, const void *data, size_t bytes)
{
	return ivt_file_write_all(*(const int *)ctx, data, bytes);
}

int ivt_zstd_open(int dirfd, const char *name, uint64_t max_bytes, int *ret_fd, int *ret_damage)
{
	uint64_t bytes;
	int fd = packed_open(dirfd, name, &bytes), to, ret;

	if (fd < 0)
		return fd;
	to = nameless_file();
	ret = to < 0 ? to : decode(fd, bytes, max_bytes, take_into_file, &to);
	close(fd);
	*ret_fd = to < 0 ? -1 : to;
	*ret_damage = ret;
	return 0;
}

/* ---- writing --------------------------------------------------------------------- */

/* A file beside @name, for what it will be replaced by. */
static int aside_open(int dirfd, const char *name, char ret[NAME_BYTES])
{
	int fd;

	if (snprintf(ret, NAME_BYTES, ".%s.new", name) >= NAME_BYTES)
		return -ENAMETOOLONG;
	fd = openat(dirfd, ret, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	return fd < 0 ? -errno : fd;
}

/* @aside, whole on the disk, becomes @name, and only then @old goes. */
static int aside_install(int dirfd, const char *aside, const char *name, const char *old)
{
	if (renameat(dirfd, aside, dirfd, name) || fsync(dirfd))
		return -errno;
	return unlinkat(dirfd, old, 0) ? -errno : 0;
}

/* @in into @to; the last piece ends the frame. */
static int encode_piece(ZSTD_CCtx *ctx, ZSTD_inBuffer *in, bool is_last, int to)
{
	char buffer[CHUNK_BYTES / 4];
	size_t left;

	do {
		ZSTD_outBuffer out = { buffer, sizeof(buffer), 0 };
		int ret;

		left = ZSTD_compressStream2(ctx, &out, in, is_last ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			return -EIO;
		ret = ivt_file_write_all(to, buffer, out.pos);
		if (ret)
			return ret;
	} while (is_last ? left > 0 : in->pos < in->size);
	return 0;
}

static int encode_all(ZSTD_CCtx *ctx, int fd, uint64_t bytes, int to)
{
	char *chunk = malloc(CHUNK_BYTES);
	int ret = chunk ? 0 : -ENOMEM;

	while (!ret && bytes > 0) {
		ssize_t n = read(fd, chunk, CHUNK_BYTES);
		ZSTD_inBuffer in = { chunk, n > 0 ? (size_t)n : 0, 0 };

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || (uint64_t)n > bytes) /* somebody writes it */
			ret = n < 0 ? -errno : -EBUSY;
		else
			ret = encode_piece(ctx, &in, bytes == (uint64_t)n, to);
		bytes -= n > 0 ? (uint64_t)n : 0;
	}
	free(chunk);
	return ret;
}

static int encode(int fd, uint64_t bytes, int to)
{
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	int ret;

	if (!ctx)
		return -ENOMEM;
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
	ZSTD_CCtx_setPledgedSrcSize(ctx, bytes);
	ret = encode_all(ctx, fd, bytes, to);
	ZSTD_freeCCtx(ctx);
	return ret;
}

struct comparison {
	int fd;
	uint64_t at_bytes;
	char chunk[CHUNK_BYTES];
};

static int take_and_compare(void *ctx, const void *data, size_t bytes)
{
	struct comparison *c = ctx;
	ssize_t n = pread(c->fd, c->chunk, bytes, (off_t)c->at_bytes);

	c->at_bytes += bytes;
	if (n < 0)
		return -errno;
	return (size_t)n == bytes && memcmp(c->chunk, data, bytes) == 0 ? 0 : -EIO;
}

/* Does @packed, from its start, say what @fd holds? */
static int verify(int fd, uint64_t bytes, int packed, uint64_t *ret_packed_bytes)
{
	struct comparison *c = malloc(sizeof(*c));
	struct stat st;
	int ret = -ENOMEM;

	if (!c)
		return ret;
	c->fd = fd;
	c->at_bytes = 0;
	if (fstat(packed, &st) || lseek(packed, 0, SEEK_SET))
		ret = -errno;
	else
		ret = decode(packed, (uint64_t)st.st_size, UINT64_MAX, take_and_compare, c);
	if (!ret && c->at_bytes != bytes)
		ret = -EIO;
	free(c);
	if (!ret)
		*ret_packed_bytes = (uint64_t)st.st_size;
	return ret == -EBADMSG ? -EIO : ret;
}

int ivt_zstd_pack(int dirfd, const char *name, uint64_t *ret_bytes)
{
	char packed[NAME_BYTES], aside[NAME_BYTES];
	uint64_t bytes = 0, packed_bytes = 0;
	int fd, to, ret = packed_name(name, packed);

	fd = ret ? ret : file_open(dirfd, name, &bytes);
	if (fd < 0)
		return fd;
	if (!bytes) { /* nothing to gain */
		close(fd);
		*ret_bytes = 0;
		return 0;
	}
	to = bytes > IVT_ZSTD_MAX_BYTES ? -EFBIG : aside_open(dirfd, packed, aside);
	ret = to < 0 ? to : encode(fd, bytes, to);
	if (!ret && fsync(to))
		ret = -errno;
	if (!ret)
		ret = verify(fd, bytes, to, &packed_bytes);
	if (!ret)
		ret = aside_install(dirfd, aside, packed, name);
	if (to >= 0) {
		close(to);
		unlinkat(dirfd, aside, 0); /* of a failure */
	}
	close(fd);
	if (!ret)
		*ret_bytes = packed_bytes;
	return ret;
}

int ivt_zstd_unpack(int dirfd, const char *name)
{
	char packed[NAME_BYTES], aside[NAME_BYTES];
	uint64_t bytes;
	int fd, to, ret = packed_name(name, packed);

	if (ret)
		return ret;
	fd = file_open(dirfd, packed, &bytes);
	if (fd < 0)
		return fd == -ENOENT && !faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) ? 0 : fd;
	to = aside_open(dirfd, name, aside);
	ret = to < 0 ? to : decode(fd, bytes, UINT64_MAX, take_into_file, &to);
	if (!ret && fsync(to))
		ret = -errno;
	if (!ret)
		ret = aside_install(dirfd, aside, name, packed);
	if (to >= 0) {
		close(to);
		unlinkat(dirfd, aside, 0);
	}
	close(fd);
	return ret;
}
