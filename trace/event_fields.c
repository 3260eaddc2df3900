// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Payload bytes by an event's description.  A payload is held against its
 * description once (ivt_payload_fits()); the other calls rely on that.
 */
#include "trace/event_table.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "trace/names.h"

#define TEXT16_BYTES 16

static size_t round_up8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

bool ivt_payload_may_fit(const struct ivt_event_desc *desc, size_t bytes)
{
	if (!desc->end)
		return bytes == round_up8(desc->fixed_bytes);
	if (desc->end->kind == IVT_KIND_STR)
		return bytes % 8 == 0 && bytes > desc->fixed_bytes;
	return bytes % 8 == 0 && bytes >= desc->fixed_bytes;
}

static size_t count_of(const struct ivt_field *field, const void *payload)
{
	uint32_t count;

	memcpy(&count, (const char *)payload + field->offset_bytes, sizeof(count));
	return count;
}

static size_t unit_bytes(const struct ivt_field *field)
{
	return field->kind == IVT_KIND_X64S ? 8 : 1;
}

bool ivt_payload_fits(const struct ivt_event_desc *desc, const void *payload, size_t bytes)
{
	const char *str;
	size_t len;

	if (!ivt_payload_may_fit(desc, bytes))
		return false;
	if (!desc->end)
		return true;
	if (desc->end->kind != IVT_KIND_STR)
		return bytes == round_up8(desc->fixed_bytes +
					  count_of(desc->end, payload) * unit_bytes(desc->end));
	str = (const char *)payload + desc->fixed_bytes;
	len = strnlen(str, bytes - desc->fixed_bytes);
	return len < bytes - desc->fixed_bytes && bytes == round_up8(desc->fixed_bytes + len + 1);
}

const void *ivt_payload_end(const struct ivt_event_desc *desc, const void *payload, size_t *ret_n)
{
	*ret_n = 0;
	if (!desc->end || desc->end->kind == IVT_KIND_STR)
		return NULL;
	*ret_n = count_of(desc->end, payload);
	return (const char *)payload + desc->fixed_bytes;
}

static const struct ivt_field *field_find(const struct ivt_event_desc *desc, const char *name)
{
	for (unsigned int i = 0; i < desc->n_fields; i++)
		if (desc->fields[i].kind != IVT_KIND_PAD4 &&
		    strcmp(desc->fields[i].name, name) == 0)
			return &desc->fields[i];
	return NULL;
}

/* Records lie at multiples of 8 of a packet, not of the mapping: a damaged
 * file may shift them, hence memcpy(). */
static int64_t field_int(const struct ivt_field *field, const void *payload)
{
	const char *at = (const char *)payload + field->offset_bytes;
	uint32_t u32;
	int64_t i64;

	switch (field->kind) {
	case IVT_KIND_I32:
		memcpy(&u32, at, sizeof(u32));
		return (int32_t)u32;
	case IVT_KIND_U32:
		memcpy(&u32, at, sizeof(u32));
		return u32;
	case IVT_KIND_I64:
	case IVT_KIND_U64:
	case IVT_KIND_X64:
		memcpy(&i64, at, sizeof(i64));
		return i64;
	case IVT_KIND_U8:
		return (uint8_t)*at;
	case IVT_KIND_TEXT16:
	case IVT_KIND_IP16:
	case IVT_KIND_PAD4:
	case IVT_KIND_STR:
	case IVT_KIND_BYTES:
	case IVT_KIND_X64S:
		break;
	}
	return 0;
}

int64_t ivt_field_int(const struct ivt_event_desc *desc, const void *payload, const char *name)
{
	const struct ivt_field *field = field_find(desc, name);

	return field ? field_int(field, payload) : 0;
}

static size_t field_text_bytes(const struct ivt_field *field, const void *payload)
{
	const char *at = (const char *)payload + field->offset_bytes;

	return field->kind == IVT_KIND_STR ? strlen(at) : strnlen(at, TEXT16_BYTES);
}

void ivt_ip_format(const uint8_t ip[16], char ret[IVT_IP_TEXT_BYTES])
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	if (memcmp(ip, mapped, sizeof(mapped)) == 0)
		inet_ntop(AF_INET, ip + sizeof(mapped), ret, IVT_IP_TEXT_BYTES);
	else
		inet_ntop(AF_INET6, ip, ret, IVT_IP_TEXT_BYTES);
}

static bool field_is_text(const struct ivt_field *field)
{
	return field->kind == IVT_KIND_STR || field->kind == IVT_KIND_TEXT16;
}

