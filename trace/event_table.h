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
	IVT_KIND_STR,
	IVT_KIND_PAD4,
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
	uint16_t fixed_bytes; /* payload without str and padding */
	bool has_str;
};

/* NULL when no event has this type. */
const struct ivt_event_desc *ivt_event_desc(uint16_t type);
/* By name ("sched_switch", "syscall_entry_read"); NULL when there is none. */
const struct ivt_event_desc *ivt_event_desc_by_name(const char *name);
/* The i-th of all events in ascending type order; NULL past the last. */
const struct ivt_event_desc *ivt_event_desc_at(size_t i);

/* The i-th group; NULL past the last. */
const struct ivt_event_group *ivt_event_group_at(size_t i);

/* Payload bytes of one record: does it fit the description exactly (str is
 * terminated inside, rounded up to 8)?  Bounds every later field access. */
bool ivt_payload_fits(const struct ivt_event_desc *desc, const void *payload, size_t bytes);

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
