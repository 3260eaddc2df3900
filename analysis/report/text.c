// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/report/report.h"

void report_message(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("ivtrace-report: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

static uint64_t time_ns(const struct report_time *time, struct ivt_trace *t)
{
	uint64_t first_ns, last_ns;

	if (!time->is_set)
		return 0;
	if (time->is_absolute)
		return time->ns ? time->ns : 1;
	ivt_trace_bounds(t, &first_ns, &last_ns);
	if (time->ns > UINT64_MAX - first_ns)
		return UINT64_MAX;
	return first_ns + time->ns ? first_ns + time->ns : 1;
}

uint64_t report_from_ns(const struct report_options *opt, struct ivt_trace *t)
{
	return time_ns(&opt->from, t);
}

uint64_t report_to_ns(const struct report_options *opt, struct ivt_trace *t)
{
	return time_ns(&opt->to, t);
}

const char *report_name(const struct ivt_trace_info *info, uint32_t machine, char *ret)
{
	const struct ivt_machine_info *m;

	if (machine >= info->n_machines)
		return "-";
	m = &info->machines[machine];
	if (m->epoch)
		snprintf(ret, REPORT_NAME_BYTES, "%s.%" PRIu32, m->name, m->epoch);
	else
		snprintf(ret, REPORT_NAME_BYTES, "%s", m->name);
	report_printable(ret);
	return ret;
}

void report_warn_filters(const struct ivt_trace_info *info)
{
	char name[REPORT_NAME_BYTES];
	size_t m;

	for (m = 0; m < info->n_machines; m++)
		if (info->machines[m].filter[0])
			report_message("%s was recorded with a filter (%s): what others did there "
				       "is not in the trace",
				       report_name(info, m, name), info->machines[m].filter);
}

int report_find_machine(struct ivt_trace *t, const char *name, uint32_t *ret_machine)
{
	const struct ivt_trace_info *info = ivt_trace_info_of(t);
	char known[REPORT_NAME_BYTES];
	uint32_t m;

	for (m = 0; m < info->n_machines; m++) {
		if (!strcmp(report_name(info, m, known), name)) {
			*ret_machine = m;
			return 0;
		}
	}
	report_message("cannot find machine '%s': not in '%s' (ivtrace-report summary lists them)",
		       name, ivt_trace_path(t));
	return -1;
}

const char *report_ms(uint64_t ns, char *ret)
{
	uint64_t us = ns / 1000 + (ns % 1000 >= 500);

	snprintf(ret, REPORT_MS_BYTES, "%" PRIu64 ".%03" PRIu64, us / 1000, us % 1000);
	return ret;
}

const char *report_percent(uint64_t part, uint64_t whole, char *ret)
{
	unsigned __int128 tenths;

	if (!whole)
		return "-";
	tenths = ((unsigned __int128)part * 1000 + whole / 2) / whole;
	snprintf(ret, REPORT_MS_BYTES, "%" PRIu64 ".%" PRIu64 " %%", (uint64_t)(tenths / 10),
		 (uint64_t)(tenths % 10));
	return ret;
}

void report_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

struct json_object *report_json_ms(int64_t ns)
{
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	char text[48];

	snprintf(text, sizeof(text), "%s%" PRIu64 ".%06" PRIu64, ns < 0 ? "-" : "", size / 1000000,
		 size % 1000000);
	return json_object_new_double_s(strtod(text, NULL), text);
}

struct json_object *report_json_since(struct ivt_trace *t, uint64_t host_ns)
{
	uint64_t first_ns, last_ns;

	ivt_trace_bounds(t, &first_ns, &last_ns);
	return json_object_new_int64((int64_t)(host_ns - first_ns));
}

int report_json_print(struct json_object *doc)
{
	const char *text = json_object_to_json_string_ext(
		doc,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (text)
		puts(text);
	else
		report_message("cannot make the JSON text: out of memory");
	json_object_put(doc);
	return text ? REPORT_DONE : REPORT_FAILED;
}
