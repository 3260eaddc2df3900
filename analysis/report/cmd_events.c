// SPDX-License-Identifier: GPL-2.0-or-later
/* events: one line per record, all machines in the order of the host's time. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <ivring/events.h>

#include "analysis/report/report.h"
#include "trace/kvm_names.h"
#include "trace/names.h"

#define MAX_TYPES 65536

static const char help[] =
	"Usage: ivtrace-report events [OPTIONS] TRACE.ivt\n"
	"\n"
	"Prints one line per event, all machines merged in the order of the host's time:\n"
	"seconds since the trace's start, machine, CPU, thread, event, its fields.\n"
	"\n"
	"  --from T, --to T   1.5 or 250ms since the start; @S: host CLOCK_MONOTONIC seconds\n"
	"  --vm NAME          this machine only (\"host\" is one too)\n"
	"  --name A[,B..]     these events only\n"
	"  --limit N          stop after N lines\n"
	"  --json             JSON lines: "
	"{\"t_ns\",\"machine\",\"cpu\",\"tid\",\"name\",\"fields\"},\n"
	"                     t_ns in ns since the start, addresses as \"0x...\"\n"
	"\n"
	"Examples:\n"
	"  ivtrace-report events --vm a --from 1.2 --to 1.3 slow.ivt\n"
	"  ivtrace-report events --name block_rq_issue,block_rq_complete --json slow.ivt\n";

/* Of one byte of a text in JSON: \u00XX. */
#define ESCAPED_BYTES 6
#define TEXT16_BYTES  16

/* A line that is being made; any record has room, what does not fit is cut. */
struct line {
	char text[IVRING_REC_MAX_BYTES * ESCAPED_BYTES + 4096];
	size_t n;
};

static void line_char(struct line *l, char c)
{
	if (l->n < sizeof(l->text))
		l->text[l->n++] = c;
}

static void line_text(struct line *l, const char *text)
{
	while (*text)
		line_char(l, *text++);
}

/* Left-aligned in @width columns, and a space. */
static void line_column(struct line *l, const char *text, size_t width)
{
	size_t n = strlen(text);

	line_text(l, text);
	for (; n < width; n++)
		line_char(l, ' ');
	line_char(l, ' ');
}

static void line_number(struct line *l, uint64_t number, unsigned int width, char fill)
{
	char digits[20];
	unsigned int n = 0;

	do
		digits[n++] = '0' + number % 10;
	while (number /= 10);
	for (; width > n; width--)
		line_char(l, fill);
	while (n)
		line_char(l, digits[--n]);
}

static void line_hex(struct line *l, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "\"0x%" PRIx64 "\"", number);
	line_text(l, text);
}

/* A character of @len bytes, or 0: one byte that belongs to none, which comes out
 * as the character of its number. */
static void line_json_char(struct line *l, const char *s, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char c = *s;
	size_t i;

	if (c == '"' || c == '\\') {
		line_char(l, '\\');
		line_char(l, c);
	} else if (!len || c < ' ' || c == 0x7f || ivt_utf8_is_c1(s)) {
		if (len > 1)
			c = s[1]; /* the second byte of a C1 is its number */
		line_text(l, "\\u00");
		line_char(l, hex[c >> 4]);
		line_char(l, hex[c & 15]);
	} else {
		for (i = 0; i < len; i++)
			line_char(l, s[i]);
	}
}

static void line_json_text(struct line *l, const char *text)
{
	size_t len;

	line_char(l, '"');
	for (; *text; text += len ? len : 1) {
		len = ivt_utf8_bytes(text);
		line_json_char(l, text, len);
	}
	line_char(l, '"');
}

static void line_json_bytes(struct line *l, const struct ivt_event *ev)
{
	static const char hex[] = "0123456789abcdef";
	size_t n, i;
	const unsigned char *bytes = ivt_payload_end(ev->desc, ev->payload, &n);

	line_char(l, '"');
	for (i = 0; i < n; i++) {
		line_char(l, hex[bytes[i] >> 4]);
		line_char(l, hex[bytes[i] & 15]);
	}
	line_char(l, '"');
}

