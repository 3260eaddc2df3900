/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A region as the guest's side maps it: from a file or from a PCI device.
 */
#ifndef IVRING_SRC_GUEST_MAP_H
#define IVRING_SRC_GUEST_MAP_H

#include <stddef.h>
#include <stdint.h>
#include <ivring/ring.h>

struct guest_map {
	int fd;	    /* holds the lock */
	void *base; /* bytes, writable */
	size_t bytes;
	uint32_t map_type;	     /* IVRING_MAP_* */
	struct ivring_superblock sb; /* private copy, validated */
};

/* The folder of all PCI devices. */
#define GUEST_MAP_PCI "/sys/bus/pci/devices"

/* Open and map a region's file or a device's folder @path, whichever it is, and
 * lock it against other programs.  0 with *ret, to be closed; or an error of
 * guest.h. */
int guest_map_open(const char *path, struct guest_map *ret);

/* The first ivshmem device below the folder @pci that can be mapped.  0 with
 * *ret; -ENODEV, or why the best of them could not. */
int guest_map_find(const char *pci, struct guest_map *ret);

void guest_map_close(struct guest_map *m);

#endif /* IVRING_SRC_GUEST_MAP_H */
