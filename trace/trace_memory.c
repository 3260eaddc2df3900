// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/trace_memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ivring/abi.h"

/* Never changed once it is made; the memory and cuts have a reference each. */
struct packet {
	struct packet *next; /* newer; the memory's */
	atomic_uint n_refs;
	uint32_t machine, cpu, flags;
	uint64_t lost;
	uint64_t n_records;
	uint64_t first_tsc, last_tsc;
	size_t bytes;
	unsigned char data[];
};

struct ivt_trace_memory {
	struct packet *oldest, *newest;
	size_t n_packets;
	uint64_t used_bytes;
	uint64_t limit_bytes;
};

struct ivt_trace_cut {
	struct ivt_trace_info info;
	struct ivt_sync_log log;
	struct packet **packets;
	size_t n_packets;
	uint32_t number[IVT_MAX_MACHINES]; /* in the trace that is written */
	bool is_omitted[IVT_MAX_MACHINES];
};

/* ---- packets ------------------------------------------------------------------- */

static void packet_put(struct packet *p)
{
	if (atomic_fetch_sub(&p->n_refs, 1) == 1)
		free(p);
}

static uint64_t cost(const struct packet *p)
{
	return sizeof(*p) + p->bytes;
}

/* Sizes are bounded by the packet, whatever they say. */
static void packet_look(struct packet *p)
{
	struct ivring_record rec;
	size_t at = 0;

	while (p->bytes - at >= sizeof(rec)) {
		memcpy(&rec, p->data + at, sizeof(rec));
		if (rec.size < sizeof(rec) || rec.size % 8 || rec.size > p->bytes - at)
			break;
		if (!p->n_records++)
			p->first_tsc = rec.tsc;
		p->last_tsc = rec.tsc;
		at += rec.size;
	}
}

static struct packet *packet_make(const struct iovec *iov, int n_iov)
{
	struct packet *p;
	size_t bytes = 0;

	for (int i = 0; i < n_iov; i++)
		bytes += iov[i].iov_len;
	p = calloc(1, sizeof(*p) + bytes);
	if (!p)
		return NULL;
	for (int i = 0; i < n_iov; i++) {
		memcpy(p->data + p->bytes, iov[i].iov_base, iov[i].iov_len);
		p->bytes += iov[i].iov_len;
	}
	atomic_init(&p->n_refs, 1);
	packet_look(p);
	return p;
}

static struct ivt_stream_info *stream_of(struct ivt_trace_info *info, uint32_t machine,
					 uint32_t cpu)
{
	struct ivt_machine_info *m;

	if (machine >= info->n_machines)
		return NULL;
	m = &info->machines[machine];
	for (size_t i = 0; i < m->n_streams; i++)
		if (m->streams[i].cpu == cpu)
			return &m->streams[i];
	return NULL;
}

/* ---- the memory ------------------------------------------------------------------ */

int ivt_trace_memory_create(uint64_t limit_bytes, struct ivt_trace_memory **ret)
{
	struct ivt_trace_memory *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->limit_bytes = limit_bytes;
	*ret = m;
	return 0;
}

static void drop_oldest(struct ivt_trace_memory *m, struct ivt_trace_info *info)
{
	struct packet *p = m->oldest;
	struct ivt_stream_info *s = info ? stream_of(info, p->machine, p->cpu) : NULL;

	if (s) {
		s->overwritten += p->n_records;
		s->lost_before = p->lost;
	}
	m->oldest = p->next;
	if (!m->oldest)
		m->newest = NULL;
	m->used_bytes -= cost(p);
	m->n_packets--;
	packet_put(p);
}

void ivt_trace_memory_destroy(struct ivt_trace_memory *m)
{
	if (!m)
		return;
	while (m->oldest)
		drop_oldest(m, NULL);
	free(m);
}

int ivt_trace_memory_append(struct ivt_trace_memory *m, struct ivt_trace_info *info,
			    uint32_t machine, uint32_t cpu, const struct iovec *iov, int n_iov,
			    uint64_t lost, uint32_t flags)
{
	struct packet *p = packet_make(iov, n_iov);

	if (!p)
		return -ENOMEM;
	if (cost(p) > m->limit_bytes) {
		packet_put(p);
		return -EFBIG;
	}
	p->machine = machine;
	p->cpu = cpu;
	p->lost = lost;
	p->flags = flags;
	while (m->used_bytes + cost(p) > m->limit_bytes)
		drop_oldest(m, info);
	if (m->newest)
		m->newest->next = p;
	else
		m->oldest = p;
	m->newest = p;
	m->used_bytes += cost(p);
	m->n_packets++;
	return 0;
}

