// SPDX-License-Identifier: GPL-2.0-or-later
/* events --follow: a recording that runs, as it comes. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "analysis/report/report_events.h"
#include "trace/follow.h"

#define POLL_NS 10000000

struct following {
	const struct report_options *opt;
	struct ivt_follow *follow;
	struct events_printer *printer;
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

/* What has come; false: no more is wanted. */
static bool print_new(struct following *f)
{
	char name[REPORT_NAME_BYTES];
	struct ivt_event ev;

	while (ivt_follow_next(f->follow, &ev)) {
		if (!f->has_first) {
			f->has_first = true;
			f->first_ns = ev.host_ns;
			f->from_ns = bound_ns(&f->opt->from, ev.host_ns);
			f->to_ns = bound_ns(&f->opt->to, ev.host_ns);
		}
		if (f->to_ns && ev.host_ns >= f->to_ns)
			return false;
		report_name(ivt_follow_info(f->follow), ev.machine, name);
		if (is_wanted(f, &ev, name) &&
		    !events_print(f->printer, ivt_follow_trace(f->follow), &ev, name, f->first_ns))
			return false;
	}
	return !fflush(stdout);
}

static void tell_end(const struct following *f)
{
	struct ivt_follow_stats stats;

	ivt_follow_stats(f->follow, &stats);
	if (ivt_follow_was_killed(f->follow))
		report_message("%s: the recording was not closed: its recorder has died",
			       f->opt->paths[0]);
	if (stats.late)
		report_message("%s: %" PRIu64 " events came late and are out of order",
			       f->opt->paths[0], stats.late);
	if (stats.refused_bytes)
		report_message("%s: %" PRIu64 " bytes could not be understood", f->opt->paths[0],
			       stats.refused_bytes);
}

static int follow_loop(struct following *f)
{
	struct timespec pause = { .tv_nsec = POLL_NS };
	struct ivt_error err = { "" };

	while (print_new(f)) {
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

int events_follow(const struct report_options *opt)
{
	struct following f = { .opt = opt };
	struct ivt_error err = { "" };
	int ret;

	if (ivt_follow_open(opt->paths[0], false, &f.follow, &err)) {
		report_message("%s", err.msg);
		return REPORT_FAILED;
	}
	if (ivt_follow_info(f.follow)->is_closed || ivt_follow_was_killed(f.follow)) {
		ivt_follow_close(f.follow);
		return -1;
	}
	ret = events_printer_create(opt, &f.printer);
	if (ret == REPORT_DONE)
		ret = follow_loop(&f);
	events_printer_destroy(f.printer);
	ivt_follow_close(f.follow);
	return ret;
}
