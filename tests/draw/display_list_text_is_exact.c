// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The display list of a small model made by hand, as text, compared exactly:
 * shares as heights, runs, names, boxes, ticks, zoomed out and in.
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
			    "  run 6 12 running\n"
			    "row a/events.0 y 59 h 22\n"
			    "  ns 700 no span\n"
			    "  ns 200 span\n"
			    "  ns 100 events not kept\n"
			    "  events 4\n"
			    "  not kept 3\n"
			    "  run 0 1 no span\n"
			    "  run 1 2 mark\n"
			    "  run 2 4 no span\n"
			    "  run 4 5 event of ftrace\n"
			    "  run 5 6 no span\n"
			    "  run 6 7 span's begin\n"
			    "  run 7 8 span\n"
			    "  run 8 9 span:9\n"
			    "  run 9 10 no span\n"
			    "  run 10 11 events not kept:4\n"
			    "  run 11 12 events not kept\n";

static const char part[] = "view 390 60 columns 12\n"
			   "verdict nothing\n"
			   "row a.0 y 2 h 22\n"
			   "row a/vCPU 0.0 y 27 h 29\n"
			   "  ns 10 idle\n"
			   "  ns 50 interrupt\n"
			   "  run 0 2 idle\n"
			   "  run 2 12 interrupt\n"
			   "row a/events.0 y 59 h 22\n"
			   "  ns 60 no span\n"
			   "  events 2\n"
			   "  not kept 3\n"
			   "  run 0 2 no span\n"
			   "  run 2 3 event of ftrace\n"
			   "  run 3 12 no span\n";

/* Wide enough for names. */
static const char wide[] = "view 0 1000 columns 400\n"
			   "verdict nothing\n"
			   "row a.0 y 2 h 22\n"
			   "row a/vCPU 0.0 y 27 h 29\n"
			   "  ns 300 idle\n"
			   "  ns 50 interrupt\n"
			   "  ns 650 running\n"
			   "  run 0 40 running\n"
			   "  run 40 160 idle\n"
			   "  run 160 180 interrupt\n"
			   "  run 180 400 running\n"
			   "row a/events.0 y 59 h 22\n"
			   "  ns 700 no span\n"
			   "  ns 200 span\n"
			   "  ns 100 events not kept\n"
			   "  events 4\n"
			   "  not kept 3\n"
			   "  run 0 40 no span\n"
			   "  run 40 41 mark\n"
			   "  run 41 160 no span\n"
			   "  run 160 161 event of ftrace\n"
			   "  run 161 200 no span\n"
			   "  run 200 201 span's begin\n"
			   "  run 201 280 span\n"
			   "  run 280 360 no span\n"
			   "  run 360 400 events not kept\n"
			   "  name 40 160 go\n"
			   "  name 160 200 s:e +1\n"
			   "  name 200 400 job\n";

/* A mark, two events of ftrace 1 ns apart, a span of 200 ns. */
static void add_events(struct ivt_model *m)
{
	static const struct ivt_point point[] = { { 100, 100, 1, 0, 0, 0, IVT_EVENTS_MARK },
						  { 400, 400, 4, 0, 0, 0, IVT_EVENTS_FTRACE },
						  { 401, 401, 4, 0, 0, 0, IVT_EVENTS_FTRACE },
						  { 500, 700, 8, 0, 0, 0, IVT_EVENTS_BEGIN } };
	static const char text[] = "\0go\0s:e\0job";
	struct ivt_lane *lane = ivt_model_add_lane(m, IVT_LANE_EVENTS, 0, 0, 1, IVT_EVENTS_SLOTS);
	struct ivt_points *p = calloc(1, sizeof(*p));

	p->point = malloc(sizeof(point));
	memcpy(p->point, point, sizeof(point));
	p->n = sizeof(point) / sizeof(point[0]);
	p->text = malloc(sizeof(text));
	memcpy(p->text, text, sizeof(text));
	p->text_bytes = sizeof(text);
	p->n_dropped = 3;
	strcpy(lane->name, "a/events");
	lane->points = p;
	ivt_lane_index_append(&lane->row[0], 0, IVT_EVENTS_NONE, IVT_LANE_NO_REF);
	ivt_lane_index_append(&lane->row[0], 500, IVT_EVENTS_SPAN, 3);
	ivt_lane_index_append(&lane->row[0], 700, IVT_EVENTS_NONE, IVT_LANE_NO_REF);
	ivt_lane_index_append(&lane->row[0], 900, IVT_EVENTS_UNKNOWN, IVT_LANE_NO_REF);
	ivt_lane_index_finish(&lane->row[0], 1000);
}

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
	add_events(m);
	return m;
}

static int compare(const struct ivt_model *m, int32_t n_columns, int64_t t0_ns, int64_t span_ns,
		   const char *want)
{
	const struct ivt_style style = { .width_px = 400, .height_px = 400, .scale = 1 };
	struct ivt_display_list dl;
	struct ivt_layout layout;
	struct ivt_view view;
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);
	int bad;

	/* So many columns, whatever the width: few enough to be read. */
	if (!f || ivt_layout_init(&layout, m, &style, 30))
		return 1;
	ivt_view_init(&view, m->length_ns, n_columns);
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
	int bad = compare(m, 12, 0, 1000, whole) | compare(m, 12, 390, 60, part) |
		  compare(m, 400, 0, 1000, wide);

	ivt_model_destroy(m);
	return bad;
}
