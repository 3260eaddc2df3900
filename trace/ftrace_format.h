/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A format of ftrace, as a guest's tracefs says it, and the entries that have it.
 * Both are the guest's word: of the text only lists of fields in a shape that we
 * know reach libtraceevent, and each value is bounded by its entry.
 */
#ifndef IVT_TRACE_FTRACE_FORMAT_H
#define IVT_TRACE_FTRACE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IVT_FTRACE_MAX_FIELDS  128
#define IVT_FTRACE_NAME_BYTES  64  /* of a system, an event, a field; with the NUL */
#define IVT_FTRACE_TITLE_BYTES 128 /* "system:event" */

enum ivt_ftrace_kind {
	IVT_FTRACE_INT,
	IVT_FTRACE_UINT,
	IVT_FTRACE_HEX, /* an address */
	IVT_FTRACE_TEXT,
	IVT_FTRACE_BYTES, /* anything else */
};

/* Where the bytes are that a field has. */
enum ivt_ftrace_place {
	IVT_FTRACE_FIXED,    /* at offset_bytes; of size 0: from there to the end */
	IVT_FTRACE_DATA_LOC, /* where the u32 at offset_bytes says: length << 16 | offset */
	IVT_FTRACE_REL_LOC,  /* the same, offset counted from behind that u32 */
};

struct ivt_ftrace_field {
	char name[IVT_FTRACE_NAME_BYTES];
	enum ivt_ftrace_kind kind;
	enum ivt_ftrace_place place;
	uint32_t offset_bytes;
	uint32_t size_bytes;
	uint32_t unit_bytes; /* of a number: 1, 2, 4 or 8 */
	bool is_array;
};

struct ivt_ftrace_format {
	char title[IVT_FTRACE_TITLE_BYTES]; /* "sched:sched_switch" */
	unsigned int n_fields;		    /* without those that all events have */
	struct ivt_ftrace_field fields[];
};

/* What a field of an entry holds. */
struct ivt_ftrace_value {
	enum ivt_ftrace_kind kind;
	bool is_array;
	const unsigned char *at; /* in the entry, unaligned */
	size_t n;		 /* numbers; bytes of a text (without a NUL) or of BYTES */
	uint32_t unit_bytes;	 /* of a number */
};

/*
 * @text: what an ivtrace_format record holds, @bytes of it, not terminated.  0 with
 * *ret, to be freed with free(); -EINVAL: not a format; -ENOMEM.
 */
int ivt_ftrace_format_parse(const char *text, size_t bytes, struct ivt_ftrace_format **ret);

/* The field's value in an entry of @bytes; false: it lies outside. */
bool ivt_ftrace_value(const struct ivt_ftrace_field *field, const void *entry, size_t bytes,
		      struct ivt_ftrace_value *ret);

/* The i-th number (0 <= i < n) of an INT, UINT or HEX. */
uint64_t ivt_ftrace_number(const struct ivt_ftrace_value *value, size_t i);

/* The entry as "name=value name=value", valid UTF-8 without control characters,
 * always terminated; returns the length written. */
size_t ivt_ftrace_print(const struct ivt_ftrace_format *format, const void *entry, size_t bytes,
			char *ret, size_t ret_bytes);

#endif /* IVT_TRACE_FTRACE_FORMAT_H */
