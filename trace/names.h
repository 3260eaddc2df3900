/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text from outside made safe for file names, TSDL and JSON; UUIDs.
 */
#ifndef IVT_TRACE_NAMES_H
#define IVT_TRACE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define IVT_UUID_TEXT_BYTES 37

/* Bytes, 1 to 4, of the character that @text, NUL-terminated, begins with; 0: what
 * is there is no UTF-8 (overlong forms and surrogates included: JSON readers
 * refuse them).  The NUL counts as a character. */
size_t ivt_utf8_bytes(const char *text);
/* Is it one of U+0080..U+009F?  To a terminal they are the escape sequences of
 * seven bits.  They have two bytes. */
bool ivt_utf8_is_c1(const char *text);

/* Copy of @src, cut to fit, control bytes and what is not UTF-8 as '?'. */
void ivt_name_clean(char *ret, size_t ret_bytes, const char *src);
/* For a file name: [A-Za-z0-9_-], anything else '_'. */
void ivt_name_file(char *ret, size_t ret_bytes, const char *src);
/* For a TSDL identifier: [A-Za-z_][A-Za-z0-9_]*, anything else '_'. */
void ivt_name_ident(char *ret, size_t ret_bytes, const char *src);
/* A TSDL string with its quotes: '\' and '"' escaped, control bytes '?'. */
void ivt_name_quoted(FILE *f, const char *src);

/* A random (version 4) UUID. 0 or -errno. */
int ivt_uuid_make(uint8_t ret[16]);
void ivt_uuid_format(const uint8_t uuid[16], char ret[IVT_UUID_TEXT_BYTES]);
/* 0; -EINVAL: not a UUID's text. */
int ivt_uuid_parse(const char *text, uint8_t ret[16]);

#endif /* IVT_TRACE_NAMES_H */
