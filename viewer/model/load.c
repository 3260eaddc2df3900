// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/model/load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "viewer/model/headline.h"
#include "viewer/model/lane_order.h"

#define PROGRESS_RECORDS 65536
/* 73 years; what lies later is wrong, and would overflow when zoomed out. */
#define MAX_LENGTH_NS ((int64_t)1 << 61)

struct loading {
	struct ivt_trace *trace;
	struct ivt_model *model;
	struct ivt_lane_builder builder;
	struct ivt_requests requests;
	struct ivt_point_builder points;
	const struct ivt_load_options *opt;
	struct ivt_error *err;
};

static int progress(const struct loading *l, const char *what, double fraction)
{
	if (!l->opt->progress || !l->opt->progress(l->opt->user, what, fraction))
		return 0;
	return ivt_error_set(l->err, -ECANCELED, "loading was cancelled");
}

static int fail(const struct loading *l, int code)
{
	return ivt_error_set(l->err, code, "cannot build the lanes of '%s': %s",
			     ivt_trace_path(l->trace), strerror(-code));
}

static int read_records(struct loading *l)
{
	const struct ivt_merge_options opt = { .struct_bytes = sizeof(opt) };
	struct ivt_merge *merge;
	struct ivt_event ev;
	uint64_t n = 0;
	int code = ivt_merge_create(l->trace, &opt, &merge, l->err);

	if (code)
		return code;
	while (!code && (code = ivt_merge_next(merge, &ev)) == 1) {
		code = ivt_lane_builder_feed(&l->builder, &ev);
		if (!code)
			code = ivt_point_builder_feed(&l->points, &ev);
		if (code)
			fail(l, code);
		else if (n++ % PROGRESS_RECORDS == 0)
			code = progress(l, "reading records",
					(double)ivt_model_time(l->model, ev.host_ns) /
						(double)l->model->length_ns);
	}
	ivt_merge_destroy(merge);
	return code;
}

static int build(struct loading *l)
{
	unsigned int n_tasks = l->opt->n_tasks ? l->opt->n_tasks : IVT_MODEL_TASK_LANES;
	int code = ivt_lane_builder_finish(&l->builder);

	ivt_headline_fill(l->model, ivt_trace_info_of(l->trace));
	if (!code && l->model->io)
		code = ivt_requests_init(&l->requests, l->model);
	if (!code)
		code = ivt_lane_order_assemble(&l->builder, l->model->io ? &l->requests : NULL,
					       n_tasks);
	if (code)
		return fail(l, code);
	return 0;
}

static int load(struct loading *l)
{
	struct ivt_loss *losses;
	size_t n_losses;
	uint64_t first, last;
	const char *text;
	int code = progress(l, "opening", 0);

	if (code)
		return code;
	for (size_t i = 0; l->opt->warning && (text = ivt_trace_warning(l->trace, i)); i++)
		l->opt->warning(l->opt->user, text);
	ivt_trace_bounds(l->trace, &first, &last);
	snprintf(l->model->path, sizeof(l->model->path), "%s", ivt_trace_path(l->trace));
	l->model->origin_ns = first;
	l->model->length_ns = last - first < MAX_LENGTH_NS ? (int64_t)(last - first) + 1
							   : MAX_LENGTH_NS;
	code = ivt_lane_builder_init(&l->builder, l->model, ivt_trace_info_of(l->trace));
	if (!code)
		code = ivt_point_builder_init(&l->points, l->model, l->trace);
	if (!code)
		code = ivt_trace_losses(l->trace, &losses, &n_losses);
	if (code)
		return fail(l, code);
	l->builder.points = &l->points;
	ivt_lane_builder_set_losses(&l->builder, losses, n_losses);
	code = read_records(l);
	if (!code)
		code = progress(l, "following disk requests", 1);
	if (!code)
		code = ivt_io_analyse(l->trace, 0, 0, &l->model->io, l->err);
	return code ? code : build(l);
}

int ivt_model_load(const char *path, const struct ivt_load_options *opt, struct ivt_model **ret,
		   struct ivt_error *err)
{
	static const struct ivt_load_options none = { .struct_bytes = sizeof(none) };
	struct loading l = { .opt = opt ? opt : &none, .err = err };
	int code = ivt_trace_open(path, &l.trace, err);

	if (code)
		return code;
	l.model = ivt_model_create();
	code = l.model ? load(&l)
		       : ivt_error_set(err, -ENOMEM, "cannot load '%s': out of memory", path);
	ivt_requests_deinit(&l.requests);
	ivt_point_builder_deinit(&l.points);
	if (l.builder.info)
		ivt_lane_builder_deinit(&l.builder);
	ivt_trace_close(l.trace);
	if (code) {
		ivt_model_destroy(l.model);
		return code;
	}
	*ret = l.model;
	return 0;
}
