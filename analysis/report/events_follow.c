// SPDX-License-Identifier: GPL-2.0-or-later
/* events --follow: a recording that runs, as it comes. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "analysis/report/report_events.h"
#include "trace/follow.h"

#define POLL_NS 10000000

struct following {
	const struct report_options *opt;
	struct ivt_follow *follow;
	struct events_printer *printer;
	char path[PATH_MAX]; /* of the trace, without slashes behind */
	bool is_enough;	     /* no more is wanted */
	bool has_first;
	uint64_t first_ns, from_ns, to_ns; /* host ns; to_ns 0: no end */
};

static uint64_t bound_ns(const struct report_time *t, uint64_t first_ns)
{
	if (!t->is_set)
		return 0;
	return t->is_absolute ? t->ns : first_ns + t->ns;
}

/* Of this machine, and in this time? */
static bool is_wanted(const struct following *f, const struct ivt_event *ev, const char *machine)
{
	return ev->host_ns >= f->from_ns && (!f->opt->vm || !strcmp(f->opt->vm, machine));
}

/* False: no more is wanted. */
static bool print_one(struct following *f, struct ivt_trace *t, const struct ivt_trace_info *info,
		      const struct ivt_event *ev)
{
	char name[REPORT_NAME_BYTES];

	if (!f->has_first) {
		f->has_first = true;
		f->first_ns = ev->host_ns;
		f->from_ns = bound_ns(&f->opt->from, ev->host_ns);
		f->to_ns = bound_ns(&f->opt->to, ev->host_ns);
	}
	if (f->to_ns && ev->host_ns >= f->to_ns)
		return false;
	report_name(info, ev->machine, name);
	return !is_wanted(f, ev, name) || events_print(f->printer, t, ev, name, f->first_ns);
}

/* What has come. */
static void print_new(struct following *f)
{
	struct ivt_event ev;

	while (!f->is_enough && ivt_follow_next(f->follow, &ev))
		f->is_enough =
			!print_one(f, ivt_follow_trace(f->follow), ivt_follow_info(f->follow), &ev);
	if (fflush(stdout))
		f->is_enough = true;
}

/* One that was closed before we came to it: it may be compressed by now. */
static int print_closed(struct following *f)
{
	struct ivt_merge *merge = NULL;
	struct ivt_error err = { "" };
	struct ivt_trace *t = NULL;
	struct ivt_event ev;
	int ret = ivt_trace_open(f->path, &t, &err);
	size_t i;

	if (!ret)
		ret = ivt_merge_create(t, NULL, &merge, &err);
	while (!ret && !f->is_enough && ivt_merge_next(merge, &ev) == 1)
		f->is_enough = !print_one(f, t, ivt_trace_info_of(t), &ev);
	for (i = 0; !ret && ivt_trace_warning(t, i); i++)
		report_message("%s: %s", f->path, ivt_trace_warning(t, i));
	if (ret)
		report_message("%s", err.msg);
	ivt_merge_destroy(merge);
	ivt_trace_close(t);
	return ret ? REPORT_FAILED : REPORT_DONE;
}

static void tell_end(const struct following *f)
{
	struct ivt_follow_stats stats;

	ivt_follow_stats(f->follow, &stats);
	if (ivt_follow_was_killed(f->follow))
		report_message("%s: the recording was not closed: its recorder has died", f->path);
	if (stats.late)
		report_message("%s: %" PRIu64 " events came late and are out of order", f->path,
			       stats.late);
	if (stats.refused_bytes)
		report_message("%s: %" PRIu64 " bytes could not be understood", f->path,
			       stats.refused_bytes);
}

/* As it was opened: nobody writes it. */
static bool is_finished(const struct following *f)
{
	return ivt_follow_info(f->follow)->is_closed || ivt_follow_was_killed(f->follow);
}

/* A recording that is rotated goes on in another trace beside this one: the manifest
 * that closed this one names it.  False: this was the last, or it cannot be opened. */
static bool go_on(struct following *f)
{
	const struct ivt_chunk *chunk = &ivt_follow_info(f->follow)->chunk;
	struct ivt_follow *next;
	struct ivt_error err = { "" };
	char path[PATH_MAX];
	const char *slash;
	int len;

	if (!chunk->next[0] || strchr(chunk->next, '/'))
		return false;
	slash = strrchr(f->path, '/');
	len = snprintf(path, sizeof(path), "%.*s%s", slash ? (int)(slash + 1 - f->path) : 0,
		       f->path, chunk->next);
	if (len < 0 || (size_t)len >= sizeof(path))
		return false;
	if (ivt_follow_open(path, false, &next, &err)) {
		report_message("%s", err.msg);
		return false;
	}
	ivt_follow_close(f->follow);
	f->follow = next;
	memcpy(f->path, path, sizeof(path));
	return true;
}

static int follow_to_end(struct following *f)
{
	struct timespec pause = { .tv_nsec = POLL_NS };
	struct ivt_error err = { "" };

	for (print_new(f); !f->is_enough; print_new(f)) {
		if (ivt_follow_is_over(f->follow)) {
			tell_end(f);
			return REPORT_DONE;
		}
		nanosleep(&pause, NULL);
		if (ivt_follow_poll(f->follow, &err)) {
			report_message("%s", err.msg);
			return REPORT_FAILED;
		}
	}
	return REPORT_DONE;
}

static int follow_all(struct following *f)
{
	bool is_closed = is_finished(f);
	int ret;

	do {
		ret = is_closed ? print_closed(f) : follow_to_end(f);
		if (ret != REPORT_DONE || f->is_enough || !go_on(f))
			return ret;
		is_closed = is_finished(f);
	} while (true);
}

static void path_set(struct following *f, const char *path)
{
	size_t n = (size_t)snprintf(f->path, sizeof(f->path), "%s", path);

	for (; n > 1 && n < sizeof(f->path) && f->path[n - 1] == '/'; n--)
		f->path[n - 1] = '\0';
}

int events_follow(const struct report_options *opt)
{
	struct following f = { .opt = opt };
	struct ivt_error err = { "" };
	int ret;

	path_set(&f, opt->paths[0]);
	if (ivt_follow_open(opt->paths[0], false, &f.follow, &err)) {
		report_message("%s", err.msg);
		return REPORT_FAILED;
	}
	if (is_finished(&f) && !ivt_follow_info(f.follow)->chunk.next[0]) {
		ivt_follow_close(f.follow);
		return -1;
	}
	ret = events_printer_create(opt, &f.printer);
	if (ret == REPORT_DONE)
		ret = follow_all(&f);
	events_printer_destroy(f.printer);
	ivt_follow_close(f.follow);
	return ret;
}
