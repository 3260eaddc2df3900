// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/model/point_builder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ivring/events.h>
#include "trace/ftrace_events.h"
#include "trace/names.h"

#define MAX_PROBES 16 /* a guest may choose texts whose hashes are equal */

/* What the texts begin with: at 0 the empty one, then what stands for those that
 * there was no room for. */
static const char first_texts[] = "\0(text not kept)";
#define TEXT_NOT_KEPT 1

/* Room for one more; NULL: no memory. */
static void *grow(void *array, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 64;
	void *p;

	if (n < *cap)
		return array;
	p = realloc(array, more * size);
	if (p)
		*cap = more;
	return p;
}

/* ---- texts ------------------------------------------------------------------ */

/* FNV-1a */
static uint64_t hash_of(const char *text)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 0x100000001b3ULL;
	return h ^ h >> 32;
}

/* The bucket of @text: one that holds it, or a free one, or NULL. */
static uint32_t *bucket_of(const struct ivt_point_machine *m, const char *text)
{
	uint64_t h = hash_of(text);

	for (unsigned int i = 0; i < MAX_PROBES && m->n_buckets; i++) {
		uint32_t *b = &m->bucket[(h + i) & (m->n_buckets - 1)];

		if (!*b || !strcmp(m->points.text + *b, text))
			return b;
	}
	return NULL;
}

static int grow_buckets(struct ivt_point_machine *m)
{
	size_t n = m->n_buckets ? m->n_buckets * 2 : 256, old_n = m->n_buckets;
	uint32_t *old = m->bucket;

	if (m->n_texts * 2 < m->n_buckets)
		return 0;
	m->bucket = calloc(n, sizeof(*m->bucket));
	if (!m->bucket) {
		m->bucket = old;
		return -ENOMEM;
	}
	m->n_buckets = n;
	for (size_t i = 0; i < old_n; i++) {
		uint32_t *b = old[i] ? bucket_of(m, m->points.text + old[i]) : NULL;

		if (b)
			*b = old[i];
	}
	free(old);
	return 0;
}

/* Put @text behind the others, or *ret = TEXT_NOT_KEPT. */
static int append_text(struct ivt_points *p, const char *text, uint32_t *ret)
{
	uint32_t bytes = (uint32_t)strlen(text) + 1;

	*ret = TEXT_NOT_KEPT;
	if (p->text_bytes + bytes > IVT_POINTS_TEXT)
		return 0;
	if (p->text_bytes + bytes > p->text_cap) {
		uint32_t cap = p->text_cap * 2;
		char *more = realloc(p->text, cap);

		if (!more)
			return -ENOMEM;
		p->text = more;
		p->text_cap = cap;
	}
	memcpy(p->text + p->text_bytes, text, bytes);
	*ret = p->text_bytes;
	p->text_bytes += bytes;
	return 0;
}

static int keep_text(struct ivt_point_machine *m, const char *dirty, uint32_t *ret)
{
	char text[IVT_POINT_TEXT_MAX];
	uint32_t *b;
	int err;

	*ret = 0;
	ivt_name_clean(text, sizeof(text), dirty);
	err = text[0] ? grow_buckets(m) : 0;
	if (err || !text[0])
		return err;
	b = bucket_of(m, text);
	if (b && *b) {
		*ret = *b;
		return 0;
	}
	err = append_text(&m->points, text, ret);
	if (err || !b || *ret == TEXT_NOT_KEPT)
		return err;
	*b = *ret;
	m->n_texts++;
	return 0;
}

static int begin_texts(struct ivt_points *p)
{
	if (p->text)
		return 0;
	p->text = calloc(1, 4096);
	if (!p->text)
		return -ENOMEM;
	memcpy(p->text, first_texts, sizeof(first_texts));
	p->text_cap = 4096;
	p->text_bytes = sizeof(first_texts);
	return 0;
}

/* ---- records ------------------------------------------------------------------ */

/* What a record says, as texts. */
struct said {
	unsigned int slot;
	char name[IVT_POINT_TEXT_MAX];
	char fields[IVT_POINT_TEXT_MAX];
	uint64_t id; /* of a span */
};

static void say_span(const struct ivt_event *ev, struct said *ret)
{
	ret->slot = ev->type == IVT_TYPE_ivtrace_span_end ? IVT_EVENTS_END : IVT_EVENTS_BEGIN;
	ret->id = (uint64_t)ivt_field_int(ev->desc, ev->payload, "id");
	ivt_field_text(ev->desc, ev->payload, "name", ret->name, sizeof(ret->name));
	snprintf(ret->fields, sizeof(ret->fields), "id=%" PRIu64, ret->id);
}

static void say_ftrace(struct ivt_trace *t, const struct ivt_event *ev, struct said *ret)
{
	struct ivt_ftrace_event event;

	ret->slot = IVT_EVENTS_FTRACE;
	snprintf(ret->name, sizeof(ret->name), "%s", ev->desc->label);
	if (!t || !ivt_ftrace_event(t, ev, &event))
		return;
	if (event.format)
		snprintf(ret->name, sizeof(ret->name), "%s", event.format->title);
	ivt_ftrace_event_print(&event, ret->fields, sizeof(ret->fields));
}

