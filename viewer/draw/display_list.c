// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/draw/display_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "trace/names.h"
#include "viewer/model/describe.h"

#define BOX_PX	 4  /* narrower requests have no outline */
#define LABEL_PX 34 /* narrower intervals have no name */

struct builder {
	struct ivt_display_list *dl;
	const struct ivt_model *m;
	struct ivt_timescale ts;
	int scale;
	int64_t *edges;
	uint32_t *blocks;
	uint64_t *ns;
};

/* Room for one more; NULL: no memory. */
static void *grow(void *array, size_t n, size_t *cap, size_t size)
{
	void *p;

	if (n < *cap)
		return array;
	p = realloc(array, (*cap ? *cap * 2 : 256) * size);
	if (p)
		*cap = *cap ? *cap * 2 : 256;
	return p;
}

/* ---- runs ------------------------------------------------------------------ */

/* The column's states as heights that add up to @height: slots above idle (0)
 * stand on the base, whatever is left is idle. */
static void cut_column(const uint64_t *ns, unsigned int n_slots, int height, struct ivt_dl_run *run)
{
	uint64_t sum = 0, at = 0, most = 0;
	unsigned int used = 0, shift = 0;

	for (unsigned int s = 0; s < n_slots; s++) {
		sum += ns[s];
		used += ns[s] > 0;
		if (s ? ns[s] > most : ns[s] > 0) {
			most = s ? ns[s] : 0;
			run->slot = (uint8_t)s;
		}
	}
	run->is_mixed = used > 1;
	memset(run->cut, 0, sizeof(run->cut));
	if (used < 2)
		return;
	/* Room for the multiplication: a column of more than 2^55 ns is a year long
	 * and loses nothing that could be seen. */
	while (sum >> shift >> 55)
		shift++;
	sum >>= shift;
	for (unsigned int s = 1; s < n_slots; s++) {
		at += ns[s];
		run->cut[s] = run->cut[s - 1];
		if (ns[s])
			run->cut[s] = (uint8_t)(((at >> shift) * (uint64_t)height + sum / 2) / sum);
	}
}

static bool same_look(const struct ivt_dl_run *a, const struct ivt_dl_run *b)
{
	if (a->is_mixed != b->is_mixed)
		return false;
	return a->slot == b->slot && (!a->is_mixed || !memcmp(a->cut, b->cut, sizeof(a->cut)));
}

static int add_run(struct builder *b, struct ivt_dl_row *row, struct ivt_dl_run run)
{
	struct ivt_display_list *dl = b->dl;
	struct ivt_dl_run *p;

	if (row->n_runs) {
		p = &dl->run[dl->n_runs - 1];
		if (p->x1 == run.x0 && same_look(p, &run)) {
			p->x1 = run.x1;
			return 0;
		}
	}
	p = grow(dl->run, dl->n_runs, &dl->cap_runs, sizeof(*p));
	if (!p)
		return -ENOMEM;
	dl->run = p;
	dl->run[dl->n_runs++] = run;
	row->n_runs++;
	return 0;
}

/* What is drawn a px wide however short it is: a loss, an event.  0: nothing. */
static uint8_t never_below_a_px(const struct ivt_lane *lane, const uint64_t *ns,
				const int64_t *edges)
{
	int64_t last_ns;
	size_t i;

	if (lane->kind == IVT_LANE_QUALITY && ns[IVT_QUALITY_LOST])
		return IVT_QUALITY_LOST;
	if (!lane->points)
		return 0;
	/* Below 1 ns per column both edges may be the same. */
	last_ns = edges[1] > edges[0] ? edges[1] - 1 : edges[0];
	i = ivt_points_from(lane->points, edges[0]);
	return i < lane->points->n && lane->points->point[i].t0_ns <= last_ns
		       ? lane->points->point[i].slot
		       : 0;
}

