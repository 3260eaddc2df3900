// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/names.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

size_t ivt_utf8_bytes(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] < 0x80	   ? 1
		     : (s[0] >> 5) == 6	   ? 2
		     : (s[0] >> 4) == 14   ? 3
		     : (s[0] >> 3) == 0x1e ? 4
					   : 0;
	uint32_t code = s[0] & (0x7f >> len);

	if (len <= 1)
		return len;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	return code < least[len] || code > 0x10ffff || (code >> 11) == 0x1b ? 0 : len;
}

bool ivt_utf8_is_c1(const char *text)
{
	return (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] >= 0x80 &&
	       (unsigned char)text[1] < 0xa0;
}

void ivt_name_clean(char *ret, size_t ret_bytes, const char *src)
{
	size_t n = 0;

	while (*src) {
		size_t len = ivt_utf8_bytes(src);
		bool is_bad = len == 0 || iscntrl((unsigned char)*src) || ivt_utf8_is_c1(src);
		size_t step = is_bad ? 1 : len;

		if (n + step >= ret_bytes)
			break;
		if (is_bad)
			ret[n] = '?';
		else
			memcpy(ret + n, src, len);
		n += step;
		src += step;
	}
	ret[n] = '\0';
}

static bool is_word(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

void ivt_name_file(char *ret, size_t ret_bytes, const char *src)
{
	size_t n = 0;

	for (; src[n] && n + 1 < ret_bytes; n++)
		ret[n] = is_word(src[n]) || src[n] == '-' ? src[n] : '_';
	ret[n] = '\0';
}

void ivt_name_ident(char *ret, size_t ret_bytes, const char *src)
{
	size_t n = 0;

	if (*src >= '0' && *src <= '9' && ret_bytes > 1)
		ret[n++] = '_';
	for (; *src && n + 1 < ret_bytes; src++)
		ret[n++] = is_word(*src) ? *src : '_';
	ret[n] = '\0';
}

void ivt_name_quoted(FILE *f, const char *src)
{
	char clean[512];

	ivt_name_clean(clean, sizeof(clean), src);
	fputc('"', f);
	for (const char *s = clean; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', f);
		fputc(*s, f);
	}
	fputc('"', f);
}

int ivt_uuid_make(uint8_t ret[16])
{
	if (getrandom(ret, 16, 0) != 16)
		return -EIO;
	ret[6] = (uint8_t)((ret[6] & 0x0f) | 0x40);
	ret[8] = (uint8_t)((ret[8] & 0x3f) | 0x80);
	return 0;
}

static bool is_dash_at(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

void ivt_uuid_format(const uint8_t uuid[16], char ret[IVT_UUID_TEXT_BYTES])
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < 16; i++) {
		if (is_dash_at(n))
			ret[n++] = '-';
		ret[n++] = hex[uuid[i] >> 4];
		ret[n++] = hex[uuid[i] & 15];
	}
	ret[n] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int ivt_uuid_parse(const char *text, uint8_t ret[16])
{
	uint8_t uuid[16] = { 0 };
	size_t n = 0;

	if (strlen(text) != IVT_UUID_TEXT_BYTES - 1)
		return -EINVAL;
	for (size_t i = 0; i < IVT_UUID_TEXT_BYTES - 1; i++) {
		int v = hex_value(text[i]);

		if (is_dash_at(i) ? text[i] != '-' : v < 0)
			return -EINVAL;
		if (is_dash_at(i))
			continue;
		uuid[n / 2] = (uint8_t)(uuid[n / 2] << 4 | v);
		n++;
	}
	memcpy(ret, uuid, 16);
	return 0;
}
