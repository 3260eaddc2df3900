/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a recording holds, told at its end.
 */
#ifndef HOST_SUMMARY_H
#define HOST_SUMMARY_H

#include "host-reader/recording/helper.h"

/* Print to stderr what the trace @path holds and how to look at it. */
void summary_print(const char *path);

/*
 * Have ivtrace-report, from the folder of this program, check the clocks of the
 * trace @path and write the result into its manifest ("sync").  A program of its
 * own: the recorder knows no analysis.  What goes wrong is told; the trace is
 * whole without it.
 */
void summary_check_clocks(struct helper *helper, const char *path);

#endif /* HOST_SUMMARY_H */
