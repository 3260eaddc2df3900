/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IVT_VIEW_LOAD_H
#define IVT_VIEW_LOAD_H

#include "trace/error.h"
#include "viewer/model/model.h"

struct ivt_load_options {
	size_t struct_bytes;  /* sizeof(struct ivt_load_options) */
	unsigned int n_tasks; /* task lanes per guest; 0: IVT_MODEL_TASK_LANES */
	/* Called now and then from the loading thread with what is done; not 0
	 * ends the loading with -ECANCELED. May be NULL. */
	int (*progress)(void *user, const char *what, double fraction);
	/* Called for each thing that is wrong with the trace but does not keep it
	 * from being shown; from the loading thread. May be NULL. */
	void (*warning)(void *user, const char *text);
	void *user;
};

/*
 * Open the trace at @path, analyse it and build all lanes.  0 and *ret (the
 * caller's, for ivt_model_destroy()), or -errno with *err.  The trace is closed
 * again; takes its time: call it from a worker thread.
 */
int ivt_model_load(const char *path, const struct ivt_load_options *opt, struct ivt_model **ret,
		   struct ivt_error *err);

#endif /* IVT_VIEW_LOAD_H */
