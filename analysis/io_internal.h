/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the steps of the disk analysis, each a file:
 *
 *	io_collect.c	events -> requests of every machine, host ones with owner
 *	io_link.c	guest request -> the host requests that serve it
 *	io_contend.c	whom the device served when -> stages, waiting, blame
 *	io.c		the three in order, sums per machine
 */
#ifndef IVT_ANALYSIS_IO_INTERNAL_H
#define IVT_ANALYSIS_IO_INTERNAL_H

#include "analysis/io.h"

/* What a request does; only equals are linked. */
enum io_op {
	IO_READ,
	IO_WRITE,
	IO_DISCARD,
	IO_FLUSH
};
enum io_op io_op_of(uint32_t rwbs, uint32_t nr_sector);

/* The size that a machine's kernel gives for a disk. */
struct io_capacity {
	uint32_t machine;
	uint32_t dev;
	uint64_t sectors;
};

struct io_capacities {
	struct io_capacity *of;
	size_t n;
	size_t capacity;
};

/* Read all requests of @t into r->guest and r->host, sorted; r->lost.
 * 0 or -errno with *err. */
int io_collect(struct ivt_trace *t, struct ivt_io_result *r, struct io_capacities *ret_capacities,
	       struct ivt_error *err);

/* Calls fn(arg, host sector, sectors) for each piece of a guest's range that
 * the disk's extents map; returns the sectors mapped. */
uint64_t io_map_range(const struct ivt_disk *disk, uint64_t sector, uint64_t sectors,
		      void (*fn)(void *arg, uint64_t host_sector, uint64_t sectors), void *arg);

/* Error of a guest machine's clock, ns: the largest bound in its history. */
uint64_t io_clock_error_ns(const struct ivt_trace *t, uint32_t machine);

/* Fill r->links and what depends on them. @error_ns: per machine. 0 or -ENOMEM. */
int io_link(const struct ivt_trace_info *info, const struct io_capacities *capacities,
	    const uint64_t *error_ns, struct ivt_io_result *r);

/* Fill service_ns, devices, stages and blame. 0 or -ENOMEM. */
int io_contend(struct ivt_io_result *r);

#endif /* IVT_ANALYSIS_IO_INTERNAL_H */
