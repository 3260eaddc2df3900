// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ivtrace-view: pictures are made before GTK is touched, so that they need no
 * display.
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include "viewer/app/view_options.h"
#include "viewer/app/window.h"
#include "viewer/draw/render.h"
#include "viewer/model/headline.h"
#include "viewer/model/load.h"

static int choose_range(const struct ivt_view_options *o, const struct ivt_model *m,
			int64_t *ret_t0_ns, int64_t *ret_span_ns)
{
	int64_t from = o->has_from ? o->from_ns : 0;
	int64_t to = o->has_to ? o->to_ns : m->length_ns;

	if (o->focus_slowest && ivt_headline_focus(m, IVT_FOCUS_CONTEXT, &from, ret_span_ns) == 0) {
		*ret_t0_ns = from;
		return 0;
	}
	if (from >= m->length_ns) {
		fprintf(stderr,
			"ivtrace-view: --from is after the end of the trace, which is %.3f s "
			"long\n",
			(double)m->length_ns / 1e9);
		return 1;
	}
	*ret_t0_ns = from;
	*ret_span_ns = to - from;
	return 0;
}

static void print_warning(void *trace, const char *text)
{
	fprintf(stderr, "ivtrace-view: %s: %s\n", (const char *)trace, text);
}

static int render(const struct ivt_view_options *o)
{
	const struct ivt_load_options opt = { .struct_bytes = sizeof(opt),
					      .warning = print_warning,
					      .user = (void *)o->trace };
	struct ivt_error err = { "" };
	struct ivt_model *m;
	int64_t t0, span;
	int code = ivt_model_load(o->trace, &opt, &m, &err);

	if (code) {
		fprintf(stderr, "ivtrace-view: %s\n", err.msg);
		return 1;
	}
	if (choose_range(o, m, &t0, &span)) {
		ivt_model_destroy(m);
		return 1;
	}
	if (o->render)
		code = ivt_render_file(m, &o->style, t0, span, o->render, &err);
	if (!code && o->list)
		code = ivt_render_list(m, &o->style, t0, span, o->list, &err);
	ivt_model_destroy(m);
	if (code)
		fprintf(stderr, "ivtrace-view: %s\n", err.msg[0] ? err.msg : "out of memory");
	return code ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct ivt_view_options o;
	int status;

	setlocale(LC_NUMERIC, "C");
	status = ivt_view_options_parse(&o, argc, argv);
	if (status >= 0)
		return status;
	if (o.render || o.list)
		return render(&o);
	return ivt_window_run(&o);
}
