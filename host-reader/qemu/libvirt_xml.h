/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device as libvirt's domain XML has it (<shmem>), on standard output.
 */
#ifndef HOST_LIBVIRT_XML_H
#define HOST_LIBVIRT_XML_H

#include <stdint.h>
#include "host-reader/base/options.h"

/* For the region that is @spec's file, of @bytes.  libvirt knows regions in /dev/shm only; for
 * others QEMU's own arguments, passed through. */
void libvirt_print_file(const struct vm_spec *spec, uint64_t bytes);
/* For a VM that connects to @spec's socket. */
void libvirt_print_socket(const struct vm_spec *spec);

#endif /* HOST_LIBVIRT_XML_H */