static bool is_point(uint16_t type)
{
	return type == IVT_TYPE_ivtrace_mark || type == IVT_TYPE_ivtrace_value ||
	       type == IVT_TYPE_ivtrace_span_begin || type == IVT_TYPE_ivtrace_span_end ||
	       type == IVT_TYPE_ivtrace_ftrace;
}

/* Of a record that is_point(). */
static void say(struct ivt_trace *t, const struct ivt_event *ev, struct said *ret)
{
	memset(ret, 0, sizeof(*ret));
	switch (ev->type) {
	case IVT_TYPE_ivtrace_mark:
		ret->slot = IVT_EVENTS_MARK;
		ivt_field_text(ev->desc, ev->payload, "msg", ret->name, sizeof(ret->name));
		break;
	case IVT_TYPE_ivtrace_value:
		ret->slot = IVT_EVENTS_VALUE;
		ivt_field_text(ev->desc, ev->payload, "name", ret->name, sizeof(ret->name));
		snprintf(ret->fields, sizeof(ret->fields), "value=%" PRId64,
			 ivt_field_int(ev->desc, ev->payload, "value"));
		break;
	case IVT_TYPE_ivtrace_span_begin:
	case IVT_TYPE_ivtrace_span_end:
		say_span(ev, ret);
		break;
	default:
		say_ftrace(t, ev, ret);
	}
}

static int add_side(struct ivt_point_machine *m, const struct said *said)
{
	struct ivt_span_side *side;

	if (said->slot != IVT_EVENTS_BEGIN && said->slot != IVT_EVENTS_END)
		return 0;
	side = grow(m->side, m->n_sides, &m->cap_sides, sizeof(*side));
	if (!side)
		return -ENOMEM;
	m->side = side;
	m->side[m->n_sides++] = (struct ivt_span_side){ said->id, hash_of(said->name),
							(uint32_t)m->points.n,
							said->slot == IVT_EVENTS_END };
	return 0;
}

static int add_point(struct ivt_point_machine *m, const struct ivt_event *ev, int64_t t_ns,
		     const struct said *said)
{
	struct ivt_points *p = &m->points;
	struct ivt_point *point = grow(p->point, p->n, &p->cap, sizeof(*point));
	int err = point ? begin_texts(p) : -ENOMEM;

	if (err)
		return err;
	p->point = point;
	point += p->n;
	*point = (struct ivt_point){ .t0_ns = t_ns,
				     .t1_ns = t_ns,
				     .tid = ev->tid,
				     .cpu = (uint16_t)ev->cpu,
				     .slot = (uint8_t)said->slot };
	err = keep_text(m, said->name, &point->name);
	if (!err)
		err = keep_text(m, said->fields, &point->fields);
	if (!err)
		err = add_side(m, said);
	if (err)
		return err;
	p->slots |= 1u << said->slot;
	p->n++;
	return 0;
}

int ivt_point_builder_feed(struct ivt_point_builder *b, const struct ivt_event *ev)
{
	int64_t t_ns = ivt_model_time(b->model, ev->host_ns);
	struct ivt_point_machine *m;
	struct said said;

	if (!is_point(ev->type) || ev->machine >= b->n_machines || ev->cpu >= IVT_MAX_VCPUS)
		return 0;
	m = &b->machine[ev->machine];
	if (t_ns < 0)
		t_ns = 0;
	if (t_ns >= b->model->length_ns)
		t_ns = b->model->length_ns - 1;
	if (m->points.n == IVT_POINTS_MAX) {
		if (!m->points.n_dropped++)
			m->points.dropped_ns = t_ns;
		return 0;
	}
	say(b->trace, ev, &said);
	return add_point(m, ev, t_ns, &said);
}

/* ---- spans ------------------------------------------------------------------------ */

static int side_order(const void *a, const void *b)
{
	const struct ivt_span_side *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	if (x->name_hash != y->name_hash)
		return x->name_hash < y->name_hash ? -1 : 1;
	return x->point < y->point ? -1 : x->point > y->point;
}

/* An end closes the last begin of its id and name that is still open.  The open
 * ones stand at the front of the group: [first, first + n). */
static void match_spans(struct ivt_point_machine *m)
{
	struct ivt_span_side *side = m->side;
	size_t first = 0, n = 0;

	if (m->n_sides)
		qsort(side, m->n_sides, sizeof(*side), side_order);
	for (size_t i = 0; i < m->n_sides; i++) {
		if (i &&
		    (side[i].id != side[first].id || side[i].name_hash != side[first].name_hash))
			n = 0;
		if (!n)
			first = i;
		if (!side[i].is_end) {
			side[first + n++] = side[i];
			continue;
		}
		if (n) {
			struct ivt_point *begin = &m->points.point[side[first + --n].point];
			struct ivt_point *end = &m->points.point[side[i].point];

			begin->t1_ns = end->t0_ns;
			end->slot = IVT_EVENTS_NONE;
		}
	}
	free(m->side);
	m->side = NULL;
	m->n_sides = m->cap_sides = 0;
}