static int build_runs(struct builder *b, struct ivt_dl_row *row, const struct ivt_lane *all,
		      const struct ivt_lane_index *lane, int height)
{
	int err = 0;

	ivt_lane_index_lookup(lane, b->edges, (size_t)b->ts.n_px, b->blocks, b->ns);
	for (int32_t x = 0; x < b->ts.n_px && !err; x++) {
		const uint64_t *ns = b->ns + (size_t)x * lane->n_slots;
		struct ivt_dl_run run = { .x0 = x, .x1 = x + 1 };
		uint64_t sum = 0;

		for (unsigned int s = 0; s < lane->n_slots; s++) {
			row->ns[s] += ns[s];
			sum += ns[s];
		}
		run.slot = never_below_a_px(all, ns, b->edges + x);
		if (run.slot == 0 && sum) {
			cut_column(ns, lane->n_slots, height, &run);
		} else if (run.slot == 0) { /* below 1 ns per column: the state at the edge */
			size_t i = ivt_lane_index_at(lane, b->edges[x]);

			if (i == IVT_LANE_NO_EVENT)
				continue;
			run.slot = lane->state[i];
		}
		err = add_run(b, row, run);
	}
	return err;
}

/* ---- boxes and names ------------------------------------------------------------ */

static struct ivt_dl_item *add_item(struct builder *b, struct ivt_dl_row *row, int32_t x0,
				    int32_t x1)
{
	struct ivt_display_list *dl = b->dl;
	struct ivt_dl_item *p = grow(dl->item, dl->n_items, &dl->cap_items, sizeof(*p));

	if (!p)
		return NULL;
	dl->item = p;
	p += dl->n_items++;
	memset(p, 0, sizeof(*p));
	p->x0 = x0;
	p->x1 = x1;
	row->n_items++;
	return p;
}

/* Each step draws a box or goes on to the next column: O(columns x log n). */
static int build_boxes(struct builder *b, struct ivt_dl_row *row, const struct ivt_lane *lane,
		       const struct ivt_box_row *boxes)
{
	int64_t end = b->ts.t0_ns + b->ts.span_ns;
	size_t i = ivt_box_row_from(boxes, b->ts.t0_ns);

	while (i < boxes->n && boxes->box[i].t0_ns < end) {
		const struct ivt_box *box = &boxes->box[i];
		int32_t x0 = ivt_timescale_px(&b->ts, box->t0_ns);
		int32_t x1 = ivt_timescale_px(&b->ts, box->t1_ns - 1) + 1;
		struct ivt_dl_item *item;
		size_t next;

		if (x1 - x0 < BOX_PX * b->scale) {
			next = ivt_box_row_from(boxes, ivt_timescale_edge_ns(&b->ts, x0 + 1));
			i = next > i ? next : i + 1;
			continue;
		}
		item = add_item(b, row, x0, x1);
		if (!item)
			return -ENOMEM;
		item->is_box = true;
		if (x1 - x0 >= LABEL_PX * b->scale) {
			ivt_describe_short(b->m, lane, box, true, item->label, sizeof(item->label));
			ivt_describe_short(b->m, lane, box, false, item->brief,
					   sizeof(item->brief));
		}
		i++;
	}
	return 0;
}

static void name_interval(const struct builder *b, const struct ivt_lane *lane,
			  const struct ivt_lane_index *index, size_t i, char *ret, size_t bytes)
{
	uint32_t ref = index->ref[i];
	unsigned int slot = index->state[i];

	ret[0] = '\0';
	switch (lane->kind) {
	case IVT_LANE_HOST_CPU:
	case IVT_LANE_VCPU:
		if (slot == IVT_VCPU_IRQ || slot == IVT_VCPU_SOFTIRQ) /* the same of both */
			ivt_model_slot_name(b->m, lane->kind, slot, ret, bytes);
		else if (slot && slot != index->n_slots - 1u && ref < b->m->tasks.n)
			snprintf(ret, bytes, "%.16s", b->m->tasks.task[ref].comm);
		break;
	case IVT_LANE_TASK:
		if (slot == IVT_TASK_DISK_WAIT || slot == IVT_TASK_RUNNABLE)
			ivt_model_slot_name(b->m, lane->kind, slot, ret, bytes);
		break;
	case IVT_LANE_SERVICE:
		if (slot != IVT_SV_IDLE && ref < b->m->io->n_host)
			ivt_model_owner_name(b->m, b->m->io->host[ref].owner, ret, bytes);
		break;
	default:
		break;
	}
}