uint64_t ivt_trace_memory_oldest(const struct ivt_trace_memory *m, uint32_t machine)
{
	uint64_t oldest = UINT64_MAX;

	for (const struct packet *p = m->oldest; p; p = p->next)
		if (p->machine == machine && p->n_records && p->first_tsc < oldest)
			oldest = p->first_tsc;
	return oldest;
}

/* ---- a cut ------------------------------------------------------------------------ */

/* Everything but what the manifest of another trace says of its files. */
static int copy_machines(struct ivt_trace_info *to, const struct ivt_trace_info *from)
{
	int ret = 0;

	*to = *from;
	to->sync_json = NULL;
	to->gaps = NULL;
	to->n_gaps = 0;
	to->n_machines = 0;
	to->machines = calloc(from->n_machines ? from->n_machines : 1, sizeof(*to->machines));
	if (!to->machines)
		return -ENOMEM;
	for (size_t i = 0; i < from->n_machines && !ret; i++) {
		ret = ivt_machine_info_copy(&to->machines[i], &from->machines[i]);
		to->n_machines++;
	}
	return ret;
}

static int copy_log(struct ivt_sync_log *to, const struct ivt_sync_log *from)
{
	int ret = 0;

	for (size_t i = 0; i < from->n_snapshots && !ret; i++)
		ret = ivt_sync_log_add_snapshot(to, &from->snapshots[i]);
	for (size_t i = 0; i < from->n_clocks && !ret; i++)
		ret = ivt_sync_log_add_clock(to, &from->clocks[i]);
	return ret;
}

static int hold_packets(struct ivt_trace_cut *cut, struct ivt_trace_memory *m)
{
	cut->packets = calloc(m->n_packets ? m->n_packets : 1, sizeof(*cut->packets));
	if (!cut->packets)
		return -ENOMEM;
	for (struct packet *p = m->oldest; p; p = p->next) {
		atomic_fetch_add(&p->n_refs, 1);
		cut->packets[cut->n_packets++] = p;
	}
	return 0;
}

int ivt_trace_cut_create(struct ivt_trace_writer *w, struct ivt_trace_cut **ret)
{
	struct ivt_trace_memory *m = ivt_trace_writer_memory(w);
	struct ivt_trace_cut *cut;
	int status;

	if (!m)
		return -EINVAL;
	cut = calloc(1, sizeof(*cut));
	if (!cut)
		return -ENOMEM;
	status = copy_machines(&cut->info, ivt_trace_writer_info(w));
	if (!status)
		status = copy_log(&cut->log, ivt_trace_writer_log(w));
	if (!status)
		status = hold_packets(cut, m);
	if (status) {
		ivt_trace_cut_destroy(cut);
		return status;
	}
	*ret = cut;
	return 0;
}

void ivt_trace_cut_destroy(struct ivt_trace_cut *cut)
{
	if (!cut)
		return;
	for (size_t i = 0; i < cut->n_packets; i++)
		packet_put(cut->packets[i]);
	free(cut->packets);
	ivt_sync_log_deinit(&cut->log);
	ivt_trace_info_deinit(&cut->info);
	free(cut);
}

struct ivt_trace_info *ivt_trace_cut_info(struct ivt_trace_cut *cut)
{
	return &cut->info;
}

void ivt_trace_cut_omit(struct ivt_trace_cut *cut, uint32_t machine)
{
	if (machine < IVT_MAX_MACHINES)
		cut->is_omitted[machine] = true;
}

uint32_t ivt_trace_cut_number(const struct ivt_trace_cut *cut, uint32_t machine)
{
	return machine < cut->info.n_machines && !cut->is_omitted[machine] ? cut->number[machine]
									   : UINT32_MAX;
}

/* ---- into files --------------------------------------------------------------------- */

static int write_machines(struct ivt_trace_cut *cut, struct ivt_trace_writer *w,
			  struct ivt_error *err)
{
	int ret = 0;

	for (uint32_t i = 0; i < cut->info.n_machines && !ret; i++)
		if (!cut->is_omitted[i])
			ret = ivt_trace_writer_add_machine(w, &cut->info.machines[i],
							   &cut->number[i], err);
	return ret;
}