/* A bar has its end in it: the matched ends go. */
static void drop_matched_ends(struct ivt_points *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->point[i].slot != IVT_EVENTS_NONE)
			p->point[n++] = p->point[i];
	p->n = n;
	p->slots = 0;
	for (size_t i = 0; i < n; i++)
		p->slots |= 1u << p->point[i].slot;
}

/* ---- bars --------------------------------------------------------------------------- */

/* The spans that are open, by their begin; the last is what is drawn.  Those below
 * it may be over already: they are found when they come up. */
struct open_spans {
	const struct ivt_points *points;
	struct ivt_lane_index *row;
	uint32_t *open;
	size_t n;
};

static int64_t top_end(const struct open_spans *s)
{
	return s->points->point[s->open[s->n - 1]].t1_ns;
}

/* Close what ends at or before @t_ns. */
static int close_until(struct open_spans *s, int64_t t_ns)
{
	int err = 0;

	while (s->n && top_end(s) <= t_ns && !err) {
		int64_t at = top_end(s);

		while (s->n && top_end(s) <= at)
			s->n--;
		if (s->n)
			err = ivt_lane_index_append(s->row, at, IVT_EVENTS_SPAN, s->open[s->n - 1]);
		else
			err = ivt_lane_index_append(s->row, at, IVT_EVENTS_NONE, IVT_LANE_NO_REF);
	}
	return err;
}

static int draw_spans(const struct ivt_points *p, struct ivt_lane_index *row)
{
	struct open_spans s = { .points = p, .row = row };
	int err = ivt_lane_index_append(row, 0, IVT_EVENTS_NONE, IVT_LANE_NO_REF);

	s.open = malloc((p->n + 1) * sizeof(*s.open));
	if (!s.open)
		return -ENOMEM;
	for (size_t i = 0; i < p->n && !err; i++) {
		const struct ivt_point *point = &p->point[i];

		if (point->t1_ns <= point->t0_ns)
			continue;
		err = close_until(&s, point->t0_ns);
		if (!err)
			err = ivt_lane_index_append(row, point->t0_ns, IVT_EVENTS_SPAN,
						    (uint32_t)i);
		s.open[s.n++] = (uint32_t)i;
	}
	if (!err)
		err = close_until(&s, INT64_MAX);
	if (!err && p->n_dropped)
		err = ivt_lane_index_append(row, p->dropped_ns, IVT_EVENTS_UNKNOWN,
					    IVT_LANE_NO_REF);
	free(s.open);
	return err;
}

/* ---- the whole ------------------------------------------------------------------------ */

int ivt_point_builder_init(struct ivt_point_builder *b, struct ivt_model *model,
			   struct ivt_trace *trace)
{
	memset(b, 0, sizeof(*b));
	b->model = model;
	b->trace = trace;
	b->machine = calloc(model->n_machines + 1, sizeof(*b->machine));
	if (!b->machine)
		return -ENOMEM;
	b->n_machines = model->n_machines;
	return 0;
}

void ivt_point_builder_deinit(struct ivt_point_builder *b)
{
	for (size_t i = 0; i < b->n_machines; i++) {
		ivt_points_deinit(&b->machine[i].points);
		free(b->machine[i].side);
		free(b->machine[i].bucket);
	}
	free(b->machine);
	memset(b, 0, sizeof(*b));
}

bool ivt_point_builder_has(const struct ivt_point_builder *b, uint32_t machine)
{
	return machine < b->n_machines && b->machine[machine].points.n;
}

int ivt_point_builder_add_lane(struct ivt_point_builder *b, uint32_t machine)
{
	struct ivt_point_machine *m;
	struct ivt_lane *lane;
	int err;

	if (!ivt_point_builder_has(b, machine))
		return 0;
	m = &b->machine[machine];
	match_spans(m);
	drop_matched_ends(&m->points);
	lane = ivt_model_add_lane(b->model, IVT_LANE_EVENTS, machine, 0, 1, IVT_EVENTS_SLOTS);
	if (!lane)
		return -ENOMEM;
	lane->points = malloc(sizeof(*lane->points));
	if (!lane->points)
		return -ENOMEM;
	*lane->points = m->points;
	memset(&m->points, 0, sizeof(m->points));
	snprintf(lane->label, sizeof(lane->label), "events");
	snprintf(lane->name, sizeof(lane->name), "%s/events", b->model->machine[machine].name);
	err = draw_spans(lane->points, &lane->row[0]);
	return err ? err : ivt_lane_index_finish(&lane->row[0], b->model->length_ns);
}
