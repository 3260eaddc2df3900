/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The formats of ftrace's events that a machine sent (ivtrace_format records), as
 * they stand in its files.
 */
#ifndef IVT_TRACE_FTRACE_STORE_H
#define IVT_TRACE_FTRACE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ivt_event;
struct ivt_ftrace_format;
struct ivt_machine_streams;

/* Of one machine; formats past these are not looked at. */
#define IVT_FTRACE_MAX_FORMATS	    16384
#define IVT_FTRACE_MAX_FORMAT_BYTES (32u << 20)

/* One ivtrace_format record. */
struct ivt_ftrace_stored {
	uint32_t id;
	uint32_t order; /* among those of one time */
	uint64_t host_ns;
	uint64_t raw;	/* its stamp */
	uint64_t since; /* in the same clock; 0: no other was before */
	const char *text;
	size_t bytes;
	struct ivt_ftrace_format *format; /* once it was asked for */
	bool is_bad;
	bool is_owned; /* the text */
};

struct ivt_ftrace_formats {
	struct ivt_ftrace_stored *entries; /* by id, then time */
	size_t n_entries;
	size_t text_bytes;
};

/* All that @streams have; reads each record of theirs once.  NULL: no memory. */
struct ivt_ftrace_formats *ivt_ftrace_formats_collect(const struct ivt_machine_streams *streams);
/* One more, an ivtrace_format record whose payload does not stay; NULL as @formats
 * is allowed and makes them.  NULL: no memory, @formats is untouched. */
struct ivt_ftrace_formats *ivt_ftrace_formats_add(struct ivt_ftrace_formats *formats,
						  const struct ivt_event *ev);
/* NULL is nothing. */
void ivt_ftrace_formats_destroy(struct ivt_ftrace_formats *formats);

#endif /* IVT_TRACE_FTRACE_STORE_H */