void ivt_field_text(const struct ivt_event_desc *desc, const void *payload, const char *name,
		    char *ret, size_t ret_bytes)
{
	const struct ivt_field *field = field_find(desc, name);
	char ip[IVT_IP_TEXT_BYTES];
	size_t len = 0;

	if (ret_bytes == 0)
		return;
	if (field && field->kind == IVT_KIND_IP16) {
		ivt_ip_format((const uint8_t *)payload + field->offset_bytes, ip);
		snprintf(ret, ret_bytes, "%s", ip);
		return;
	}
	if (field && field_is_text(field)) {
		len = field_text_bytes(field, payload);
		if (len > ret_bytes - 1)
			len = ret_bytes - 1;
		memcpy(ret, (const char *)payload + field->offset_bytes, len);
	}
	ret[len] = '\0';
}

struct out {
	char *at;
	char *end; /* of the room, the NUL's byte excluded */
};

static void out_plain(struct out *out, const char *s)
{
	while (*s && out->at < out->end)
		*out->at++ = *s++;
}

/* A guest's text may be anything: valid UTF-8 without control characters is
 * what is left of it. */
static void out_text(struct out *out, const struct ivt_field *field, const void *payload)
{
	const char *text = (const char *)payload + field->offset_bytes;
	char copy[TEXT16_BYTES + 1];

	if (field->kind == IVT_KIND_TEXT16) {
		memcpy(copy, text, TEXT16_BYTES);
		copy[TEXT16_BYTES] = '\0';
		text = copy;
	}
	ivt_name_clean(out->at, (size_t)(out->end - out->at) + 1, text);
	out->at += strlen(out->at);
}

static void out_bytes(struct out *out, const void *at, size_t n)
{
	const uint8_t *bytes = at;
	char hex[3];

	for (size_t i = 0; i < n && out->at < out->end; i++) {
		snprintf(hex, sizeof(hex), "%02x", bytes[i]);
		out_plain(out, hex);
	}
}

static void out_words(struct out *out, const void *at, size_t n)
{
	char hex[20];
	uint64_t word;

	out_plain(out, "[");
	for (size_t i = 0; i < n && out->at < out->end; i++) {
		memcpy(&word, (const char *)at + 8 * i, sizeof(word));
		snprintf(hex, sizeof(hex), "%s0x%" PRIx64, i ? " " : "", word);
		out_plain(out, hex);
	}
	out_plain(out, "]");
}

/* What an event ends with: its field in front has the count. */
static void out_end(struct out *out, const struct ivt_field *field, const void *payload)
{
	const char *at = (const char *)payload + field->offset_bytes + sizeof(uint32_t);

	if (field->kind == IVT_KIND_BYTES)
		out_bytes(out, at, count_of(field, payload));
	else
		out_words(out, at, count_of(field, payload));
}

static void out_value(struct out *out, const struct ivt_field *field, const void *payload)
{
	int64_t value = field_int(field, payload);
	char num[IVT_IP_TEXT_BYTES];

	if (field_is_text(field)) {
		out_text(out, field, payload);
		return;
	}
	if (field->kind > IVT_KIND_STR) {
		out_end(out, field, payload);
		return;
	}
	if (field->kind == IVT_KIND_IP16)
		ivt_ip_format((const uint8_t *)payload + field->offset_bytes, num);
	else if (field->kind == IVT_KIND_X64)
		snprintf(num, sizeof(num), "0x%" PRIx64, (uint64_t)value);
	else if (field->kind == IVT_KIND_U64)
		snprintf(num, sizeof(num), "%" PRIu64, (uint64_t)value);
	else
		snprintf(num, sizeof(num), "%" PRId64, value);
	out_plain(out, num);
}

size_t ivt_payload_format(const struct ivt_event_desc *desc, const void *payload, char *ret,
			  size_t ret_bytes)
{
	struct out out = { ret, ret + ret_bytes - 1 };

	if (ret_bytes == 0)
		return 0;
	for (unsigned int i = 0; i < desc->n_fields; i++) {
		const struct ivt_field *field = &desc->fields[i];

		if (field->kind == IVT_KIND_PAD4)
			continue;
		if (out.at > ret)
			out_plain(&out, " ");
		out_plain(&out, field->name);
		out_plain(&out, "=");
		out_value(&out, field, payload);
	}
	*out.at = '\0';
	return (size_t)(out.at - ret);
}
