/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Marks: what a program inside a guest says of itself in the host's trace.  Each
 * is one write() to /dev/ivtrace: a text as it is, anything else as a struct
 * ivring_mark and the name behind it (a text never begins with NUL).  C or C++,
 * and nothing to link with:
 *
 *	int fd = ivring_mark_open();
 *
 *	ivring_mark_begin(fd, 17, "request");
 *	ivring_mark_value(fd, "queue", length);
 *	ivring_mark_end(fd, 17, "request");
 *
 * Where there is no driver, fd is negative and the calls do nothing: a program
 * need not care whether it is traced.
 */
#ifndef IVRING_MARK_H
#define IVRING_MARK_H

#include <ivring/abi.h>

#define IVRING_MARK_DEVICE  "/dev/ivtrace"
#define IVRING_MARK_VERSION 1

/* Bytes of a text or name that are kept. */
#define IVRING_MARK_MAX_BYTES 127

/* ivring_mark.kind */
#define IVRING_MARK_TEXT  0 /* not by write(): a text is written without this structure */
#define IVRING_MARK_BEGIN 1
#define IVRING_MARK_END	  2
#define IVRING_MARK_VALUE 3

/* What is written, before the name_bytes bytes of a name without NUL; nothing
 * comes behind them. */
struct ivring_mark {
	__u8 nul;     /* 0 */
	__u8 version; /* IVRING_MARK_VERSION */
	__u8 kind;    /* IVRING_MARK_BEGIN and following */
	__u8 reserved0;
	__u16 name_bytes;
	__u16 reserved1;
	__aligned_u64 number; /* a span's id; a value in two's complement */
};

IVRING_AT(ivring_mark, nul, 0);
IVRING_AT(ivring_mark, version, 1);
IVRING_AT(ivring_mark, kind, 2);
IVRING_AT(ivring_mark, name_bytes, 4);
IVRING_AT(ivring_mark, number, 8);
IVRING_ASSERT(sizeof(struct ivring_mark) == 16);

#ifndef __KERNEL__

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The descriptor, close-on-exec and the caller's to close(); -errno (-ENOENT: there
 * is no driver), which the calls below take as well.  Any thread. */
static __inline__ int ivring_mark_open(void)
{
#ifdef O_CLOEXEC
	int fd = open(IVRING_MARK_DEVICE, O_WRONLY | O_CLOEXEC);
#else
	int fd = open(IVRING_MARK_DEVICE, O_WRONLY);

	if (fd >= 0)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
#endif
	return fd < 0 ? -errno : fd;
}

static __inline__ int ivring_mark_write(int fd, const void *mark, size_t bytes)
{
	return write(fd, mark, bytes) < 0 ? -errno : 0;
}

/*
 * The calls for marks.  0, also where nobody records or @fd is negative; -errno of
 * the write().  Texts and names are cut to IVRING_MARK_MAX_BYTES; control bytes in
 * them become '?'.  One system call each; any thread, and signal handlers (errno
 * may change).
 */
static __inline__ int ivring_mark_text(int fd, const char *text)
{
	return fd < 0 ? 0 : ivring_mark_write(fd, text, strlen(text));
}

/* What the three below share. */
static __inline__ int ivring_mark_structure(int fd, int kind, __u64 number, const char *name)
{
	struct {
		struct ivring_mark head;
		char name[IVRING_MARK_MAX_BYTES + 1];
	} mark;
	size_t n;

	if (fd < 0)
		return 0;
	n = strlen(name);
	if (n > IVRING_MARK_MAX_BYTES)
		n = IVRING_MARK_MAX_BYTES;
	memset(&mark.head, 0, sizeof(mark.head));
	mark.head.version = IVRING_MARK_VERSION;
	mark.head.kind = (__u8)kind;
	mark.head.name_bytes = (__u16)n;
	mark.head.number = number;
	memcpy(mark.name, name, n);
	return ivring_mark_write(fd, &mark, sizeof(mark.head) + n);
}

/* A span of time begins; its end has the same @id and @name, and may be said by
 * another thread or process.  @id: unique among open spans of that name. */
static __inline__ int ivring_mark_begin(int fd, __u64 id, const char *name)
{
	return ivring_mark_structure(fd, IVRING_MARK_BEGIN, id, name);
}

/* It ends. */
static __inline__ int ivring_mark_end(int fd, __u64 id, const char *name)
{
	return ivring_mark_structure(fd, IVRING_MARK_END, id, name);
}

/* @name is @value from now on. */
static __inline__ int ivring_mark_value(int fd, const char *name, __s64 value)
{
	return ivring_mark_structure(fd, IVRING_MARK_VALUE, (__u64)value, name);
}

#endif /* !__KERNEL__ */
#endif /* IVRING_MARK_H */
