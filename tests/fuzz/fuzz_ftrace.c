// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hostile guest's formats of ftrace, and entries that have them: what reaches
 * libtraceevent, what comes out of it, and each value of an entry.
 *
 * Must hold whatever the text says: parsing ends, values lie in their entry, the
 * printed line is terminated, within its room and without control characters.
 *
 * Input: u16 bytes of the text, the text, the entry.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "trace/ftrace_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static volatile uint64_t sum; /* each value is loaded */

static void check(int is_true, const char *what)
{
	if (!is_true) {
		fprintf(stderr, "fuzz_ftrace: %s\n", what);
		abort();
	}
}

static void check_field(const struct ivt_ftrace_field *f, const unsigned char *entry, size_t bytes)
{
	struct ivt_ftrace_value value;
	size_t i;

	check(strlen(f->name) > 0 && strlen(f->name) < sizeof(f->name), "a field without a name");
	if (!ivt_ftrace_value(f, entry, bytes, &value))
		return;
	check(value.at >= entry && value.at <= entry + bytes, "a value begins outside");
	check(value.n * (value.kind == IVT_FTRACE_TEXT || value.kind == IVT_FTRACE_BYTES
				 ? 1
				 : value.unit_bytes) <=
		      (size_t)(entry + bytes - value.at),
	      "a value ends outside");
	for (i = 0; i < value.n; i++)
		sum = sum + (value.kind == IVT_FTRACE_TEXT || value.kind == IVT_FTRACE_BYTES
				     ? value.at[i]
				     : ivt_ftrace_number(&value, i));
}

static void check_print(const struct ivt_ftrace_format *format, const void *entry, size_t bytes,
			size_t room)
{
	char *text = malloc(room);
	size_t n, i;

	check(text != NULL, "out of memory");
	n = ivt_ftrace_print(format, entry, bytes, text, room);
	check(n < room && text[n] == '\0' && strlen(text) == n, "the line's end");
	for (i = 0; i < n; i++)
		check((unsigned char)text[i] >= ' ' && text[i] != 0x7f, "a control character");
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct ivt_ftrace_format *format;
	unsigned char *entry;
	char *text;
	size_t n, i;

	if (bytes < 2)
		return 0;
	n = data[0] | (size_t)data[1] << 8;
	data += 2;
	bytes -= 2;
	n = n < bytes ? n : bytes;
	text = malloc(n + !n); /* of its own, so that one byte too many is seen */
	entry = malloc(bytes - n + !(bytes - n));
	check(text && entry, "out of memory");
	memcpy(text, data, n);
	memcpy(entry, data + n, bytes - n);
	if (ivt_ftrace_format_parse(text, n, &format) == 0) {
		check(format->n_fields <= IVT_FTRACE_MAX_FIELDS, "too many fields");
		check(strchr(format->title, ':') != NULL, "no title");
		for (i = 0; i < format->n_fields; i++)
			check_field(&format->fields[i], entry, bytes - n);
		check_print(format, entry, bytes - n, 65536);
		check_print(format, entry, bytes - n, 17);
		free(format);
	}
	free(text);
	free(entry);
	return 0;
}
