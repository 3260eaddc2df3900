// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/follow_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_BYTES sizeof(struct ivt_packet_header)
#define CHUNK_BYTES  (256u << 10) /* what is taken at once, unless a packet is larger */

int ivt_follow_stream_open(struct ivt_follow_stream *s, int dirfd, const char *name,
			   uint32_t machine, uint32_t number, const uint8_t uuid[16],
			   uint64_t from_bytes)
{
	struct stat st;

	memset(s, 0, sizeof(*s));
	s->fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (s->fd < 0)
		return -errno;
	if (fstat(s->fd, &st) || !S_ISREG(st.st_mode)) {
		close(s->fd);
		s->fd = -1;
		return -EINVAL;
	}
	memcpy(s->uuid, uuid, sizeof(s->uuid));
	s->at_bytes = from_bytes;
	s->file.machine = machine;
	s->file.cpu = number;
	s->file.pieces = calloc(1, sizeof(*s->file.pieces));
	if (!s->file.pieces) {
		ivt_follow_stream_close(s);
		return -ENOMEM;
	}
	s->file.n_pieces = 1;
	ivt_walk_init(&s->walk, &s->file);
	s->walk.is_partial = true; /* nobody will seek in what is not there any more */
	return 0;
}

void ivt_follow_stream_close(struct ivt_follow_stream *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	free(s->data);
	s->data = NULL;
	free(s->file.pieces);
	free(s->file.packets);
	memset(&s->file, 0, sizeof(s->file));
}

/* ---- packets ----------------------------------------------------------------------- */

static int packet_add(struct ivt_follow_stream *s, size_t at, const struct ivt_packet_header *h)
{
	struct ivt_stream_file *f = &s->file;

	if (ivt_stream_file_add_packet(f, 0, at, h))
		return -ENOMEM;
	s->walk.state.refused_bytes += (h->packet_bits - h->content_bits) / 8;
	if (s->packets && h->packet_seq_num > s->next_seq)
		f->missing_packets += h->packet_seq_num - s->next_seq;
	s->next_seq = h->packet_seq_num + 1;
	s->packets++;
	f->lost = h->events_discarded;
	return 0;
}

/* Whole packets in @n bytes of s->data; *ret: how far they reach. */
static int packets_find(struct ivt_follow_stream *s, size_t n, size_t *ret)
{
	struct ivt_packet_header h;
	size_t at = 0;

	while (n - at >= HEADER_BYTES) {
		memcpy(&h, s->data + at, sizeof(h));
		if (!ivt_packet_is_sane(&h, s->uuid, n - at))
			break;
		if (packet_add(s, at, &h))
			return -ENOMEM;
		at += h.packet_bits / 8;
	}
	*ret = at;
	return 0;
}

/* Up to @bytes of the file from s->at_bytes into s->data.  Bytes, or -errno. */
static ssize_t chunk_read(struct ivt_follow_stream *s, size_t bytes)
{
	ssize_t n;

	s->data = malloc(bytes);
	if (!s->data)
		return -ENOMEM;
	n = pread(s->fd, s->data, bytes, (off_t)s->at_bytes);
	return n < 0 ? -errno : n;
}

static void chunk_drop(struct ivt_follow_stream *s)
{
	free(s->data);
	s->data = NULL;
	s->file.n_packets = 0;
	s->file.pieces[0] = (struct ivt_stream_piece){ .data = NULL };
	s->walk.packet = 0;
	s->walk.at = s->walk.end = NULL;
}

/* No packet begins where one should and none will be completed: to the next one. */
static int damage_skip(struct ivt_follow_stream *s, uint64_t left_bytes)
{
	size_t bytes = left_bytes < CHUNK_BYTES ? left_bytes : CHUNK_BYTES, found;
	ssize_t n = chunk_read(s, bytes);

	if (n > 0) {
		found = ivt_packet_search(s->data, (size_t)n, s->uuid, 8);
		/* a header may begin in what the search did not reach the end of */
		if (found == (size_t)n && (size_t)n > HEADER_BYTES && left_bytes > (size_t)n)
			found = ((size_t)n - HEADER_BYTES) & ~(size_t)7;
		s->walk.state.refused_bytes += found;
		s->file.is_cut = found == left_bytes;
		s->at_bytes += found;
	}
	chunk_drop(s);
	return n < 0 ? (int)n : n > 0;
}

