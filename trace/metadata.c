// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/metadata.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/event_table.h"
#include "trace/file_replace.h"
#include "trace/names.h"

#define METADATA_MAX_BYTES (16u << 20)
#define IDENT_BYTES	   (sizeof(((struct ivt_machine_info *)0)->dir) + 8)

static const char types_text[] =
	"/* CTF 1.8 */\n"
	"typealias integer { size = 8;  align = 8; signed = false; } := uint8_t;\n"
	"typealias integer { size = 16; align = 8; signed = false; } := uint16_t;\n"
	"typealias integer { size = 32; align = 8; signed = false; } := uint32_t;\n"
	"typealias integer { size = 64; align = 8; signed = false; } := uint64_t;\n"
	"typealias integer { size = 64; align = 8; signed = false; base = hex; } := hex64_t;\n"
	"typealias integer { size = 32; align = 8; signed = true; } := int32_t;\n"
	"typealias integer { size = 64; align = 8; signed = true; } := int64_t;\n"
	"typealias integer { size = 8;  align = 8; signed = true; encoding = UTF8; } := char_t;\n"
	"typealias integer { size = 22; align = 1; signed = false; } := u22_t;\n"
	"typealias integer { size = 7;  align = 1; signed = false; } := u7_t;\n"
	"typealias integer { size = 2;  align = 1; signed = false; } := u2_t;\n"
	"typealias integer { size = 1;  align = 1; signed = false; } := u1_t;\n";

static void write_trace(FILE *f, const struct ivt_machine_info *m)
{
	char uuid[IVT_UUID_TEXT_BYTES];

	ivt_uuid_format(m->uuid, uuid);
	fprintf(f,
		"trace {\n\tmajor = 1; minor = 8; uuid = \"%s\"; byte_order = le;\n"
		"\tpacket.header := struct {\n"
		"\t\tuint32_t magic; uint8_t uuid[16]; uint32_t stream_id;\n"
		"\t\tuint64_t stream_instance_id;\n\t};\n};\n",
		uuid);
}

/* The tracer's name decides which event names Trace Compass looks for; the
 * true author stands in ivtrace_*. */
static void write_env(FILE *f, const struct ivt_trace_info *info, const struct ivt_machine_info *m,
		      const struct ivt_metadata_options *opt)
{
	fputs("env {\n\thostname = ", f);
	ivt_name_quoted(f, m->kind == IVT_HOST && info->hostname[0] ? info->hostname : m->name);
	fputs(";\n\tdomain = \"kernel\"; sysname = \"Linux\";\n\tkernel_release = ", f);
	ivt_name_quoted(f, m->kind == IVT_HOST ? info->kernel_release : m->guest_release);
	fputs(";\n\ttracer_name = \"lttng-modules\"; tracer_major = 2; tracer_minor = 13; "
	      "tracer_patchlevel = 0;\n\tivtrace_version = ",
	      f);
	ivt_name_quoted(f, info->tool_version);
	fputs(";\n\tivtrace_machine = ", f);
	ivt_name_quoted(f, m->dir);
	fputs("; ivtrace_name = ", f);
	ivt_name_quoted(f, m->name);
	fprintf(f,
		";\n\tivtrace_epoch = %" PRIu32 "; ivtrace_tsc_offset = %" PRId64
		"; ivtrace_ratio = %" PRIu64 "; ivtrace_frac = %" PRIu32 ";\n};\n",
		m->epoch, opt->tsc_offset, opt->ratio, opt->frac_bits);
}

static void write_clock(FILE *f, const struct ivt_machine_info *m)
{
	const char *what = m->clock == IVT_CLOCK_TSC ? "tsc" : "mono";
	char ident[IDENT_BYTES];

	ivt_name_ident(ident, sizeof(ident), m->dir);
	fprintf(f,
		"clock {\n\tname = \"%s_%s\"; description = \"%s\";\n\tfreq = %" PRIu64
		"; offset_s = %" PRIu64 "; offset = %" PRIu64 "; absolute = true;\n};\n",
		ident, what, m->clock == IVT_CLOCK_TSC ? "raw TSC" : "CLOCK_MONOTONIC", m->freq_hz,
		m->offset_s, m->offset);
	fprintf(f,
		"typealias integer { size = 64; align = 8; signed = false; "
		"map = clock.%s_%s.value; } := ts_t;\n",
		ident, what);
}

/* A wrong time bound is fatal in babeltrace2, a missing one is not: until the
 * bounds are filled in, the two words have other names. */
static void write_stream(FILE *f, bool has_bounds)
{
	fprintf(f,
		"stream {\n\tid = 0;\n\tpacket.context := struct {\n\t\t%s\n"
		"\t\tuint64_t content_size; uint64_t packet_size;\n"
		"\t\tuint64_t packet_seq_num; uint64_t events_discarded;\n"
		"\t\tuint32_t cpu_id; uint32_t ivt_flags;\n\t};\n"
		"\tevent.header := struct { ts_t timestamp; uint16_t id; } align(64);\n"
		"\tevent.context := struct {\n\t\tuint16_t _size; u22_t _tid; u2_t _exec; "
		"u7_t _rsv; u1_t _busy;\n\t};\n};\n",
		has_bounds ? "ts_t timestamp_begin; ts_t timestamp_end;"
			   : "uint64_t ivt_first; uint64_t ivt_last;");
}

