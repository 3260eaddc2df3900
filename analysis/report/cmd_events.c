// SPDX-License-Identifier: GPL-2.0-or-later
/* events: one line per record, all machines in the order of the host's time. */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <ivring/events.h>

#include "analysis/report/report_events.h"
#include "trace/ftrace_events.h"
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
	"  --name A[,B..]     these events only; of ftrace's by pattern: 'ext4:*'\n"
	"  --limit N          stop after N lines\n"
	"  --follow           of a recording that runs: print events as they come, until it\n"
	"                     ends; about 0.2 s behind them\n"
	"  --json             JSON lines: "
	"{\"t_ns\",\"machine\",\"cpu\",\"tid\",\"name\",\"fields\"},\n"
	"                     t_ns in ns since the start, addresses as \"0x...\"\n"
	"\n"
	"Examples:\n"
	"  ivtrace-report events --vm a --from 1.2 --to 1.3 slow.ivt\n"
	"  ivtrace-report events --name block_rq_issue,block_rq_complete --json slow.ivt\n"
	"  ivtrace-report events --name 'syscalls:sys_enter_open*' slow.ivt\n"
	"  ivtrace-report events --follow --vm a --name block_rq_issue slow.ivt\n";

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

static void line_json_bytes(struct line *l, const unsigned char *bytes, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	size_t i;

	line_char(l, '"');
	for (i = 0; i < n; i++) {
		line_char(l, hex[bytes[i] >> 4]);
		line_char(l, hex[bytes[i] & 15]);
	}
	line_char(l, '"');
}

static void line_json_signed(struct line *l, int64_t number)
{
	if (number < 0)
		line_char(l, '-');
	line_number(l, number < 0 ? -(uint64_t)number : (uint64_t)number, 0, ' ');
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
	const void *end;
	int64_t number;
	size_t n;

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
		end = ivt_payload_end(ev->desc, ev->payload, &n);
		line_json_bytes(l, end, n);
		return;
	case IVT_KIND_X64S:
		line_json_words(l, ev);
		return;
	default:
		break;
	}
	number = ivt_field_int(ev->desc, ev->payload, f->name);
	if (f->kind == IVT_KIND_X64)
		line_hex(l, number);
	else if (f->kind == IVT_KIND_U64)
		line_number(l, number, 0, ' ');
	else
		line_json_signed(l, number);
}

static void line_json_fields(struct line *l, const struct ivt_event *ev)
{
	const char *comma = "";
	unsigned int i;

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
}

/* ---- ftrace's events, as their guest described them ----------------------------- */

static void line_ftrace_number(struct line *l, const struct ivt_ftrace_value *value, size_t i)
{
	uint64_t number = ivt_ftrace_number(value, i);

	if (value->kind == IVT_FTRACE_HEX)
		line_hex(l, number);
	else if (value->kind == IVT_FTRACE_INT)
		line_json_signed(l, number);
	else
		line_number(l, number, 0, ' ');
}

static void line_ftrace_value(struct line *l, const struct ivt_ftrace_value *value)
{
	static char text[IVRING_REC_MAX_BYTES]; /* large for a stack */
	size_t i;

	if (value->kind == IVT_FTRACE_TEXT) {
		snprintf(text, sizeof(text), "%.*s", (int)value->n, (const char *)value->at);
		line_json_text(l, text);
	} else if (value->kind == IVT_FTRACE_BYTES) {
		line_json_bytes(l, value->at, value->n);
	} else if (!value->is_array) {
		line_ftrace_number(l, value, 0);
	} else {
		line_char(l, '[');
		for (i = 0; i < value->n; i++) {
			line_text(l, i ? "," : "");
			line_ftrace_number(l, value, i);
		}
		line_char(l, ']');
	}
}

