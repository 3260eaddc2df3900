/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an ivshmem server says to a QEMU that connects (QEMU's ivshmem-spec), for
 * a VM that has the host as its one peer: peer 0 is the host, peer 1 the VM, one
 * vector each.  The protocol alone; nothing is ever read from QEMU.
 */
#ifndef HOST_IVSHMEM_SERVER_H
#define HOST_IVSHMEM_SERVER_H

#include <stddef.h>

#define IVSHMEM_HOST 0
#define IVSHMEM_VM   1

/* What QEMU is given; all stay the caller's. */
struct ivshmem_offer {
	int memory;   /* its size is BAR 2's */
	int to_host;  /* eventfd: the guest rings peer 0 */
	int to_guest; /* eventfd: the host interrupts the guest */
};

/* How much of it was said; begins as zero. */
struct ivshmem_greeting {
	unsigned int message;
	size_t bytes; /* of that message */
};

/*
 * Say what is left of the greeting on the connected socket @fd, which does not
 * block.  0: all is said; -EAGAIN: call again when @fd can be written; -errno: the
 * peer is gone.
 */
int ivshmem_greet(int fd, const struct ivshmem_offer *offer, struct ivshmem_greeting *greeting);

/* Have the QEMU at @fd give up: to one that only loses its connection QEMU 7.2 listens
 * for ever, and uses all of a CPU for it.  The caller closes @fd. */
void ivshmem_refuse(int fd);

#endif /* HOST_IVSHMEM_SERVER_H */
