/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The language of a guest's control port, spoken by lab-agent.c in the guest
 * and lab-call.c on the host. A message is one line of text:
 *
 *	VERB ID [BASE64 or number]
 *
 * Lines, because a serial port has no connections: when a caller is killed in
 * the middle of a message, the next newline brings both sides back in step.
 * ID is the caller's; answers to a caller that is gone are told by it.
 *
 *	host to guest				guest to host
 *	ping ID					pong ID
 *	run ID COMMAND				out ID BYTES, err ID BYTES
 *	in ID BYTES  (standard input)		ack ID 0: bytes are taken, send more
 *	eof ID					end ID STATUS
 *	kill ID
 */
#ifndef LAB_LINE_H
#define LAB_LINE_H

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum {
	/* Bytes of payload in one line, before base64. */
	LAB_CHUNK_BYTES = 6 * 1024,
	/* Longest line; a longer one is noise and is skipped. */
	LAB_LINE_BYTES = 64 * 1024,
	/* Longest command: fits one line. */
	LAB_COMMAND_BYTES = 40 * 1024,
};

/* One end of the port: what was read and holds no newline yet. */
struct lab_lines {
	int fd;
	size_t n_used;
	size_t n_taken;
	char buf[LAB_LINE_BYTES + 1];
};

struct lab_message {
	char verb[8];
	unsigned long id;
	/* Points into the buffer of lines; valid until the next call on it. */
	const char *text;
};

static const char lab_base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Encodes @n bytes; @ret has room for 4 * ((n + 2) / 3) + 1. */
static inline void lab_base64_encode(const void *bytes, size_t n, char *ret)
{
	const unsigned char *in = bytes;
	size_t i;

	for (i = 0; i < n; i += 3) {
		size_t left = n - i;
		unsigned int w = in[i] << 16;

		if (left > 1)
			w |= in[i + 1] << 8;
		if (left > 2)
			w |= in[i + 2];
		*ret++ = lab_base64_digits[w >> 18];
		*ret++ = lab_base64_digits[w >> 12 & 63];
		*ret++ = left > 1 ? lab_base64_digits[w >> 6 & 63] : '=';
		*ret++ = left > 2 ? lab_base64_digits[w & 63] : '=';
	}
	*ret = '\0';
}

/* Decodes up to the first character that is no digit; returns the bytes. */
static inline size_t lab_base64_decode(const char *text, void *ret)
{
	unsigned char *out = ret;
	unsigned int w = 0, n_bits = 0;
	size_t n = 0;

	for (; *text; text++) {
		const char *digit = strchr(lab_base64_digits, *text);

		if (!digit)
			break;
		w = w << 6 | (unsigned int)(digit - lab_base64_digits);
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			out[n++] = w >> n_bits & 255;
		}
	}
	return n;
}

/* Writes all, waiting where the descriptor does not block. 0 or -errno. */
static inline int lab_write_all(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EAGAIN) {
			struct pollfd pfd = { .fd = fd, .events = POLLOUT };

			poll(&pfd, 1, -1);
			continue;
		}
		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			p += done;
			n -= done;
		}
	}
	return 0;
}

/* Sends one message; @n bytes are encoded behind the id. 0 or -errno. */
static inline int lab_send(int fd, const char *verb, unsigned long id, const void *bytes, size_t n)
{
	char line[4 * (LAB_COMMAND_BYTES / 3 + 1) + 64];
	int head;

	if (n > LAB_COMMAND_BYTES)
		return -E2BIG;
	head = snprintf(line, sizeof(line), "%s %lu ", verb, id);
	lab_base64_encode(bytes, n, line + head);
	strcat(line + head, "\n");
	return lab_write_all(fd, line, strlen(line));
}

/* Reads what is there. 1, 0 at the end of the stream, or -errno. */
static inline int lab_lines_fill(struct lab_lines *lines)
{
	ssize_t n;

	memmove(lines->buf, lines->buf + lines->n_taken, lines->n_used - lines->n_taken);
	lines->n_used -= lines->n_taken;
	lines->n_taken = 0;
	if (lines->n_used == LAB_LINE_BYTES)
		lines->n_used = 0;
	n = read(lines->fd, lines->buf + lines->n_used, LAB_LINE_BYTES - lines->n_used);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -errno;
	lines->n_used += n;
	return n > 0;
}

/* Takes the next whole message out of the buffer; false when there is none. */
static inline bool lab_lines_next(struct lab_lines *lines, struct lab_message *ret)
{
	for (;;) {
		char *line = lines->buf + lines->n_taken;
		char *end = memchr(line, '\n', lines->n_used - lines->n_taken);
		int n = 0;

		if (!end)
			return false;
		*end = '\0';
		lines->n_taken = end + 1 - lines->buf;
		if (sscanf(line, "%7s %lu %n", ret->verb, &ret->id, &n) == 2 && n > 0) {
			ret->text = line + n;
			return true;
		}
	}
}

#endif
