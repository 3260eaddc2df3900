// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The display list of a small model made by hand, as text, compared exactly:
 * shares as heights, runs, names, boxes, zoomed out and in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "viewer/draw/picture.h"

static const char whole[] = "view 0 1000 columns 12\n"
			    "verdict nothing\n"
			    "row a.0 y 2 h 22\n"
			    "row a/vCPU 0.0 y 27 h 29\n"
			    "  ns 300 idle\n"
			    "  ns 50 interrupt\n"
			    "  ns 650 running\n"
			    "  run 0 1 running\n"
			    "  run 1 2 running:6\n"
			    "  run 2 4 idle\n"
			    "  run 4 5 interrupt:6\n"
			    "  run 5 6 interrupt:12 running:17\n"
			    "  run 6 12 running\n";

static const char part[] = "view 390 60 columns 12\n"
			   "verdict nothing\n"
			   "row a.0 y 2 h 22\n"
			   "row a/vCPU 0.0 y 27 h 29\n"
			   "  ns 10 idle\n"
			   "  ns 50 interrupt\n"
			   "  run 0 2 idle\n"
			   "  run 2 12 interrupt\n";

static struct ivt_model *make_model(void)
{
	struct ivt_model *m = ivt_model_create();
	struct ivt_lane *lane;
	struct ivt_lane_index *row;

	m->length_ns = 1000;
	m->n_machines = 1;
	m->machine = calloc(1, sizeof(*m->machine));
	strcpy(m->machine[0].name, "a");
	strcpy(m->verdict, "nothing");
	lane = ivt_model_add_lane(m, IVT_LANE_GROUP, 0, 0, 0, 0);
	strcpy(lane->name, "a");
	lane = ivt_model_add_lane(m, IVT_LANE_VCPU, 0, 0, 1, IVT_VCPU_SLOTS);
	strcpy(lane->name, "a/vCPU 0");
	row = &lane->row[0];
	ivt_lane_index_append(row, 0, IVT_VCPU_TASK, IVT_LANE_NO_REF);
	ivt_lane_index_append(row, 100, IVT_VCPU_IDLE, IVT_LANE_NO_REF);
	ivt_lane_index_append(row, 400, IVT_VCPU_IRQ, IVT_LANE_NO_REF);
	ivt_lane_index_append(row, 450, IVT_VCPU_TASK, IVT_LANE_NO_REF);
	ivt_lane_index_finish(row, 1000);
	return m;
}

static int compare(const struct ivt_model *m, int64_t t0_ns, int64_t span_ns, const char *want)
{
	const struct ivt_style style = { .width_px = 400, .height_px = 400, .scale = 1 };
	struct ivt_display_list dl;
	struct ivt_layout layout;
	struct ivt_view view;
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);
	int bad;

	/* 12 columns, whatever the width: few enough to be read. */
	if (!f || ivt_layout_init(&layout, m, &style, 30))
		return 1;
	ivt_view_init(&view, m->length_ns, 12);
	ivt_view_show(&view, t0_ns, span_ns);
	if (ivt_display_list_build(&dl, m, &view, &layout, &style))
		return 1;
	ivt_display_list_print(&dl, m, &layout, &view, f);
	fclose(f);
	bad = strcmp(text, want) != 0;
	if (bad)
		printf("FAIL: want\n%sgot\n%s", want, text);
	free(text);
	ivt_display_list_deinit(&dl);
	ivt_layout_deinit(&layout);
	return bad;
}

int main(void)
{
	struct ivt_model *m = make_model();
	int bad = compare(m, 0, 1000, whole) | compare(m, 390, 60, part);

	ivt_model_destroy(m);
	return bad;
}