static void line_ftrace_fields(struct line *l, const struct ivt_ftrace_event *event)
{
	struct ivt_ftrace_value value;
	unsigned int i;

	if (!event->format) {
		line_text(l, "\"id\":");
		line_number(l, event->id, 0, ' ');
		line_text(l, ",\"why\":");
		line_json_text(l, ivt_ftrace_why_text(event->why));
		line_text(l, ",\"entry\":");
		line_json_bytes(l, event->entry, event->bytes);
		return;
	}
	for (i = 0; i < event->format->n_fields; i++) {
		const struct ivt_ftrace_field *f = &event->format->fields[i];

		line_text(l, i ? "," : "");
		line_json_text(l, f->name);
		line_char(l, ':');
		if (ivt_ftrace_value(f, event->entry, event->bytes, &value))
			line_ftrace_value(l, &value);
		else
			line_text(l, "null");
	}
}

/* ---- lines ------------------------------------------------------------------------ */

/* An event with what is known of it, if it is one of ftrace's. */
struct shown {
	const struct ivt_event *ev;
	bool is_ftrace;
	struct ivt_ftrace_event ftrace;
};

static const char *shown_name(const struct shown *s)
{
	return s->is_ftrace && s->ftrace.format ? s->ftrace.format->title : s->ev->desc->name;
}

