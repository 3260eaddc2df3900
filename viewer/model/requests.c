// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/model/requests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A row while it is filled: pieces never go back behind what is there. */
struct row_pen {
	struct ivt_lane_index *lane;
	int64_t at;
};

static int draw_piece(struct row_pen *pen, int64_t from, int64_t to, unsigned int slot,
		      uint32_t ref)
{
	int err;

	if (from < pen->at)
		from = pen->at;
	if (to <= from)
		return 0;
	if (from > pen->at) {
		err = ivt_lane_index_append(pen->lane, pen->at, 0, IVT_LANE_NO_REF);
		if (err)
			return err;
	}
	pen->at = to;
	return ivt_lane_index_append(pen->lane, from, slot, ref);
}

/* Close the last piece and the lane. */
static int draw_end(struct row_pen *pen, int64_t end)
{
	int err = 0;

	if (pen->at < end)
		err = ivt_lane_index_append(pen->lane, pen->at, 0, IVT_LANE_NO_REF);
	return err ? err : ivt_lane_index_finish(pen->lane, end);
}

/* ---- whom a device serves --------------------------------------------------- */

static unsigned int vm_slot(const struct ivt_model *m, uint32_t owner, unsigned int first,
			    unsigned int host)
{
	int ordinal = ivt_model_ordinal(m, owner);

	if (ordinal == IVT_MODEL_NO_VM)
		return host;
	return first + (unsigned int)(ordinal < IVT_RQ_VMS ? ordinal : IVT_RQ_VMS - 1);
}

static unsigned int service_slot(const struct ivt_model *m, size_t host)
{
	uint32_t owner = m->io->host[host].owner;

	return owner < m->n_machines ? vm_slot(m, owner, IVT_SV_VM, IVT_SV_HOST) : IVT_SV_UNKNOWN;
}

static int64_t end_of(const struct ivt_model *m, const struct ivt_io_request *rq)
{
	uint64_t over_ns = rq->complete_ns ? rq->complete_ns : rq->over_ns;
	int64_t end = over_ns ? ivt_model_time(m, over_ns) : m->length_ns;

	return end > m->length_ns ? m->length_ns : end;
}

static int box_order(const void *a, const void *b)
{
	const struct ivt_box *x = a, *y = b;

	if (x->t0_ns != y->t0_ns)
		return x->t0_ns < y->t0_ns ? -1 : 1;
	return x->request < y->request ? -1 : x->request > y->request;
}

static int fill_service(struct ivt_requests *r, struct ivt_service *sv)
{
	const struct ivt_model *m = r->model;
	const struct ivt_io_device *d = NULL;
	struct row_pen pen = { &sv->lane, 0 };
	int err = 0;

	for (size_t i = 0; i < m->io->n_devices && !d; i++)
		if (m->io->devices[i].dev == sv->dev)
			d = &m->io->devices[i];
	for (size_t i = 0; d && i < d->n_services && !err; i++) {
		const struct ivt_io_service *s = &d->services[i];
		int64_t to = ivt_model_time(m, s->to_ns);

		err = draw_piece(&pen, ivt_model_time(m, s->from_ns),
				 to < m->length_ns ? to : m->length_ns, service_slot(m, s->host),
				 (uint32_t)s->host);
	}
	return err ? err : draw_end(&pen, m->length_ns);
}

static int add_service(struct ivt_requests *r, uint32_t dev)
{
	struct ivt_service *sv;

	for (size_t i = 0; i < r->n_services; i++)
		if (r->service[i].dev == dev)
			return 0;
	sv = realloc(r->service, (r->n_services + 1) * sizeof(*sv));
	if (!sv)
		return -ENOMEM;
	r->service = sv;
	sv += r->n_services++;
	sv->dev = dev;
	ivt_lane_index_init(&sv->lane, IVT_SV_SLOTS);
	return fill_service(r, sv);
}

static const struct ivt_lane_index *service_of(const struct ivt_requests *r, uint32_t dev)
{
	for (size_t i = 0; i < r->n_services; i++)
		if (r->service[i].dev == dev)
			return &r->service[i].lane;
	return NULL;
}

