/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between cmd_events.c, which makes the lines, and events_follow.c: the events of a
 * trace as they come. */
#ifndef IVT_ANALYSIS_REPORT_EVENTS_H
#define IVT_ANALYSIS_REPORT_EVENTS_H

#include "analysis/report/report.h"

struct events_printer;

/* Prints the heading; @opt is borrowed.  REPORT_DONE, else with a message. */
int events_printer_create(const struct report_options *opt, struct events_printer **ret);
void events_printer_destroy(struct events_printer *p); /* NULL is allowed */
/* The line of @ev of @t, if it is wanted.  False: no more lines are. */
bool events_print(struct events_printer *p, struct ivt_trace *t, const struct ivt_event *ev,
		  const char *machine, uint64_t first_ns);

/* As report_command.follow. */
int events_follow(const struct report_options *opt);

#endif /* IVT_ANALYSIS_REPORT_EVENTS_H */