static void line_json_words(struct line *l, const struct ivt_event *ev)
{
	size_t n, i;
	const char *words = ivt_payload_end(ev->desc, ev->payload, &n);

	line_char(l, '[');
	for (i = 0; i < n; i++) {
		uint64_t word;

		memcpy(&word, words + 8 * i, sizeof(word));
		line_text(l, i ? "," : "");
		line_hex(l, word);
	}
	line_char(l, ']');
}

static void line_json_field(struct line *l, const struct ivt_event *ev, const struct ivt_field *f)
{
	const char *at = (const char *)ev->payload + f->offset_bytes;
	char text[IVT_IP_TEXT_BYTES];
	int64_t number;

	switch (f->kind) {
	case IVT_KIND_TEXT16:
		memcpy(text, at, TEXT16_BYTES);
		text[TEXT16_BYTES] = '\0';
		line_json_text(l, text);
		return;
	case IVT_KIND_IP16:
		ivt_ip_format((const uint8_t *)at, text);
		line_json_text(l, text);
		return;
	case IVT_KIND_STR: /* it ends within its record */
		line_json_text(l, at);
		return;
	case IVT_KIND_BYTES:
		line_json_bytes(l, ev);
		return;
	case IVT_KIND_X64S:
		line_json_words(l, ev);
		return;
	default:
		break;
	}
	number = ivt_field_int(ev->desc, ev->payload, f->name);
	if (f->kind == IVT_KIND_X64) {
		line_hex(l, number);
	} else if (f->kind != IVT_KIND_U64 && number < 0) {
		line_char(l, '-');
		line_number(l, -(uint64_t)number, 0, ' ');
	} else {
		line_number(l, number, 0, ' ');
	}
}

static void line_json(struct line *l, const struct ivt_event *ev, const char *machine,
		      uint64_t first_ns)
{
	const char *comma = "";
	unsigned int i;

	line_text(l, "{\"t_ns\":");
	line_number(l, ev->host_ns - first_ns, 0, ' ');
	line_text(l, ",\"machine\":");
	line_json_text(l, machine);
	line_text(l, ",\"cpu\":");
	line_number(l, ev->cpu, 0, ' ');
	line_text(l, ",\"tid\":");
	line_number(l, ev->tid, 0, ' ');
	line_text(l, ",\"name\":\"");
	line_text(l, ev->desc->name);
	line_text(l, "\",\"fields\":{");
	for (i = 0; i < ev->desc->n_fields; i++) {
		const struct ivt_field *f = &ev->desc->fields[i];

		if (f->kind == IVT_KIND_PAD4)
			continue;
		line_text(l, comma);
		line_json_text(l, f->name);
		line_char(l, ':');
		line_json_field(l, ev, f);
		comma = ",";
	}
	line_text(l, "}}");
}

/* Why a vCPU left its guest, in words. */
static void line_exit_name(struct line *l, const struct ivt_event *ev)
{
	const char *name;

	if (ev->type != IVT_TYPE_kvm_x86_exit)
		return;
	name = ivt_kvm_exit_name(ivt_field_int(ev->desc, ev->payload, "isa"),
				 ivt_field_int(ev->desc, ev->payload, "exit_reason"));
	if (!name)
		return;
	line_text(l, " (");
	line_text(l, name);
	line_char(l, ')');
}

static void line_plain(struct line *l, const struct ivt_event *ev, const char *machine,
		       uint64_t first_ns)
{
	uint64_t t = ev->host_ns - first_ns;

	line_number(l, t / 1000000000, 6, ' ');
	line_char(l, '.');
	line_number(l, t % 1000000000, 9, '0');
	line_char(l, ' ');
	line_column(l, machine, 8);
	line_number(l, ev->cpu, 3, ' ');
	line_char(l, ' ');
	line_number(l, ev->tid, 7, ' ');
	line_char(l, ' ');
	line_column(l, ev->desc->name, 24);
	if (l->n < sizeof(l->text))
		l->n += ivt_payload_format(ev->desc, ev->payload, l->text + l->n,
					   sizeof(l->text) - l->n);
	line_exit_name(l, ev);
	while (l->n && l->text[l->n - 1] == ' ')
		l->n--;
}

