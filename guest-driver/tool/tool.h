/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ivtrace-guest: what its files share.
 *
 *	device.c	the ivshmem device, by libpci
 *	driver.c	what ivtrace.ko says of itself
 *	mark.c		marks
 *	cmd_*.c		a sub-command each
 */
#ifndef GUEST_TOOL_H
#define GUEST_TOOL_H

#include <stdbool.h>
#include <stdint.h>
#include "cli/cli.h"

/* Types that the enable bitmap has a bit for. */
#define TOOL_TYPES (504 * 64)

/* ---- sub-commands: own argv (argv[0] is the program), exit status ---------- */

int cmd_status(int argc, char **argv);
int cmd_load(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_mark(int argc, char **argv);
int cmd_run(int argc, char **argv);

/* "ivtrace-guest: ..." to standard error. */
void message(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- device ------------------------------------------------------------------ */

struct tool_device {
	char address[32];
	uint64_t memory_bytes; /* of BAR 2; 0: it has none (yet) */
};

/* Up to @max ivshmem devices of this machine; how many there are, in all.  A
 * machine without PCI ends the program with a message (libpci's way). */
unsigned int device_find(struct tool_device *ret, unsigned int max);

/* ---- driver -------------------------------------------------------------------- */

struct tool_driver {
	bool is_loaded;
	bool is_allowed; /* host_control */
	char device[32]; /* "none" */
	char state[16];	 /* unbound, idle, recording, frozen */
	char memory[16];
	char filter_pids[1024];	 /* "12,34" */
	char filter_comms[2048]; /* a name per line */
	uint64_t channels;
	uint64_t channel_bytes;
	uint64_t records;
	uint64_t lost_full;
	uint64_t lost_nested;
	uint64_t lost_big;
};

/* What is there now.  A driver that is not loaded is no error: 0, or -errno where
 * one that is loaded cannot be read. */
int driver_read(struct tool_driver *ret);

/* Set a bit of @types (TOOL_TYPES bits) for each type that is recorded now, and of
 * @chains for each that is with call chains; the others are cleared.  0 or -errno. */
int driver_read_types(uint64_t *types, uint64_t *chains);

static inline bool driver_has_type(const uint64_t *types, unsigned int type)
{
	return types[type / 64] >> (type % 64) & 1;
}

/* What to do about a driver that is not loaded, not bound, or not allowed;
 * NULL when all is well. */
const char *driver_advice(const struct tool_driver *d);

/* ---- marks ----------------------------------------------------------------------- */

/* Put one mark of @kind (IVRING_MARK_*) into the trace; @number is not looked at for
 * a text.  0; -errno, after a message. */
int mark_put(int kind, uint64_t number, const char *text);

#endif /* GUEST_TOOL_H */
