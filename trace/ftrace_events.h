/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events of ftrace in a trace (records ivtrace_ftrace), by the formats that their
 * guest sent (ivtrace_format).  A machine's formats are looked for when its first
 * such event is asked about: a trace without any is not read twice.
 */
#ifndef IVT_TRACE_FTRACE_EVENTS_H
#define IVT_TRACE_FTRACE_EVENTS_H

#include "trace/ftrace_format.h"
#include "trace/trace_reader.h"

/* Why an event's format is not known. */
enum ivt_ftrace_why {
	IVT_FTRACE_KNOWN,
	IVT_FTRACE_NO_FORMAT, /* none came, or it was lost */
	IVT_FTRACE_CHANGED,   /* its number was given to another just then: may be of either */
	IVT_FTRACE_BAD,	      /* it is not understood, or the entry too short */
};

/* An entry as a record holds it. */
struct ivt_ftrace_event {
	const struct ivt_ftrace_format *format; /* of the trace; NULL: not known */
	enum ivt_ftrace_why why;
	const void *entry; /* in the mapped file */
	size_t bytes;
	uint32_t id;
};

/* Is @ev one?  Then *ret says what is known of it. */
bool ivt_ftrace_event(struct ivt_trace *t, const struct ivt_event *ev,
		      struct ivt_ftrace_event *ret);

/* A few words for people, "" where the format is known. */
const char *ivt_ftrace_why_text(enum ivt_ftrace_why why);

/* The fields as text: by name, or number, reason and bytes.  Always terminated;
 * returns the length written. */
size_t ivt_ftrace_event_print(const struct ivt_ftrace_event *event, char *ret, size_t ret_bytes);

#endif /* IVT_TRACE_FTRACE_EVENTS_H */
