/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A region that was left behind, in /dev/shm or as a copy from a host that died, into
 * a trace.  The file is opened for reading only; all in it is checked.
 */
#ifndef HOST_POST_MORTEM_H
#define HOST_POST_MORTEM_H

#include "trace/error.h"

struct post_mortem_options {
	const char *file;
	const char *name;      /* the VM's */
	const char *clock_dir; /* a trace that has its clock; NULL: none */
	const char *output;    /* must not exist */
};

/*
 * All that was published and is still there, and what was committed and not
 * published, as a finalised trace.  0; -errno with *err: nothing is left behind
 * where nothing could be read.
 */
int post_mortem_run(const struct post_mortem_options *opt, struct ivt_error *err);

#endif /* HOST_POST_MORTEM_H */