int ivt_requests_init(struct ivt_requests *r, struct ivt_model *model)
{
	const struct ivt_io_result *io = model->io;
	int err = 0;

	memset(r, 0, sizeof(*r));
	r->model = model;
	if (io->n_guest >= UINT32_MAX || io->n_host >= UINT32_MAX)
		return -EOVERFLOW;
	for (size_t i = 0; i < io->n_host && !err; i++)
		err = add_service(r, io->host[i].dev);
	return err;
}

void ivt_requests_deinit(struct ivt_requests *r)
{
	for (size_t i = 0; i < r->n_services; i++)
		ivt_lane_index_deinit(&r->service[i].lane);
	free(r->service);
	memset(r, 0, sizeof(*r));
}

/* ---- which devices ------------------------------------------------------------ */

struct device_count {
	uint32_t dev;
	uint64_t n;
};

static int device_order(const void *a, const void *b)
{
	const struct device_count *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->dev < y->dev ? -1 : x->dev > y->dev;
}

size_t ivt_requests_devices(const struct ivt_requests *r, uint32_t machine,
			    uint32_t ret_dev[IVT_REQUESTS_DEVICES])
{
	const struct ivt_io_result *io = r->model->io;
	bool is_host = ivt_model_ordinal(r->model, machine) == IVT_MODEL_NO_VM;
	const struct ivt_io_request *rq = is_host ? io->host : io->guest;
	size_t n_rq = is_host ? io->n_host : io->n_guest;
	struct device_count count[64] = { { 0 } };
	size_t n = 0;

	for (size_t i = 0; i < n_rq; i++) {
		size_t d = 0;

		if (rq[i].machine != machine)
			continue;
		while (d < n && count[d].dev != rq[i].dev)
			d++;
		if (d == n) {
			if (n == sizeof(count) / sizeof(count[0]))
				continue;
			count[n++].dev = rq[i].dev;
		}
		/* A device that serves guests comes before any that does not. */
		count[d].n += is_host && rq[i].guest < io->n_guest ? 1ULL << 32 : 1;
	}
	qsort(count, n, sizeof(count[0]), device_order);
	while (n > 1 && is_host && count[0].n >> 32 && !(count[n - 1].n >> 32))
		n--; /* disks that serve no guest stand in no guest's way */
	if (n > IVT_REQUESTS_DEVICES)
		n = IVT_REQUESTS_DEVICES;
	for (size_t d = 0; d < n; d++)
		ret_dev[d] = count[d].dev;
	return n;
}

/* ---- rows of boxes ---------------------------------------------------------------- */

