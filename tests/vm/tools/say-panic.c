// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a guest's pvpanic driver does when its kernel panics, with a kernel that goes
 * on: bit 0 into the device's port (QEMU, docs/specs/pvpanic).
 */
#include <stdio.h>
#include <sys/io.h>

#define PVPANIC_PORT 0x505

int main(void)
{
	if (ioperm(PVPANIC_PORT, 1, 1)) {
		perror("say-panic: ioperm");
		return 1;
	}
	outb(1, PVPANIC_PORT);
	return 0;
}