/* Mark the named types; 0 or REPORT_USAGE. */
static int types_mark(const char *names, bool *types)
{
	char *copy = strdup(names), *rest = copy, *name;
	const struct ivt_event_desc *desc;
	int ret = copy ? REPORT_DONE : REPORT_FAILED;

	while (ret == REPORT_DONE && (name = strsep(&rest, ","))) {
		if (!*name)
			continue;
		desc = ivt_event_desc_by_name(name);
		if (!desc) {
			report_message("unknown event '%s' (names are those that events prints)",
				       name);
			ret = REPORT_USAGE;
			break;
		}
		types[desc->type] = true;
	}
	free(copy);
	return ret;
}

static int print_events(const struct report_options *opt, struct ivt_trace *t,
			struct ivt_merge *merge, const bool *types)
{
	const struct ivt_trace_info *info = ivt_trace_info_of(t);
	char(*names)[REPORT_NAME_BYTES] = calloc(info->n_machines + 1, sizeof(*names));
	uint64_t first_ns, last_ns, n = 0;
	static struct line l; /* large for a stack */
	struct ivt_event ev;
	uint32_t m;

	if (!names)
		return REPORT_FAILED;
	for (m = 0; m < info->n_machines; m++)
		report_name(info, m, names[m]);
	ivt_trace_bounds(t, &first_ns, &last_ns);
	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	if (!opt->is_json)
		puts("        time_s  machine  cpu     tid event                    fields");
	while (n < opt->limit && !ferror(stdout) && ivt_merge_next(merge, &ev) == 1) {
		if (types && !types[ev.type])
			continue;
		l.n = 0;
		if (opt->is_json)
			line_json(&l, &ev, names[ev.machine], first_ns);
		else
			line_plain(&l, &ev, names[ev.machine], first_ns);
		if (l.n == sizeof(l.text))
			l.n--;
		l.text[l.n++] = '\n';
		fwrite_unlocked(l.text, 1, l.n, stdout);
		n++;
	}
	free(names);
	return REPORT_DONE;
}

static int run(const struct report_options *opt, struct ivt_trace **traces)
{
	const struct ivt_trace_info *info = ivt_trace_info_of(traces[0]);
	struct ivt_merge_options mo = { .struct_bytes = sizeof(mo),
					.from_ns = report_from_ns(opt, traces[0]),
					.to_ns = report_to_ns(opt, traces[0]) };
	bool *types = opt->names ? calloc(MAX_TYPES, sizeof(*types)) : NULL;
	bool *mask = calloc(info->n_machines + 1, sizeof(*mask));
	struct ivt_merge *merge = NULL;
	struct ivt_error err = { "" };
	int ret = REPORT_DONE;
	uint32_t vm;

	if (!mask || (opt->names && !types))
		ret = REPORT_FAILED;
	if (ret == REPORT_DONE && opt->names)
		ret = types_mark(opt->names, types);
	if (ret == REPORT_DONE && opt->vm) {
		ret = report_find_machine(traces[0], opt->vm, &vm) ? REPORT_FAILED : REPORT_DONE;
		if (ret == REPORT_DONE)
			mask[vm] = true;
		mo.machine_mask = mask;
	}
	if (ret == REPORT_DONE && ivt_merge_create(traces[0], &mo, &merge, &err)) {
		report_message("%s", err.msg);
		ret = REPORT_FAILED;
	}
	if (ret == REPORT_DONE)
		ret = print_events(opt, traces[0], merge, types);
	ivt_merge_destroy(merge);
	free(types);
	free(mask);
	return ret;
}

const struct report_command report_events = {
	.name = "events",
	.summary = "one line per event, all machines merged",
	.help = help,
	.accepted = "jftvnl",
	.n_paths = 1,
	.run = run,
};
