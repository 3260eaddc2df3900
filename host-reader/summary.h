/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a recording holds, told at its end.
 */
#ifndef HOST_SUMMARY_H
#define HOST_SUMMARY_H

/* Print to stderr what the trace @path holds and how to look at it. */
void summary_print(const char *path);

#endif /* HOST_SUMMARY_H */
