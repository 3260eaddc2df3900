/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event table at run time, derived from ivring/events.h: names, labels and
 * fields by type number, and bounded access to a payload's fields.
 */
#ifndef IVT_TRACE_EVENT_TABLE_H
#define IVT_TRACE_EVENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ivt_kind {
	IVT_KIND_I32,
	IVT_KIND_U32,
	IVT_KIND_I64,
	IVT_KIND_U64,
	IVT_KIND_X64,
	IVT_KIND_U8,
	IVT_KIND_TEXT16,
	IVT_KIND_IP16,
	IVT_KIND_PAD4,
	IVT_KIND_STR,	/* this and the following: at the end only */
	IVT_KIND_BYTES, /* a u32 count, then the bytes */
	IVT_KIND_X64S,	/* a u32 count, then 64-bit words */
};

struct ivt_field {
	const char *name;
	enum ivt_kind kind;
	uint16_t offset_bytes;
};

/* Longest text of an IP16 with its NUL. */
#define IVT_IP_TEXT_BYTES 46

struct ivt_event_group {
	const char *name; /* "sched", "net" */
	const char *what; /* is in it, for people */
	bool is_default;  /* recorded where nothing else is asked for */
};

struct ivt_event_desc {
	uint16_t type;
	const char *name;
	const struct ivt_event_group *group;
	const char *label; /* for people */
	const struct ivt_field *fields;
	unsigned int n_fields;
	uint16_t fixed_bytes;	     /* payload without padding and what has no fixed length */
	const struct ivt_field *end; /* the field of no fixed length; NULL: none */
};

/* NULL when no event has this type. */
const struct ivt_event_desc *ivt_event_desc(uint16_t type);
/* By name ("sched_switch", "syscall_entry_read"); NULL when there is none. */
const struct ivt_event_desc *ivt_event_desc_by_name(const char *name);
/* The i-th of all events in ascending type order; NULL past the last. */
const struct ivt_event_desc *ivt_event_desc_at(size_t i);

/* The i-th group; NULL past the last. */
const struct ivt_event_group *ivt_event_group_at(size_t i);

/* Payload bytes of one record: does it fit the description exactly (a str is
 * terminated inside, a count is true, rounded up to 8)?  Bounds every later field
 * access. */
bool ivt_payload_fits(const struct ivt_event_desc *desc, const void *payload, size_t bytes);

/* Could it, judged by its length alone? */
bool ivt_payload_may_fit(const struct ivt_event_desc *desc, size_t bytes);

/* The bytes of the BYTES, or the words of the X64S (unaligned), that a payload that
 * fits ends with; *ret_n: how many.  NULL and 0 where the event has none. */
const void *ivt_payload_end(const struct ivt_event_desc *desc, const void *payload, size_t *ret_n);

/* The named field of a payload that fits; 0 / "" when the event has no such
 * field.  A text16 is copied out NUL-terminated, an ip16 as "10.0.2.15" or
 * "fe80::1". */
int64_t ivt_field_int(const struct ivt_event_desc *desc, const void *payload, const char *name);
void ivt_field_text(const struct ivt_event_desc *desc, const void *payload, const char *name,
		    char *ret, size_t ret_bytes);

/* An ip16 as text. */
void ivt_ip_format(const uint8_t ip[16], char ret[IVT_IP_TEXT_BYTES]);

/* "name=value name=value", control bytes as '?', always terminated; returns
 * the length written. */
size_t ivt_payload_format(const struct ivt_event_desc *desc, const void *payload, char *ret,
			  size_t ret_bytes);

#endif /* IVT_TRACE_EVENT_TABLE_H */