static int build_names(struct builder *b, struct ivt_dl_row *row, const struct ivt_lane *lane,
		       const struct ivt_lane_index *index)
{
	int64_t end = b->ts.t0_ns + b->ts.span_ns;
	size_t i = ivt_lane_index_at(index, b->ts.t0_ns);

	if (i == IVT_LANE_NO_EVENT)
		i = index->n && b->ts.t0_ns < index->t[0] ? 0 : index->n;
	while (i < index->n && index->t[i] < end) {
		int64_t until = ivt_lane_index_until(index, i);
		int32_t x0 = ivt_timescale_px(&b->ts, index->t[i]);
		int32_t x1 = ivt_timescale_px(&b->ts, until - 1) + 1;
		char name[64];
		size_t next;

		x0 = x0 < 0 ? 0 : x0;
		x1 = x1 > b->ts.n_px ? b->ts.n_px : x1;
		if (x1 - x0 < LABEL_PX * b->scale) {
			next = ivt_lane_index_at(index, ivt_timescale_edge_ns(&b->ts, x0 + 1));
			i = next != IVT_LANE_NO_EVENT && next > i ? next : i + 1;
			continue;
		}
		name_interval(b, lane, index, i, name, sizeof(name));
		if (name[0]) {
			struct ivt_dl_item *item = add_item(b, row, x0, x1);

			if (!item)
				return -ENOMEM;
			item->slot = index->state[i];
			memcpy(item->label, name, sizeof(name));
		}
		i++;
	}
	return 0;
}

/* A cut name must not end inside a character: cleaned, not only copied. */
static void point_label(const struct ivt_points *p, size_t i, size_t n, char *ret, size_t bytes)
{
	const size_t more_bytes = 16;

	ivt_name_clean(ret, bytes - more_bytes, ivt_points_text(p, p->point[i].name));
	if (n > 1)
		snprintf(ret + strlen(ret), more_bytes, " +%zu", n - 1);
}

/* The name of each tick that has room before the next: O(columns x log n). */
static int build_point_names(struct builder *b, struct ivt_dl_row *row, const struct ivt_points *p)
{
	size_t i = ivt_points_from(p, b->ts.t0_ns);
	size_t end = ivt_points_from(p, b->ts.t0_ns + b->ts.span_ns);

	row->n_points = end - i;
	while (i < end) {
		const struct ivt_point *point = &p->point[i];
		int32_t x0 = ivt_timescale_px(&b->ts, point->t0_ns), x1 = b->ts.n_px;
		size_t next = ivt_points_from(p, ivt_timescale_edge_ns(&b->ts, x0 + 1));
		struct ivt_dl_item *item;

		next = next > i ? next : i + 1;
		if (next < end)
			x1 = ivt_timescale_px(&b->ts, p->point[next].t0_ns);
		if (x1 - x0 >= LABEL_PX * b->scale) {
			item = add_item(b, row, x0, x1);
			if (!item)
				return -ENOMEM;
			item->slot = point->slot;
			point_label(p, i, next - i, item->label, sizeof(item->label));
		}
		i = next;
	}
	return 0;
}

/* ---- the whole ---------------------------------------------------------------------- */

static int build_row(struct builder *b, const struct ivt_layout_row *place, uint32_t number)
{
	const struct ivt_lane *lane = &b->m->lane[place->lane];
	struct ivt_display_list *dl = b->dl;
	struct ivt_dl_row *row = grow(dl->row, dl->n_rows, &dl->cap_rows, sizeof(*row));
	int err = 0;

	if (!row)
		return -ENOMEM;
	dl->row = row;
	row += dl->n_rows++;
	memset(row, 0, sizeof(*row));
	row->row = number;
	row->first_run = dl->n_runs;
	row->first_item = dl->n_items;
	if (!lane->n_rows)
		return 0;
	err = build_runs(b, row, lane, &lane->row[place->row], place->height_px * b->scale);
	if (err)
		return err;
	if (lane->points)
		return build_point_names(b, row, lane->points);
	if (lane->box_row)
		return build_boxes(b, row, lane, &lane->box_row[place->row]);
	return build_names(b, row, lane, &lane->row[place->row]);
}

