// SPDX-License-Identifier: GPL-2.0-or-later
#include <pci/pci.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "guest-driver/tool/tool.h"

#define IVSHMEM_VENDOR 0x1af4
#define IVSHMEM_DEVICE 0x1110
#define MEMORY_BAR     2

/* libpci does not return from its error handler. */
static void __attribute__((noreturn, format(printf, 1, 2))) pci_failed(char *fmt, ...)
{
	char why[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	message("cannot list PCI devices: %s", why);
	exit(1);
}

static void __attribute__((format(printf, 1, 2))) pci_is_quiet(char *fmt, ...)
{
	(void)fmt;
}

unsigned int device_find(struct tool_device *ret, unsigned int max)
{
	struct pci_access *access = pci_alloc();
	unsigned int n = 0;
	struct pci_dev *dev;

	access->error = pci_failed;
	access->warning = pci_is_quiet;
	access->debug = pci_is_quiet;
	pci_init(access);
	pci_scan_bus(access);
	for (dev = access->devices; dev; dev = dev->next) {
		pci_fill_info(dev, PCI_FILL_IDENT | PCI_FILL_BASES | PCI_FILL_SIZES);
		if (dev->vendor_id != IVSHMEM_VENDOR || dev->device_id != IVSHMEM_DEVICE)
			continue;
		if (n < max) {
			snprintf(ret[n].address, sizeof(ret[n].address), "%04x:%02x:%02x.%u",
				 (unsigned int)dev->domain, dev->bus, dev->dev, dev->func);
			ret[n].memory_bytes = dev->base_addr[MEMORY_BAR] ? dev->size[MEMORY_BAR]
									 : 0;
		}
		n++;
	}
	pci_cleanup(access);
	return n;
}
