/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ivtrace-report: what its sub-commands share.  A command gets parsed options
 * and an open trace, prints to stdout and returns the exit status.
 */
#ifndef IVT_ANALYSIS_REPORT_H
#define IVT_ANALYSIS_REPORT_H

#include <json-c/json.h>
#include <stdio.h>

#include "trace/trace_reader.h"

#define REPORT_DONE   0
#define REPORT_FAILED 1
#define REPORT_USAGE  2

#define REPORT_MAX_PATHS 2
#define REPORT_NO_LIMIT	 UINT64_MAX

/* A time as given: since the trace's start, or absolute ("@"). */
struct report_time {
	bool is_set;
	bool is_absolute; /* host CLOCK_MONOTONIC */
	uint64_t ns;
};

struct report_options {
	bool is_json;
	bool is_write;
	bool is_follow;
	struct report_time from;
	struct report_time to;
	const char *vm;	    /* NULL: all */
	const char *victim; /* NULL: found */
	const char *names;  /* "sched_switch,block_rq_issue"; NULL: all */
	uint64_t limit;	    /* REPORT_NO_LIMIT */
	uint64_t slowest;   /* 0: none */
	const char *paths[REPORT_MAX_PATHS];
	int n_paths;
};

/* Letters of the options that a command takes, besides --help. */
struct report_command {
	const char *name;
	const char *summary;  /* a line of the program's help */
	const char *help;     /* the command's own */
	const char *accepted; /* of "jwFftvVnls" (options.c) */
	int n_paths;
	int (*run)(const struct report_options *opt, struct ivt_trace **traces);
	/* With --follow: -1 where no recorder writes the trace, which is then read as any. */
	int (*follow)(const struct report_options *opt);
};

extern const struct report_command report_summary;
extern const struct report_command report_events;
extern const struct report_command report_io;
extern const struct report_command report_verdict;
extern const struct report_command report_sync;
extern const struct report_command report_repair;

/* options.c: 0; REPORT_USAGE with a message printed; -1: help was printed. */
int report_options_parse(const struct report_command *cmd, int argc, char **argv,
			 struct report_options *ret);

/* text.c */

/* "ivtrace-report: ..." on stderr, with a newline. */
void report_message(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The window that --from and --to name, ns; 0 = no limit. */
uint64_t report_from_ns(const struct report_options *opt, struct ivt_trace *t);
uint64_t report_to_ns(const struct report_options *opt, struct ivt_trace *t);

/* Name of a machine: "a", or "a.1" for a later run of it. @ret: 80 bytes. */
#define REPORT_NAME_BYTES 80
const char *report_name(const struct ivt_trace_info *info, uint32_t machine, char *ret);

/* Say of which machines not everybody's events were recorded. */
void report_warn_filters(const struct ivt_trace_info *info);

/* Number of the machine called so; -1 with a message when there is none. */
int report_find_machine(struct ivt_trace *t, const char *name, uint32_t *ret_machine);

/* "12.345" ms of @ns, rounded to µs.  @ret: 32 bytes. */
#define REPORT_MS_BYTES 32
const char *report_ms(uint64_t ns, char *ret);

/* "62.3 %" of @part in @whole; "-" of nothing. @ret: REPORT_MS_BYTES. */
const char *report_percent(uint64_t part, uint64_t whole, char *ret);

/* Replace what is not printable ASCII by '?', in place. */
void report_printable(char *text);

/* ms as a JSON number with all digits of the ns. */
struct json_object *report_json_ms(int64_t ns);
/* ns of a host time since the trace's start. */
struct json_object *report_json_since(struct ivt_trace *t, uint64_t host_ns);
/* Print and free a document. REPORT_DONE or REPORT_FAILED. */
int report_json_print(struct json_object *doc);

#endif /* IVT_ANALYSIS_REPORT_H */