/* How many bytes are worth reading: 0: there is no whole packet yet. */
static int chunk_size(struct ivt_follow_stream *s, uint64_t *ret_left, size_t *ret)
{
	struct ivt_packet_header h;
	ssize_t n = pread(s->fd, &h, sizeof(h), (off_t)s->at_bytes);
	struct stat st;

	*ret = 0;
	*ret_left = 0;
	if (n <= 0)
		return n ? -errno : 0;
	if (fstat(s->fd, &st))
		return -errno;
	if ((uint64_t)st.st_size > s->at_bytes)
		*ret_left = (uint64_t)st.st_size - s->at_bytes;
	if ((size_t)n < sizeof(h) || !ivt_packet_is_sane(&h, s->uuid, *ret_left) ||
	    h.packet_bits / 8 > IVT_PACKET_MAX_BYTES)
		return 0;
	*ret = *ret_left < CHUNK_BYTES ? *ret_left : CHUNK_BYTES;
	if (*ret < h.packet_bits / 8)
		*ret = h.packet_bits / 8;
	return 0;
}

/* The next packets.  1; 0: there are none; -errno. */
static int chunk_take(struct ivt_follow_stream *s, bool is_last)
{
	uint64_t left_bytes;
	size_t bytes, taken;
	ssize_t n;
	int ret;

	chunk_drop(s);
	for (;;) {
		ret = chunk_size(s, &left_bytes, &bytes);
		if (ret || bytes)
			break;
		if (!is_last || !left_bytes)
			return 0;
		ret = damage_skip(s, left_bytes);
		if (ret <= 0)
			return ret;
	}
	n = ret ? ret : chunk_read(s, bytes);
	if (n < 0)
		return (int)n;
	ret = packets_find(s, (size_t)n, &taken);
	if (ret || !taken)
		return ret;
	s->file.pieces[0] = (struct ivt_stream_piece){ .data = s->data, .bytes = taken };
	s->at_bytes += taken;
	return 1;
}

/* ---- records ------------------------------------------------------------------------ */

int ivt_follow_stream_advance(struct ivt_follow_stream *s, bool is_last)
{
	enum ivt_walk_result result;
	int ret;

	s->has_head = false;
	for (;;) {
		s->before = s->walk;
		result = ivt_walk_step(&s->walk, &s->head);
		if (result == IVT_WALK_REFUSED)
			continue;
		if (result != IVT_WALK_END) {
			s->has_head = true;
			return 0;
		}
		ret = chunk_take(s, is_last);
		if (ret <= 0)
			return ret;
	}
}

void ivt_follow_stream_redo(struct ivt_follow_stream *s)
{
	enum ivt_walk_result result;

	if (!s->has_head)
		return;
	s->walk = s->before;
	ivt_clock_cursor_init(&s->walk.clock);
	result = ivt_walk_step(&s->walk, &s->head);
	/* by the better clock it may be refused: then what follows is the head */
	s->has_head = result == IVT_WALK_RECORD || result == IVT_WALK_BACKWARD;
}

bool ivt_follow_stream_is_waiting(struct ivt_follow_stream *s)
{
	struct ivt_packet_header h;
	uint64_t at = s->at_bytes;

	if (s->has_head || s->data)
		return true;
	/* the first packet is empty */
	while (pread(s->fd, &h, sizeof(h), (off_t)at) == sizeof(h) &&
	       ivt_packet_is_sane(&h, s->uuid, UINT64_MAX)) {
		if (h.content_bits / 8 > HEADER_BYTES)
			return true;
		at += h.packet_bits / 8;
	}
	return false;
}
