// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/model/describe.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <ivring/events.h>
#include "trace/names.h"
#include "viewer/model/format.h"

/* Text that grows, cut at the buffer's end. */
struct text {
	char *at;
	size_t left;
};

static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->at, t->left, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= t->left)
		n = t->left ? (int)t->left - 1 : 0;
	t->at += n;
	t->left -= (size_t)n;
}

static void add_ns(struct text *t, const char *what, uint64_t ns)
{
	char text[24];

	ivt_format_ns(ns, text, sizeof(text));
	add(t, "%s%s", what, text);
}

static const char *operation(uint32_t rwbs)
{
	if (rwbs & IVT_RWBS_WRITE)
		return "write";
	if (rwbs & IVT_RWBS_READ)
		return "read";
	if (rwbs & (IVT_RWBS_FLUSH | IVT_RWBS_PREFLUSH))
		return "flush";
	return rwbs & IVT_RWBS_DISCARD ? "discard" : "request";
}

static const struct ivt_io_request *
request_of(const struct ivt_model *m, const struct ivt_lane *lane, const struct ivt_box *box)
{
	if (!m->io)
		return NULL;
	if (lane->kind == IVT_LANE_REQUESTS)
		return box->request < m->io->n_guest ? &m->io->guest[box->request] : NULL;
	return box->request < m->io->n_host ? &m->io->host[box->request] : NULL;
}

