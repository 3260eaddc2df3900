// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each message is a little-endian number of 64 bits, some with a descriptor:
 * the protocol's version; the receiver's id; -1 with the memory; then per peer
 * its id once for each vector, with that vector's eventfd.
 */
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include "host-reader/region/ivshmem_server.h"

#define PROTOCOL_VERSION 0
#define NO_VERSION	 -1 /* QEMU names it and ends */
#define MEMORY		 -1
#define N_MESSAGES	 5

struct said {
	int64_t number;
	int fd; /* -1: none */
};

static void write_messages(const struct ivshmem_offer *offer, struct said *ret)
{
	ret[0] = (struct said){ PROTOCOL_VERSION, -1 };
	ret[1] = (struct said){ IVSHMEM_VM, -1 };
	ret[2] = (struct said){ MEMORY, offer->memory };
	ret[3] = (struct said){ IVSHMEM_HOST, offer->to_host };
	ret[4] = (struct said){ IVSHMEM_VM, offer->to_guest };
}

/* From byte @from on; the descriptor goes with the first byte.  Bytes sent; -errno. */
static ssize_t send_message(int fd, const struct said *said, size_t from)
{
	uint64_t word = htole64((uint64_t)said->number);
	struct iovec iov = { .iov_base = (char *)&word + from, .iov_len = sizeof(word) - from };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (said->fd >= 0 && !from) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &said->fd, sizeof(int));
	}
	n = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	return n < 0 ? -errno : n;
}

int ivshmem_greet(int fd, const struct ivshmem_offer *offer, struct ivshmem_greeting *greeting)
{
	struct said messages[N_MESSAGES];
	ssize_t n;

	write_messages(offer, messages);
	while (greeting->message < N_MESSAGES) {
		n = send_message(fd, &messages[greeting->message], greeting->bytes);
		if (n == -EINTR)
			continue;
		if (n < 0)
			return (int)n;
		greeting->bytes += (size_t)n;
		if (greeting->bytes < sizeof(uint64_t))
			continue;
		greeting->message++;
		greeting->bytes = 0;
	}
	return 0;
}

void ivshmem_refuse(int fd)
{
	const struct said said = { NO_VERSION, -1 };

	send_message(fd, &said, 0);
}