/* Names carry one leading underscore, which readers strip: none can hit a
 * keyword of TSDL. */
static void write_field(FILE *f, const struct ivt_field *field)
{
	static const char *const types[] = {
		[IVT_KIND_I32] = "int32_t",   [IVT_KIND_U32] = "uint32_t",
		[IVT_KIND_I64] = "int64_t",   [IVT_KIND_U64] = "uint64_t",
		[IVT_KIND_X64] = "hex64_t",   [IVT_KIND_U8] = "uint8_t",
		[IVT_KIND_TEXT16] = "char_t", [IVT_KIND_STR] = "string",
	};

	if (field->kind == IVT_KIND_PAD4)
		fprintf(f, " uint8_t __pad%u[4];", field->offset_bytes);
	else if (field->kind == IVT_KIND_TEXT16)
		fprintf(f, " char_t _%s[16];", field->name);
	else if (field->kind == IVT_KIND_IP16)
		fprintf(f, " uint8_t _%s[16];", field->name);
	else if (field->kind == IVT_KIND_STR)
		fprintf(f, " string _%s; struct { } align(64) _end;", field->name);
	else if (field->kind == IVT_KIND_BYTES || field->kind == IVT_KIND_X64S)
		fprintf(f, " uint32_t __%s_length; %s _%s[__%s_length]; struct { } align(64) _end;",
			field->name, field->kind == IVT_KIND_BYTES ? "uint8_t" : "hex64_t",
			field->name, field->name);
	else
		fprintf(f, " %s _%s;", types[field->kind], field->name);
}

static void write_event(FILE *f, const struct ivt_event_desc *desc)
{
	fprintf(f, "event { name = \"%s\"; id = %u; stream_id = 0; fields := struct {", desc->name,
		desc->type);
	for (unsigned int i = 0; i < desc->n_fields; i++)
		write_field(f, &desc->fields[i]);
	fputs(" }; };\n", f);
}

int ivt_metadata_write(int dirfd, const struct ivt_trace_info *info,
		       const struct ivt_machine_info *machine,
		       const struct ivt_metadata_options *opt, struct ivt_error *err)
{
	const struct ivt_event_desc *desc;
	char *text = NULL;
	size_t bytes = 0;
	FILE *f = open_memstream(&text, &bytes);
	int ret;

	if (!f)
		return ivt_error_set(err, -ENOMEM, "no memory for metadata");
	fputs(types_text, f);
	write_trace(f, machine);
	write_env(f, info, machine, opt);
	write_clock(f, machine);
	write_stream(f, opt->has_bounds);
	for (size_t i = 0; (desc = ivt_event_desc_at(i)); i++)
		write_event(f, desc);
	ret = ferror(f) ? -ENOMEM : 0;
	if (fclose(f) && !ret)
		ret = -ENOMEM;
	if (!ret)
		ret = ivt_file_replace(dirfd, "metadata", text, bytes);
	free(text);
	if (ret)
		ivt_error_set(err, ret, "cannot write '%s/metadata': %s", machine->dir,
			      strerror(-ret));
	return ret;
}

static int read_number(const char *text, const char *key, uint64_t *ret)
{
	const char *at = strstr(text, key);

	if (!at || at[strlen(key)] < '0' || at[strlen(key)] > '9')
		return -EINVAL;
	*ret = strtoull(at + strlen(key), NULL, 10);
	return 0;
}

int ivt_metadata_read(int dirfd, struct ivt_machine_info *machine)
{
	static const char uuid_key[] = "minor = 8; uuid = \"";
	uint64_t freq_hz, offset_s, offset;
	char uuid[IVT_UUID_TEXT_BYTES];
	const char *at, *clock;
	size_t bytes;
	char *text;
	int ret = ivt_file_read(dirfd, "metadata", METADATA_MAX_BYTES, &text, &bytes);

	if (ret)
		return ret;
	at = strstr(text, uuid_key);
	clock = strstr(text, "\nclock {");
	ret = -EINVAL;
	if (at && clock && strlen(at) > sizeof(uuid_key) + sizeof(uuid)) {
		memcpy(uuid, at + sizeof(uuid_key) - 1, sizeof(uuid) - 1);
		uuid[sizeof(uuid) - 1] = '\0';
		if (!read_number(clock, "freq = ", &freq_hz) &&
		    !read_number(clock, "offset_s = ", &offset_s) &&
		    !read_number(clock, "offset = ", &offset) && freq_hz > 0)
			ret = ivt_uuid_parse(uuid, machine->uuid);
	}
	if (!ret) {
		machine->freq_hz = freq_hz;
		machine->offset_s = offset_s;
		machine->offset = offset;
	}
	free(text);
	return ret;
}
