// SPDX-License-Identifier: GPL-2.0-or-later
/* Entries of ftrace by their format, each value within the entry. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <ivring/abi.h>
#include "trace/ftrace_format.h"
#include "trace/names.h"

/* The bytes [*ret_at, *ret_at + *ret_n) that the field has of an entry of @bytes. */
static bool place_find(const struct ivt_ftrace_field *field, const unsigned char *entry,
		       size_t bytes, size_t *ret_at, size_t *ret_n)
{
	size_t at = field->offset_bytes, n = field->size_bytes;
	uint32_t where;

	if (at > bytes || n > bytes - at)
		return false;
	if (field->place != IVT_FTRACE_FIXED) {
		if (n != sizeof(where))
			return false;
		memcpy(&where, entry + at, sizeof(where));
		at = (where & 0xffff) + (field->place == IVT_FTRACE_REL_LOC ? at + n : 0);
		n = where >> 16;
	} else if (n == 0 && field->is_array) {
		n = bytes - at;
	}
	*ret_at = at;
	*ret_n = n;
	return at <= bytes && n <= bytes - at;
}

bool ivt_ftrace_value(const struct ivt_ftrace_field *field, const void *entry, size_t bytes,
		      struct ivt_ftrace_value *ret)
{
	size_t at, n;

	if (!place_find(field, entry, bytes, &at, &n))
		return false;
	*ret = (struct ivt_ftrace_value){ .kind = field->kind,
					  .is_array = field->is_array,
					  .at = (const unsigned char *)entry + at,
					  .n = n,
					  .unit_bytes = field->unit_bytes };
	if (field->kind == IVT_FTRACE_TEXT) {
		ret->n = strnlen((const char *)ret->at, n);
		if (ret->n > 0 && ret->at[ret->n - 1] == '\n') /* of a marker */
			ret->n--;
	} else if (field->kind != IVT_FTRACE_BYTES) {
		ret->n = field->is_array ? n / field->unit_bytes : 1;
		return n >= field->unit_bytes || field->is_array;
	}
	return true;
}

uint64_t ivt_ftrace_number(const struct ivt_ftrace_value *value, size_t i)
{
	uint64_t number = 0;
	unsigned int shift = 64 - 8 * value->unit_bytes;

	memcpy(&number, value->at + i * value->unit_bytes, value->unit_bytes);
	if (value->kind == IVT_FTRACE_INT)
		number = (uint64_t)((int64_t)(number << shift) >> shift);
	return number;
}

/* ---- as text ------------------------------------------------------------------------ */

struct out {
	char *at;
	char *end; /* of the room, the NUL's byte excluded */
};

static void out_plain(struct out *out, const char *s)
{
	while (*s && out->at < out->end)
		*out->at++ = *s++;
}

static void out_number(struct out *out, const struct ivt_ftrace_value *value, size_t i)
{
	uint64_t number = ivt_ftrace_number(value, i);
	char text[24];

	if (value->kind == IVT_FTRACE_INT)
		snprintf(text, sizeof(text), "%" PRId64, (int64_t)number);
	else
		snprintf(text, sizeof(text),
			 value->kind == IVT_FTRACE_HEX ? "0x%" PRIx64 : "%" PRIu64, number);
	out_plain(out, text);
}

static void out_numbers(struct out *out, const struct ivt_ftrace_value *value)
{
	if (!value->is_array) {
		out_number(out, value, 0);
		return;
	}
	out_plain(out, "[");
	for (size_t i = 0; i < value->n && out->at < out->end; i++) {
		out_plain(out, i ? " " : "");
		out_number(out, value, i);
	}
	out_plain(out, "]");
}

static void out_bytes(struct out *out, const struct ivt_ftrace_value *value)
{
	char hex[3];

	for (size_t i = 0; i < value->n && out->at < out->end; i++) {
		snprintf(hex, sizeof(hex), "%02x", value->at[i]);
		out_plain(out, hex);
	}
}

static void out_text(struct out *out, const struct ivt_ftrace_value *value)
{
	char text[IVRING_REC_MAX_BYTES];
	size_t n = value->n < sizeof(text) - 1 ? value->n : sizeof(text) - 1;

	memcpy(text, value->at, n);
	text[n] = '\0';
	ivt_name_clean(out->at, (size_t)(out->end - out->at) + 1, text);
	out->at += strlen(out->at);
}

size_t ivt_ftrace_print(const struct ivt_ftrace_format *format, const void *entry, size_t bytes,
			char *ret, size_t ret_bytes)
{
	struct out out = { ret, ret + ret_bytes - 1 };
	struct ivt_ftrace_value value;

	if (ret_bytes == 0)
		return 0;
	for (unsigned int i = 0; i < format->n_fields; i++) {
		const struct ivt_ftrace_field *field = &format->fields[i];

		out_plain(&out, out.at > ret ? " " : "");
		out_plain(&out, field->name);
		out_plain(&out, "=");
		if (!ivt_ftrace_value(field, entry, bytes, &value))
			out_plain(&out, "?");
		else if (value.kind == IVT_FTRACE_TEXT)
			out_text(&out, &value);
		else if (value.kind == IVT_FTRACE_BYTES)
			out_bytes(&out, &value);
		else
			out_numbers(&out, &value);
	}
	*out.at = '\0';
	return (size_t)(out.at - ret);
}