static int box_row_add(struct ivt_box_row *row, struct ivt_box box)
{
	if (row->n && row->box[row->n - 1].t1_ns > box.t0_ns) {
		struct ivt_box *last = &row->box[row->n - 1];

		if (box.t1_ns > last->t1_ns)
			last->t1_ns = box.t1_ns;
		last->count++;
		return 0;
	}
	if (row->n == row->cap) {
		size_t cap = row->cap ? row->cap * 2 : 16;
		struct ivt_box *p = realloc(row->box, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		row->box = p;
		row->cap = cap;
	}
	row->box[row->n++] = box;
	return 0;
}

/* All requests of one device as boxes, ascending; the caller frees *ret. */
static int collect(const struct ivt_requests *r, uint32_t machine, uint32_t dev, bool is_host,
		   struct ivt_box **ret, size_t *ret_n)
{
	const struct ivt_io_result *io = r->model->io;
	const struct ivt_io_request *rq = is_host ? io->host : io->guest;
	size_t n_rq = is_host ? io->n_host : io->n_guest, n = 0;
	struct ivt_box *box = malloc((n_rq + 1) * sizeof(*box));

	if (!box)
		return -ENOMEM;
	for (size_t i = 0; i < n_rq; i++) {
		int64_t t0;

		if (rq[i].machine != machine || rq[i].dev != dev)
			continue;
		t0 = ivt_model_time(r->model, rq[i].start_ns ? rq[i].start_ns : rq[i].issue_ns);
		box[n] = (struct ivt_box){ t0 < 0 ? 0 : t0, end_of(r->model, &rq[i]), (uint32_t)i,
					   1 };
		n += box[n].t1_ns > box[n].t0_ns;
	}
	qsort(box, n, sizeof(*box), box_order);
	*ret = box;
	*ret_n = n;
	return 0;
}

/* ---- the stages of a guest's request ------------------------------------------------- */

static unsigned int wait_slot(const struct ivt_requests *r, uint32_t victim, uint32_t server)
{
	uint32_t owner = r->model->io->host[server].owner;

	if (owner == victim)
		return IVT_RQ_WAIT_SELF;
	if (owner >= r->model->n_machines)
		return IVT_RQ_WAIT_NOBODY;
	return vm_slot(r->model, owner, IVT_RQ_WAIT_VM, IVT_RQ_WAIT_HOST);
}

static bool is_served_by(const struct ivt_io_result *io, uint32_t guest, uint32_t host)
{
	const struct ivt_io_request *rq = &io->guest[guest];

	for (size_t i = 0; i < rq->n_links; i++)
		if (io->links[rq->first_link + i].host == host)
			return true;
	return false;
}

/* One host request of a guest request: behind whom, then served. */
static int draw_host(const struct ivt_requests *r, struct row_pen *pen, const struct ivt_box *box,
		     uint32_t h)
{
	uint32_t g = box->request;
	const struct ivt_io_request *host = &r->model->io->host[h];
	const struct ivt_lane_index *sv = service_of(r, host->dev);
	int64_t from = ivt_model_time(r->model, host->start_ns ? host->start_ns : host->issue_ns);
	int64_t to = end_of(r->model, host);
	size_t i;
	int err = 0;

	if (from < pen->at)
		from = pen->at;
	if (to > box->t1_ns) /* clock error, or a host request that is not its */
		to = box->t1_ns;
	if (!sv)
		return draw_piece(pen, from, to, IVT_RQ_UNKNOWN, g);
	i = ivt_lane_index_at(sv, from);
	for (; i < sv->n && from < to && !err; i++) {
		int64_t until = ivt_lane_index_until(sv, i);
		unsigned int slot = IVT_RQ_WAIT_NOBODY;
		uint32_t server = sv->ref[i];

		if (until > to)
			until = to;
		if (sv->state[i] != IVT_SV_IDLE)
			slot = is_served_by(r->model->io, g, server)
				       ? IVT_RQ_DEVICE
				       : wait_slot(r, r->model->io->guest[g].machine, server);
		err = draw_piece(pen, from, until, slot, g);
		from = until;
	}
	return err;
}

/* Where the next stage of @box begins. */
static int64_t after(const struct row_pen *pen, const struct ivt_box *box)
{
	return box->t0_ns > pen->at ? box->t0_ns : pen->at;
}

static int draw_guest(const struct ivt_requests *r, struct row_pen *pen, const struct ivt_box *box)
{
	const struct ivt_io_request *rq = &r->model->io->guest[box->request];
	int64_t issue = ivt_model_time(r->model, rq->issue_ns);
	unsigned int rest = IVT_RQ_RETURN;
	int err = draw_piece(pen, box->t0_ns, issue < box->t1_ns ? issue : box->t1_ns, IVT_RQ_QUEUE,
			     box->request);

	if (!rq->n_links)
		rest = rq->issue_ns ? IVT_RQ_UNLINKED : IVT_RQ_UNKNOWN;
	for (size_t i = 0; i < rq->n_links && !err; i++) {
		size_t h = r->model->io->links[rq->first_link + i].host;
		const struct ivt_io_request *host = &r->model->io->host[h];
		int64_t begin =
			ivt_model_time(r->model, host->start_ns ? host->start_ns : host->issue_ns);

		err = draw_piece(pen, after(pen, box), begin < box->t1_ns ? begin : box->t1_ns,
				 IVT_RQ_SUBMIT, box->request);
		if (!err)
			err = draw_host(r, pen, box, (uint32_t)h);
	}
	return err ? err : draw_piece(pen, after(pen, box), box->t1_ns, rest, box->request);
}

static int draw_queue(const struct ivt_requests *r, struct row_pen *pen, const struct ivt_box *box)
{
	const struct ivt_io_request *rq = &r->model->io->host[box->request];
	int64_t service = ivt_model_time(r->model, rq->service_ns);
	int err;

	if (!rq->complete_ns)
		return draw_piece(pen, box->t0_ns, box->t1_ns, IVT_SV_UNKNOWN, box->request);
	err = draw_piece(pen, box->t0_ns, service < box->t1_ns ? service : box->t1_ns,
			 vm_slot(r->model, rq->owner, IVT_SV_WAIT_VM, IVT_SV_WAIT_HOST),
			 box->request);
	if (err)
		return err;
	return draw_piece(pen, service, box->t1_ns, service_slot(r->model, box->request),
			  box->request);
}

/* ---- lanes ------------------------------------------------------------------------------ */

static int fill_rows(struct ivt_requests *r, struct ivt_lane *lane, const struct ivt_box *box,
		     const uint8_t *row_of, size_t n)
{
	struct row_pen pen[IVT_MODEL_MAX_ROWS];
	int err = 0;

	for (unsigned int i = 0; i < lane->n_rows; i++)
		pen[i] = (struct row_pen){ &lane->row[i], 0 };
	for (size_t i = 0; i < n && !err; i++) {
		struct row_pen *p = &pen[row_of[i]];

		err = lane->kind == IVT_LANE_QUEUE ? draw_queue(r, p, &box[i])
						   : draw_guest(r, p, &box[i]);
		if (!err)
			err = box_row_add(&lane->box_row[row_of[i]], box[i]);
	}
	for (unsigned int i = 0; i < lane->n_rows && !err; i++)
		err = draw_end(&pen[i], r->model->length_ns);
	return err;
}

static int add_boxes(struct ivt_requests *r, enum ivt_lane_kind kind, uint32_t machine,
		     uint32_t dev, const char *label, const char *name)
{
	struct ivt_box *box = NULL;
	uint8_t *row_of = NULL;
	struct ivt_lane *lane;
	unsigned int rows;
	size_t n = 0;
	int err = collect(r, machine, dev, kind == IVT_LANE_QUEUE, &box, &n);

	if (!err) {
		row_of = malloc(n + 1);
		err = row_of ? 0 : -ENOMEM;
	}
	if (!err) {
		rows = ivt_boxes_first_fit(box, n, row_of);
		lane = ivt_model_add_lane(r->model, kind, machine, dev, rows ? rows : 1,
					  IVT_RQ_SLOTS);
		err = lane ? 0 : -ENOMEM;
	}
	if (!err) {
		snprintf(lane->label, sizeof(lane->label), "%s", label);
		snprintf(lane->name, sizeof(lane->name), "%s", name);
		lane->box_row = calloc(lane->n_rows, sizeof(*lane->box_row));
		err = lane->box_row ? fill_rows(r, lane, box, row_of, n) : -ENOMEM;
	}
	free(box);
	free(row_of);
	return err;
}

int ivt_requests_add_guest(struct ivt_requests *r, uint32_t machine, uint32_t dev, const char *disk)
{
	char label[48], name[128];

	snprintf(label, sizeof(label), "%.30s requests", disk);
	snprintf(name, sizeof(name), "%s/%s", r->model->machine[machine].name, label);
	return add_boxes(r, IVT_LANE_REQUESTS, machine, dev, label, name);
}

int ivt_requests_add_host(struct ivt_requests *r, uint32_t machine, uint32_t dev, const char *disk)
{
	char label[48], name[128];

	for (size_t i = 0; i < r->n_services; i++) {
		struct ivt_service sv = { .dev = dev };
		struct ivt_lane *lane;
		int err;

		if (r->service[i].dev != dev)
			continue;
		lane = ivt_model_add_lane(r->model, IVT_LANE_SERVICE, machine, dev, 1,
					  IVT_SV_SLOTS);
		if (!lane)
			return -ENOMEM;
		snprintf(lane->label, sizeof(lane->label), "%.30s serves", disk);
		snprintf(lane->name, sizeof(lane->name), "host/%s", lane->label);
		/* Filled again, because the guests' waits still need the other. */
		ivt_lane_index_init(&sv.lane, IVT_SV_SLOTS);
		err = fill_service(r, &sv);
		lane->row[0] = sv.lane;
		if (err)
			return err;
	}
	snprintf(label, sizeof(label), "%.30s queue", disk);
	snprintf(name, sizeof(name), "host/%s", label);
	return add_boxes(r, IVT_LANE_QUEUE, machine, dev, label, name);
}