int ivt_display_list_build(struct ivt_display_list *ret, const struct ivt_model *m,
			   const struct ivt_view *view, const struct ivt_layout *layout,
			   const struct ivt_style *style)
{
	struct builder b = { .dl = ret, .m = m, .ts = ivt_view_scale(view), .scale = style->scale };
	size_t n = (size_t)view->n_bins;
	int err;

	memset(ret, 0, sizeof(*ret));
	b.edges = malloc((n + 1) * sizeof(*b.edges));
	b.blocks = malloc((n + 1) * sizeof(*b.blocks));
	b.ns = malloc(n * IVT_LANE_SLOTS * sizeof(*b.ns));
	err = b.edges && b.blocks && b.ns ? 0 : -ENOMEM;
	if (!err)
		ivt_timescale_edges(&b.ts, b.edges);
	for (size_t i = 0; i < layout->n_rows && !err; i++) {
		const struct ivt_layout_row *place = &layout->row[i];
		int y = place->y_px - style->scroll_px;

		if (y + place->height_px > 0 && y < layout->rows_px)
			err = build_row(&b, place, (uint32_t)i);
	}
	free(b.edges);
	free(b.blocks);
	free(b.ns);
	return err;
}

void ivt_display_list_deinit(struct ivt_display_list *dl)
{
	free(dl->row);
	free(dl->run);
	free(dl->item);
	memset(dl, 0, sizeof(*dl));
}

/* ---- text ------------------------------------------------------------------------------ */

static void print_run(const struct ivt_dl_run *run, const struct ivt_model *m,
		      const struct ivt_lane *lane, FILE *f)
{
	char name[80];
	uint8_t from = 0;

	fprintf(f, "  run %d %d", run->x0, run->x1);
	if (!run->is_mixed) {
		ivt_model_slot_name(m, lane->kind, run->slot, name, sizeof(name));
		fprintf(f, " %s\n", name);
		return;
	}
	for (unsigned int s = 1; s < lane->row[0].n_slots; s++) {
		if (run->cut[s] > from) {
			ivt_model_slot_name(m, lane->kind, s, name, sizeof(name));
			fprintf(f, " %s:%u", name, run->cut[s] - from);
			from = run->cut[s];
		}
	}
	fprintf(f, "\n");
}

static void print_row(const struct ivt_display_list *dl, const struct ivt_dl_row *row,
		      const struct ivt_model *m, const struct ivt_layout_row *place, FILE *f)
{
	const struct ivt_lane *lane = &m->lane[place->lane];
	char name[80];

	fprintf(f, "row %s.%u y %d h %d\n", lane->name, place->row, place->y_px, place->height_px);
	for (unsigned int s = 0; s < IVT_LANE_SLOTS; s++) {
		if (!row->ns[s])
			continue;
		ivt_model_slot_name(m, lane->kind, s, name, sizeof(name));
		fprintf(f, "  ns %" PRIu64 " %s\n", row->ns[s], name);
	}
	if (lane->points)
		fprintf(f, "  events %zu\n", row->n_points);
	if (lane->points && lane->points->n_dropped)
		fprintf(f, "  not kept %" PRIu64 "\n", lane->points->n_dropped);
	for (size_t i = 0; i < row->n_runs; i++)
		print_run(&dl->run[row->first_run + i], m, lane, f);
	for (size_t i = 0; i < row->n_items; i++) {
		const struct ivt_dl_item *item = &dl->item[row->first_item + i];

		fprintf(f, "  %s %d %d %s\n", item->is_box ? "box" : "name", item->x0, item->x1,
			item->label);
	}
}

void ivt_display_list_print(const struct ivt_display_list *dl, const struct ivt_model *m,
			    const struct ivt_layout *layout, const struct ivt_view *view, FILE *f)
{
	fprintf(f, "view %" PRId64 " %" PRId64 " columns %d\n", view->t0_ns, view->span_ns,
		view->n_bins);
	fprintf(f, "verdict %s\n", m->verdict);
	for (size_t i = 0; i < m->n_findings; i++)
		fprintf(f, "finding %" PRId64 " %" PRId64 " %s\n", m->finding[i].t0_ns,
			m->finding[i].t1_ns, m->finding[i].text);
	for (size_t i = 0; i < dl->n_rows; i++)
		print_row(dl, &dl->row[i], m, &layout->row[dl->row[i].row], f);
}