static int write_clocks(struct ivt_trace_cut *cut, struct ivt_trace_writer *w,
			struct ivt_error *err)
{
	int ret = 0;

	for (size_t i = 0; i < cut->log.n_snapshots && !ret; i++)
		ret = ivt_trace_writer_snapshot(w, &cut->log.snapshots[i], err);
	for (size_t i = 0; i < cut->log.n_clocks && !ret; i++) {
		const struct ivt_sync_clock *c = &cut->log.clocks[i];
		uint32_t machine = ivt_trace_cut_number(cut, c->machine);

		if (machine != UINT32_MAX)
			ret = ivt_trace_writer_clock(w, machine, &c->entry, c->guest_tsc, err);
	}
	return ret;
}

static struct ivt_stream_info *open_stream(struct ivt_trace_writer *w, uint32_t machine,
					   uint32_t cpu, struct ivt_error *err)
{
	struct ivt_stream_info *s = stream_of(ivt_trace_writer_info(w), machine, cpu);

	if (!s && !ivt_trace_writer_add_stream(w, machine, cpu, err))
		s = stream_of(ivt_trace_writer_info(w), machine, cpu);
	return s;
}

/* What was lost before the first packet that is there was lost in no part of the trace. */
static void take_counters(struct ivt_stream_info *to, const struct ivt_stream_info *from)
{
	uint64_t before = from->lost_before;

	to->lost_full = from->lost_full;
	to->lost_nested = from->lost_nested;
	to->lost_big = from->lost_big;
	to->violations = from->violations;
	to->overwritten = from->overwritten;
	ivt_stream_forgive(to, before);
}

static bool is_too_old(const struct ivt_trace_cut *cut, const struct packet *p, uint64_t since_ns)
{
	return cut->info.machines[p->machine].clock == IVT_CLOCK_MONO_NS && p->last_tsc < since_ns;
}

static int write_packet(struct ivt_trace_cut *cut, struct ivt_trace_writer *w,
			const struct packet *p, uint64_t since_ns, struct ivt_error *err)
{
	struct ivt_stream_info *from = stream_of(&cut->info, p->machine, p->cpu);
	struct iovec iov = { (void *)p->data, p->bytes };
	uint32_t machine = ivt_trace_cut_number(cut, p->machine);

	if (machine == UINT32_MAX || !from)
		return 0;
	if (is_too_old(cut, p, since_ns)) {
		from->overwritten += p->n_records;
		from->lost_before = p->lost;
		return 0;
	}
	if (!open_stream(w, machine, p->cpu, err))
		return -EIO;
	return ivt_trace_writer_append(
		w, machine, p->cpu, &iov, 1,
		p->lost > from->lost_before ? p->lost - from->lost_before : 0, p->flags, err);
}

static void write_counters(struct ivt_trace_cut *cut, struct ivt_trace_writer *w)
{
	for (uint32_t i = 0; i < cut->info.n_machines; i++) {
		uint32_t machine = ivt_trace_cut_number(cut, i);
		const struct ivt_machine_info *m = &cut->info.machines[i];

		for (size_t k = 0; machine != UINT32_MAX && k < m->n_streams; k++) {
			struct ivt_stream_info *to =
				stream_of(ivt_trace_writer_info(w), machine, m->streams[k].cpu);

			if (to)
				take_counters(to, &m->streams[k]);
		}
	}
}

int ivt_trace_cut_begin(struct ivt_trace_cut *cut, const char *path, struct ivt_trace_writer **ret,
			struct ivt_error *err)
{
	struct ivt_trace_writer *w = NULL;
	struct ivt_trace_info *info;
	int status = ivt_trace_writer_create(path, cut->info.tool_version, &w, err);

	if (status)
		return status;
	info = ivt_trace_writer_info(w);
	info->tsc_khz = cut->info.tsc_khz;
	info->snapshot = cut->info.snapshot;
	status = write_machines(cut, w, err);
	if (!status)
		status = write_clocks(cut, w, err);
	if (status) {
		ivt_trace_writer_close(w, NULL);
		return status;
	}
	*ret = w;
	return 0;
}

int ivt_trace_cut_fill(struct ivt_trace_cut *cut, uint64_t since_ns, struct ivt_trace_writer *w,
		       struct ivt_error *err)
{
	int status = 0;

	for (size_t i = 0; i < cut->n_packets && !status; i++)
		status = write_packet(cut, w, cut->packets[i], since_ns, err);
	if (!status)
		write_counters(cut, w);
	return status;
}
