/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program may be started with standard output or error closed.  The next file
 * that it opens then gets that number, and our messages would go into it: into a
 * trace or into a region.
 */
#ifndef IVT_TRACE_STANDARD_FILES_H
#define IVT_TRACE_STANDARD_FILES_H

/* First of all in main(): occupies 0, 1 and 2 where they are closed.  Writing to
 * what was closed still fails (-EBADF). */
void ivt_standard_files_hold(void);

#endif /* IVT_TRACE_STANDARD_FILES_H */
