// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/stream_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace/zstd_file.h"

#define HEADER_BYTES sizeof(struct ivt_packet_header)

bool ivt_packet_is_sane(const struct ivt_packet_header *h, const uint8_t uuid[16],
			uint64_t left_bytes)
{
	return h->magic == IVT_PACKET_MAGIC && memcmp(h->uuid, uuid, 16) == 0 &&
	       h->stream_id == 0 && h->packet_bits % 64 == 0 && h->content_bits % 64 == 0 &&
	       h->content_bits / 8 >= HEADER_BYTES && h->content_bits <= h->packet_bits &&
	       h->content_bits / 8 <= IVT_PACKET_MAX_BYTES && h->packet_bits / 8 <= left_bytes;
}

size_t ivt_packet_search(const uint8_t *data, size_t bytes, const uint8_t uuid[16], size_t at)
{
	uint8_t start[20];
	uint32_t magic = IVT_PACKET_MAGIC;

	memcpy(start, &magic, sizeof(magic));
	memcpy(start + sizeof(magic), uuid, 16);
	for (; bytes >= at && bytes - at >= HEADER_BYTES; at += 8)
		if (memcmp(data + at, start, sizeof(start)) == 0)
			return at;
	return bytes;
}

int ivt_stream_file_add_packet(struct ivt_stream_file *f, uint32_t piece, uint64_t at_bytes,
			       const struct ivt_packet_header *h)
{
	struct ivt_packet_ref *grown;
	size_t n = f->n_packets;

	if ((n & (n - 1)) == 0) {
		grown = realloc(f->packets, (n ? n * 2 : 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		f->packets = grown;
	}
	f->packets[f->n_packets++] = (struct ivt_packet_ref){
		.at_bytes = at_bytes,
		.packet_bytes = h->packet_bits / 8,
		.record_bytes = (uint32_t)(h->content_bits / 8 - HEADER_BYTES),
		.flags = h->ivt_flags,
		.piece = piece,
	};
	return 0;
}

static int packet_add(struct ivt_stream_file *f, size_t at, const struct ivt_packet_header *h)
{
	uint32_t piece = (uint32_t)f->n_pieces - 1;

	if (ivt_stream_file_add_packet(f, piece, at, h))
		return -ENOMEM;
	/* the writer leaves no padding: finalising or damage made it */
	f->framing_refused_bytes += (h->packet_bits - h->content_bits) / 8;
	f->lost = f->pieces[piece].lost_before + h->events_discarded;
	return 0;
}

/* A piece that ends inside a packet because the rest was taken out of it: it has
 * what is left. */
static void header_limit(struct ivt_packet_header *h, uint64_t left_bytes)
{
	if (h->packet_bits / 8 > left_bytes)
		h->packet_bits = left_bytes * 8;
	if (h->content_bits > h->packet_bits)
		h->content_bits = h->packet_bits;
}

/* Of the last piece. */
static int packets_find(struct ivt_stream_file *f, const uint8_t uuid[16])
{
	const struct ivt_stream_piece *piece = &f->pieces[f->n_pieces - 1];
	size_t first = f->n_packets;
	struct ivt_packet_header h;
	uint64_t next_seq = 0;
	size_t at = 0;

	while (at < piece->bytes) {
		size_t left = piece->bytes - at, found;

		if (left >= HEADER_BYTES)
			memcpy(&h, piece->data + at, sizeof(h));
		if (left >= HEADER_BYTES && piece->is_limited)
			header_limit(&h, left);
		if (left >= HEADER_BYTES && ivt_packet_is_sane(&h, uuid, left)) {
			if (packet_add(f, at, &h))
				return -ENOMEM;
			if (h.packet_seq_num > next_seq && f->n_packets > first + 1)
				f->missing_packets += h.packet_seq_num - next_seq;
			next_seq = h.packet_seq_num + 1;
			at += h.packet_bits / 8;
			continue;
		}
		found = left > HEADER_BYTES
				? ivt_packet_search(piece->data, piece->bytes, uuid, at + 8)
				: piece->bytes;
		f->framing_refused_bytes += found - at;
		if (found == piece->bytes)
			f->is_cut = true;
		at = found;
	}
	return 0;
}

/* The file, or what it held before it was compressed; the descriptor or -errno. */
static int file_open(int dirfd, const char *name, uint64_t max_bytes, struct ivt_stream_piece *ret)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int status;

	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	status = ivt_zstd_open(dirfd, name, max_bytes, &fd, &ret->damage);
	if (status)
		return status;
	ret->is_compressed = true;
	return fd < 0 ? ret->damage : fd;
}

/* The file's mapping, or NULL when it is empty.  Of a compressed one at most
 * @said_bytes are looked at.  0 or -errno. */
static int file_map(int dirfd, const char *name, uint64_t limit_bytes, uint64_t said_bytes,
		    struct ivt_stream_piece *ret)
{
	int fd = file_open(dirfd, name, said_bytes, ret);
	struct stat st;
	void *map;
	int status = 0;

	if (fd < 0)
		return ret->damage ? 0 : fd; /* nothing of it, and that is said */
	if (fstat(fd, &st))
		status = -errno;
	else if (!S_ISREG(st.st_mode))
		status = -EINVAL;
	else if ((uint64_t)st.st_size > limit_bytes) {
		st.st_size = (off_t)limit_bytes;
		ret->is_limited = true;
	}
	if (!status && st.st_size > 0) {
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (map == MAP_FAILED) {
			status = -errno;
		} else {
			ret->data = map;
			ret->bytes = (size_t)st.st_size;
		}
	}
	close(fd);
	return status;
}

int ivt_stream_file_add(struct ivt_stream_file *f, int dirfd, const char *name,
			const uint8_t uuid[16], uint64_t limit_bytes)
{
	struct ivt_stream_piece *grown = realloc(f->pieces, (f->n_pieces + 1) * sizeof(*f->pieces));
	int status;

	if (!grown)
		return -ENOMEM;
	f->pieces = grown;
	grown[f->n_pieces] = (struct ivt_stream_piece){ .lost_before = f->lost };
	status = file_map(dirfd, name, limit_bytes,
			  f->n_pieces == 0 && f->said_bytes ? f->said_bytes : UINT64_MAX,
			  &grown[f->n_pieces]);
	f->n_pieces++;
	return status ? status : packets_find(f, uuid);
}

void ivt_stream_file_close(struct ivt_stream_file *f)
{
	for (size_t i = 0; i < f->n_pieces; i++)
		if (f->pieces[i].data)
			munmap((void *)(uintptr_t)f->pieces[i].data, f->pieces[i].bytes);
	free(f->pieces);
	free(f->packets);
	free(f->checkpoints);
	free(f->turns);
	free(f->turn_reach);
	memset(f, 0, sizeof(*f));
}
