/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guest's side of a region, for a program: what ivtrace.ko does for the
 * kernel.  In a VM without that driver a program writes through the ivshmem
 * device; on one machine two programs share a region's file.
 *
 *	ivring_guest_open(NULL, NULL, &g);		find, map, check
 *	ivring_guest_begin(g);				a new epoch: clear, READY
 *	ivring_guest_writer_get(g, &w);			in each thread
 *	ivring_emit(w, type, ctx, payload, bytes);	as often as it likes
 *	ivring_guest_writer_put(g, w);
 *	ivring_guest_end(g);
 *	ivring_guest_close(g);
 *
 * One channel per thread, not per CPU: ivring_emit() is atomic against the
 * signal handlers of its own thread and against nothing else, and the kernel
 * moves threads between CPUs when it likes.  What a trace shows as CPU n is then
 * the writer of channel n.
 *
 * No function prints.  Errors of open, for which ivring_guest_strerror() has a
 * text:
 *
 *	-ENODEV		  this machine has no ivshmem device
 *	-EBUSY		  a driver (ivtrace.ko) or another program has it, or a
 *			  guest is at work in that file: its heartbeat goes on
 *	-ENODATA	  not formatted by a host yet
 *	-EPROTONOSUPPORT, -EILSEQ, -EINVAL, -EMSGSIZE
 *			  as in region.h
 *	-EACCES, -EPERM	  not root; or the kernel is locked down (secure boot)
 *	-ENOENT, -ENOMEM, ...
 *
 * What can not be known: a guest that maps the file of a region through QEMU
 * and whose driver has no heartbeat; a driver that is loaded later and takes the
 * device all the same (ivring_guest_beat() then says so).
 */
#ifndef IVRING_GUEST_H
#define IVRING_GUEST_H

#include <stddef.h>
#include <stdint.h>
#include <ivring/ring.h>

struct ivring_guest;

struct ivring_guest_options {
	size_t struct_bytes; /* sizeof(struct ivring_guest_options) */
	const char *release; /* who the trace says this is; NULL = the kernel's release */
	uint32_t nr_writers; /* channels to clear and use; 0 = all that there are */
	uint32_t ack_ms;     /* how long a reader may take for the old epoch; 0 = 1000 */
	uint32_t can_freeze; /* each thread asks ivring_guest_wants() before it writes */
};

/*
 * Map a region and check it; nothing is written yet, and no other program can
 * take it meanwhile.  @path: a region's file; or the device's folder below
 * /sys/bus/pci/devices; NULL: the first ivshmem device (1af4:1110) whose memory
 * was formatted.  @opt may be NULL.  0 with *ret, to be closed; or an error from
 * above, or -ERANGE: more writers than the region has channels.
 *
 * The device's memory is mapped by resource2_wc where the mapping is found to be
 * as quick as ordinary memory: on Intel and under emulation a guest's page
 * attributes are ignored, the ring is write-back.  Where they count (AMD)
 * user space gets no such mapping: write-combining would let the head overtake
 * the records, so resource2 is taken, uncached: right, but each store of a
 * record then goes to memory by itself.  ivring_guest_is_uncached() tells.
 */
int ivring_guest_open(const char *path, const struct ivring_guest_options *opt,
		      struct ivring_guest **ret);
/* Ends the epoch if it was begun, unmaps, frees; no thread may have a writer.
 * NULL is left alone. */
void ivring_guest_close(struct ivring_guest *g);

/* The checked copy of the superblock, borrowed until close; and whether the
 * memory is mapped uncached. */
const struct ivring_superblock *ivring_guest_superblock(const struct ivring_guest *g);
int ivring_guest_is_uncached(const struct ivring_guest *g);

/*
 * Begin a new epoch: announce it, wait (ack_ms at most) while a reader drains
 * what the one before left, clear the channels, READY.  May be called again
 * without an end between, as after a reset.  0; -EBUSY: a thread has a writer;
 * -ESTALE: the host formatted the region anew, open again.
 */
int ivring_guest_begin(struct ivring_guest *g);

/* Publish all, FROZEN, DOWN.  0, also if nothing was begun; -EBUSY: a thread has
 * a writer, nothing was done; -ESTALE: the region is another's now, and was left
 * alone. */
int ivring_guest_end(struct ivring_guest *g);

/*
 * A writer for one thread alone, from the lowest free channel, valid until it is
 * put back.  Any thread, between begin and end.  0 with *ret;
 * -ENOSPC: all are taken; -ENOTCONN: no epoch was begun.  put() publishes what it
 * wrote; NULL is left alone.  A thread that is about to sleep publishes by
 * ivring_flush() itself: nobody else can do it safely.
 */
int ivring_guest_writer_get(struct ivring_guest *g, struct ivring_writer **ret);
void ivring_guest_writer_put(struct ivring_guest *g, struct ivring_writer *w);

/*
 * To be called every 10 to 100 ms by one thread, while others write: counts the
 * heartbeat up, looks which events the reader wants, and has each writer publish
 * at its next record.  0; -ESTALE: the host formatted the region anew, or another
 * guest has it: stop writing, close.
 */
int ivring_guest_beat(struct ivring_guest *g);

/* Does a reader want this type, as of the last beat (or begin)?  Any thread, any
 * signal handler; a load. */
int ivring_guest_is_enabled(const struct ivring_guest *g, uint16_t type);

/*
 * The same, asked by the thread that has @w before each record: it obeys, besides, a
 * reader that wants nothing to be written for now (ivring_region_freeze()).  The
 * first time it then publishes what was written by @w; the reader is told when each
 * thread that has a writer has asked.  With can_freeze the program promises to ask.
 */
int ivring_guest_wants(struct ivring_guest *g, struct ivring_writer *w, uint16_t type);

/* From the handler of a signal that ends the program: tells the host how far
 * each channel was reserved, state DEAD.  Async-signal-safe; nothing of @g may
 * be used after it. */
void ivring_guest_die(struct ivring_guest *g);

/* What went wrong and what to do, for a -errno of the functions above. */
const char *ivring_guest_strerror(int err);

#endif /* IVRING_GUEST_H */