size_t ivt_box_row_from(const struct ivt_box_row *row, int64_t t_ns)
{
	size_t low = 0, high = row->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (row->box[mid].t1_ns > t_ns)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

const struct ivt_box *ivt_describe_box(const struct ivt_lane *lane, unsigned int row, int64_t t_ns,
				       int64_t slack_ns)
{
	const struct ivt_box_row *boxes;
	size_t i;

	if (!lane->box_row || row >= lane->n_rows)
		return NULL;
	boxes = &lane->box_row[row];
	i = ivt_box_row_from(boxes, t_ns - slack_ns);
	if (i == boxes->n || boxes->box[i].t0_ns > t_ns + slack_ns)
		return NULL;
	return &boxes->box[i];
}

static void add_stages(struct text *t, const struct ivt_model *m, const struct ivt_io_request *rq)
{
	const char *before = "  = ";

	for (int s = 0; s < IVT_IO_STAGES; s++) {
		char owner[IVT_NAME_BYTES + 8], ns[24];

		if (!rq->stage_ns[s])
			continue;
		ivt_format_ns(rq->stage_ns[s], ns, sizeof(ns));
		add(t, "%s%s %s", before, ivt_io_stage_name((enum ivt_io_stage)s), ns);
		before = " + ";
		for (uint32_t i = 0; s == IVT_IO_WAIT && rq->behind_ns && i < m->n_machines; i++) {
			if (!rq->behind_ns[i])
				continue;
			ivt_model_owner_name(m, i, owner, sizeof(owner));
			ivt_format_ns(rq->behind_ns[i], ns, sizeof(ns));
			add(t, " (%s behind %s)", ns, i == rq->machine ? "itself" : owner);
		}
	}
}

void ivt_describe_request(const struct ivt_model *m, const struct ivt_lane *lane,
			  const struct ivt_box *box, char *ret, size_t bytes)
{
	const struct ivt_io_request *rq = request_of(m, lane, box);
	struct text t = { ret, bytes };
	char text[IVT_NAME_BYTES + 8], comm[sizeof(rq->comm)];

	if (bytes)
		ret[0] = '\0';
	if (box->count > 1) {
		add(&t, "%u more requests", box->count);
		return;
	}
	if (!rq)
		return;
	ivt_format_bytes((uint64_t)rq->nr_sector * 512, text, sizeof(text));
	ivt_name_clean(comm, sizeof(comm), rq->comm);
	add(&t, "%s %s by %s %d", operation(rq->rwbs), text, comm, rq->tid);
	if (lane->kind == IVT_LANE_QUEUE) {
		ivt_model_owner_name(m, rq->owner, text, sizeof(text));
		add(&t, " for %s", text);
	}
	if (!rq->complete_ns) {
		add(&t, ", not complete in this trace");
		return;
	}
	add_ns(&t, ": ", (uint64_t)(box->t1_ns - box->t0_ns));
	if (lane->kind == IVT_LANE_REQUESTS)
		add_stages(&t, m, rq);
	else if (rq->service_ns)
		add_ns(&t, ", served for ", rq->complete_ns - rq->service_ns);
}

/* The other machine that a guest's request waited behind most. */
static void add_worst(struct text *t, const struct ivt_model *m, const struct ivt_io_request *rq)
{
	uint32_t worst = rq->machine;
	uint64_t ns = 0;
	char owner[IVT_NAME_BYTES + 8];

	for (uint32_t i = 0; rq->behind_ns && i < m->n_machines; i++)
		if (i != rq->machine && rq->behind_ns[i] > ns) {
			ns = rq->behind_ns[i];
			worst = i;
		}
	if (!ns)
		return;
	ivt_model_owner_name(m, worst, owner, sizeof(owner));
	add_ns(t, ", ", ns);
	add(t, " behind %s", owner);
}

void ivt_describe_short(const struct ivt_model *m, const struct ivt_lane *lane,
			const struct ivt_box *box, bool is_long, char *ret, size_t bytes)
{
	const struct ivt_io_request *rq = request_of(m, lane, box);
	struct text t = { ret, bytes };

	if (bytes)
		ret[0] = '\0';
	if (box->count > 1) {
		add(&t, "%u more requests", box->count);
		return;
	}
	if (!rq)
		return;
	add(&t, "%s", operation(rq->rwbs));
	add_ns(&t, " ", (uint64_t)(box->t1_ns - box->t0_ns));
	if (is_long && lane->kind == IVT_LANE_REQUESTS)
		add_worst(&t, m, rq);
}

static void add_shares(struct text *t, const struct ivt_model *m, const struct ivt_lane *lane,
		       const struct ivt_lane_index *row, int64_t t0_ns, int64_t t1_ns)
{
	uint64_t ns[IVT_LANE_SLOTS] = { 0 }, sum = 0;
	const char *before = "  ";

	ivt_lane_index_sum(row, t0_ns, t1_ns, ns);
	for (unsigned int s = 0; s < row->n_slots; s++)
		sum += ns[s];
	for (unsigned int s = row->n_slots; s-- > 0;) {
		char name[IVT_NAME_BYTES + 24];

		if (!ns[s])
			continue;
		ivt_model_slot_name(m, lane->kind, s, name, sizeof(name));
		if (ns[s] == sum)
			add(t, "%s%s", before, name);
		else
			add(t, "%s%s %" PRIu64 ".%" PRIu64 " %%", before, name, ns[s] * 100 / sum,
			    ns[s] * 1000 / sum % 10);
		before = ", ";
	}
}

/* The interval that holds the place: who, since when. */
static void add_interval(struct text *t, const struct ivt_model *m, const struct ivt_lane *lane,
			 const struct ivt_lane_index *row, int64_t t_ns)
{
	size_t i = ivt_lane_index_at(row, t_ns);

	if (i == IVT_LANE_NO_EVENT)
		return;
	if ((lane->kind == IVT_LANE_HOST_CPU || lane->kind == IVT_LANE_VCPU ||
	     lane->kind == IVT_LANE_VCPU_HOST) &&
	    row->ref[i] < m->tasks.n && m->tasks.task[row->ref[i]].tid) {
		const struct ivt_task *task = &m->tasks.task[row->ref[i]];

		add(t, "  %s%s %d", lane->kind == IVT_LANE_VCPU_HOST ? "by " : "", task->comm,
		    task->tid);
	}
	add_ns(t, "  for ", (uint64_t)(ivt_lane_index_until(row, i) - row->t[i]));
}

/* ---- points ------------------------------------------------------------------------- */

static void add_point(struct text *t, const struct ivt_model *m, const struct ivt_lane *lane,
		      const struct ivt_point *point)
{
	uint32_t task = ivt_task_table_find(&m->tasks, lane->machine, (int32_t)point->tid);
	const char *fields = ivt_points_text(lane->points, point->fields);
	char time[40], slot[32];

	ivt_format_time(point->t0_ns, m->length_ns, 1, time, sizeof(time));
	add(t, "%s  CPU %u", time, point->cpu);
	add(t, "  %s %" PRIu32, task == IVT_NO_TASK ? "task" : m->tasks.task[task].comm,
	    point->tid);
	ivt_model_slot_name(m, lane->kind, point->slot, slot, sizeof(slot));
	if (point->t1_ns > point->t0_ns)
		add_ns(t, "  span of ", (uint64_t)(point->t1_ns - point->t0_ns));
	else if (point->slot != IVT_EVENTS_FTRACE)
		add(t, "  %s", slot);
	add(t, "  %s", ivt_points_text(lane->points, point->name));
	if (fields[0])
		add(t, " %s", fields);
}

/* The points of a column, or of the column's width from the first one on that is
 * within two columns beside it: a tick is hard to hit. */
static size_t points_at(const struct ivt_points *p, int64_t t0_ns, int64_t t1_ns, size_t *ret_n)
{
	int64_t width_ns = t1_ns - t0_ns;
	size_t first = ivt_points_from(p, t0_ns), end = ivt_points_from(p, t1_ns);

	if (first == end) {
		first = ivt_points_from(p, t0_ns - 2 * width_ns);
		end = first;
		if (first < p->n && p->point[first].t0_ns < t1_ns + 2 * width_ns)
			end = ivt_points_from(p, p->point[first].t0_ns + width_ns);
	}
	*ret_n = end - first;
	return first;
}

static void add_points(struct text *t, const struct ivt_model *m, const struct ivt_lane *lane,
		       int64_t t0_ns, int64_t t1_ns)
{
	const struct ivt_points *p = lane->points;
	const struct ivt_lane_index *row = &lane->row[0];
	size_t n, first = points_at(p, t0_ns, t1_ns, &n);
	size_t i = ivt_lane_index_at(row, t0_ns);

	if (n > 1)
		add(t, "  %zu events, the first: ", n);
	else if (n)
		add(t, "  ");
	if (n) {
		add_point(t, m, lane, &p->point[first]);
	} else if (i != IVT_LANE_NO_EVENT && row->ref[i] < p->n) {
		add(t, "  in: ");
		add_point(t, m, lane, &p->point[row->ref[i]]);
	}
	if (p->n_dropped)
		add(t, "  (%" PRIu64 " later events are not kept)", p->n_dropped);
}

/* ---- the whole ---------------------------------------------------------------------- */

void ivt_describe(const struct ivt_model *m, size_t lane_number, unsigned int row, int64_t t0_ns,
		  int64_t t1_ns, char *ret, size_t bytes)
{
	const struct ivt_lane *lane;
	const struct ivt_box *box;
	struct text t = { ret, bytes };
	char time[40];

	if (bytes)
		ret[0] = '\0';
	if (lane_number >= m->n_lanes)
		return;
	lane = &m->lane[lane_number];
	if (t1_ns <= t0_ns)
		t1_ns = t0_ns + 1;
	ivt_format_time(t0_ns, m->length_ns, t1_ns - t0_ns, time, sizeof(time));
	add(&t, "%s  %s", lane->name, time);
	if (row >= lane->n_rows)
		return;
	if (lane->points) {
		add_points(&t, m, lane, t0_ns, t1_ns);
		return;
	}
	add_shares(&t, m, lane, &lane->row[row], t0_ns, t1_ns);
	box = ivt_describe_box(lane, row, t0_ns, t1_ns - t0_ns);
	if (box) {
		add(&t, "  ");
		ivt_describe_request(m, lane, box, t.at, t.left);
	} else if (lane->row[row].n) {
		add_interval(&t, m, lane, &lane->row[row], t0_ns);
	}
}