static void line_json(struct line *l, const struct shown *s, const char *machine, uint64_t first_ns)
{
	const struct ivt_event *ev = s->ev;

	line_text(l, "{\"t_ns\":");
	line_number(l, ev->host_ns - first_ns, 0, ' ');
	line_text(l, ",\"machine\":");
	line_json_text(l, machine);
	line_text(l, ",\"cpu\":");
	line_number(l, ev->cpu, 0, ' ');
	line_text(l, ",\"tid\":");
	line_number(l, ev->tid, 0, ' ');
	line_text(l, ",\"name\":\"");
	line_text(l, shown_name(s));
	line_text(l, "\",\"fields\":{");
	if (s->is_ftrace)
		line_ftrace_fields(l, &s->ftrace);
	else
		line_json_fields(l, ev);
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

static size_t line_fields(const struct shown *s, char *ret, size_t ret_bytes)
{
	if (s->is_ftrace)
		return ivt_ftrace_event_print(&s->ftrace, ret, ret_bytes);
	return ivt_payload_format(s->ev->desc, s->ev->payload, ret, ret_bytes);
}

static void line_plain(struct line *l, const struct shown *s, const char *machine,
		       uint64_t first_ns)
{
	const struct ivt_event *ev = s->ev;
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
	line_column(l, shown_name(s), 24);
	if (l->n < sizeof(l->text))
		l->n += line_fields(s, l->text + l->n, sizeof(l->text) - l->n);
	line_exit_name(l, ev);
	while (l->n && l->text[l->n - 1] == ' ')
		l->n--;
}

/* ---- which events --------------------------------------------------------------------- */

/* What --name asks for. */
struct filter {
	bool *types;
	char *names;	       /* what the patterns point into */
	const char **patterns; /* with a colon: of ftrace's events */
	size_t n_patterns;
};

static void filter_destroy(struct filter *f)
{
	if (!f)
		return;
	free(f->types);
	free(f->names);
	free(f->patterns);
	free(f);
}

static int filter_add(struct filter *f, const char *name)
{
	const struct ivt_event_desc *desc = ivt_event_desc_by_name(name);

	if (strchr(name, ':')) {
		f->patterns[f->n_patterns++] = name;
	} else if (desc) {
		f->types[desc->type] = true;
	} else {
		report_message("unknown event '%s' (names are those that events prints)", name);
		return REPORT_USAGE;
	}
	return REPORT_DONE;
}

/* REPORT_DONE, else with a message; *ret is to be destroyed in any case. */
static int filter_create(const char *names, struct filter **ret)
{
	struct filter *f = *ret = calloc(1, sizeof(*f));
	int status = REPORT_DONE;
	char *rest, *name;

	if (f) {
		f->types = calloc(MAX_TYPES, sizeof(*f->types));
		f->patterns = calloc(strlen(names) + 1, sizeof(*f->patterns));
		f->names = strdup(names);
	}
	if (!f || !f->types || !f->patterns || !f->names) {
		report_message("no memory");
		return REPORT_FAILED;
	}
	rest = f->names;
	while (status == REPORT_DONE && (name = strsep(&rest, ",")))
		if (*name)
			status = filter_add(f, name);
	return status;
}

static bool filter_passes(const struct filter *f, const struct shown *s)
{
	size_t i;

	if (!f || f->types[s->ev->type])
		return true;
	for (i = 0; s->is_ftrace && i < f->n_patterns; i++)
		if (fnmatch(f->patterns[i], shown_name(s), 0) == 0)
			return true;
	return false;
}

/* ---- the printer ------------------------------------------------------------------------ */

struct events_printer {
	const struct report_options *opt;
	struct filter *filter;
	struct line line;
	uint64_t n;
};

int events_printer_create(const struct report_options *opt, struct events_printer **ret)
{
	struct events_printer *p = malloc(sizeof(*p));
	int status = REPORT_DONE;

	if (!p) {
		report_message("no memory");
		return REPORT_FAILED;
	}
	p->opt = opt;
	p->filter = NULL;
	p->n = 0;
	if (opt->names)
		status = filter_create(opt->names, &p->filter);
	if (status != REPORT_DONE) {
		events_printer_destroy(p);
		return status;
	}
	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	if (!opt->is_json)
		puts("        time_s  machine  cpu     tid event                    fields");
	*ret = p;
	return REPORT_DONE;
}

void events_printer_destroy(struct events_printer *p)
{
	if (!p)
		return;
	filter_destroy(p->filter);
	free(p);
}

bool events_print(struct events_printer *p, struct ivt_trace *t, const struct ivt_event *ev,
		  const char *machine, uint64_t first_ns)
{
	struct shown s = { .ev = ev };
	struct line *l = &p->line;

	s.is_ftrace = ivt_ftrace_event(t, ev, &s.ftrace);
	if (p->n < p->opt->limit && filter_passes(p->filter, &s)) {
		l->n = 0;
		if (p->opt->is_json)
			line_json(l, &s, machine, first_ns);
		else
			line_plain(l, &s, machine, first_ns);
		if (l->n == sizeof(l->text))
			l->n--;
		l->text[l->n++] = '\n';
		fwrite_unlocked(l->text, 1, l->n, stdout);
		p->n++;
	}
	return p->n < p->opt->limit && !ferror(stdout);
}

/* ---- the command ------------------------------------------------------------------------ */

static int print_events(struct events_printer *p, struct ivt_trace *t, struct ivt_merge *merge)
{
	const struct ivt_trace_info *info = ivt_trace_info_of(t);
	char(*names)[REPORT_NAME_BYTES] = calloc(info->n_machines + 1, sizeof(*names));
	uint64_t first_ns, last_ns;
	struct ivt_event ev;
	uint32_t m;

	if (!names)
		return REPORT_FAILED;
	for (m = 0; m < info->n_machines; m++)
		report_name(info, m, names[m]);
	ivt_trace_bounds(t, &first_ns, &last_ns);
	while (p->opt->limit && ivt_merge_next(merge, &ev) == 1)
		if (!events_print(p, t, &ev, names[ev.machine], first_ns))
			break;
	free(names);
	return REPORT_DONE;
}

static int run(const struct report_options *opt, struct ivt_trace **traces)
{
	const struct ivt_trace_info *info = ivt_trace_info_of(traces[0]);
	struct ivt_merge_options mo = { .struct_bytes = sizeof(mo),
					.from_ns = report_from_ns(opt, traces[0]),
					.to_ns = report_to_ns(opt, traces[0]) };
	bool *mask = calloc(info->n_machines + 1, sizeof(*mask));
	struct events_printer *printer = NULL;
	struct ivt_merge *merge = NULL;
	struct ivt_error err = { "" };
	int ret = REPORT_DONE;
	uint32_t vm;

	if (!mask)
		ret = REPORT_FAILED;
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
		ret = events_printer_create(opt, &printer);
	if (ret == REPORT_DONE)
		ret = print_events(printer, traces[0], merge);
	ivt_merge_destroy(merge);
	events_printer_destroy(printer);
	free(mask);
	return ret;
}

const struct report_command report_events = {
	.name = "events",
	.summary = "one line per event, all machines merged",
	.help = help,
	.accepted = "jFftvnl",
	.n_paths = 1,
	.run = run,
	.follow = events_follow,
};
