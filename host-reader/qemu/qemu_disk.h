/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The disks that a QEMU process has open, and where their bytes lie on the
 * host's block devices: the window of a device that the command line gives the
 * guest, or the extents of a raw image file.
 */
#ifndef HOST_QEMU_DISK_H
#define HOST_QEMU_DISK_H

#include <sys/types.h>
#include "trace/trace_info.h"

/*
 * 0 with an array for the caller (qemu_disks_free()); -ENOENT, -EACCES: the
 * process cannot be looked at; -ENOMEM.  A disk whose bytes cannot be placed
 * (an image in another format, a file system without a device) has no extents.
 */
int qemu_disks_read(pid_t pid, struct ivt_disk **ret, size_t *ret_n);
void qemu_disks_free(struct ivt_disk *disks, size_t n);

#endif /* HOST_QEMU_DISK_H */
