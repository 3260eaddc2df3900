// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where records were lost: a packet's events_discarded counts what was lost up
 * to its end, so that a packet which counts more than the one before lost them
 * after that one's last record and not after its own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace/reader_state.h"

struct loss_list {
	struct ivt_loss *of;
	size_t n;
	size_t capacity;
};

static int loss_add(struct loss_list *list, struct ivt_loss loss)
{
	if (list->n == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 16;
		struct ivt_loss *grown = realloc(list->of, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->of = grown;
		list->capacity = capacity;
	}
	list->of[list->n++] = loss;
	return 0;
}

/* What a packet's counter begins at. */
static uint64_t lost_base(const struct ivt_stream_file *f, size_t packet)
{
	return f->pieces[f->packets[packet].piece].lost_before;
}

static uint64_t packet_lost(const struct ivt_stream_file *f, size_t packet)
{
	struct ivt_packet_header h;

	memcpy(&h, ivt_packet_at(f, packet), sizeof(h));
	return lost_base(f, packet) + h.events_discarded;
}

/* A walk over a stream's packets in order, each closed once. */
struct loss_walk {
	struct ivt_stream_file *file;
	struct loss_list *list;
	size_t next;	  /* packet to be closed */
	size_t open;	  /* packet of the last record, SIZE_MAX before the first */
	uint64_t from_ns; /* last record before packet next */
	uint64_t last_ns; /* last record so far */
	uint64_t lost;	  /* of the packet before next */
};

/* Packet next ends: with records at the last one, without at @then_ns. */
static int packet_close(struct loss_walk *w, uint64_t then_ns)
{
	const struct ivt_stream_file *f = w->file;
	uint64_t lost = packet_lost(f, w->next), before = w->lost;
	struct ivt_loss loss = { .from_ns = w->from_ns,
				 .to_ns = w->next == w->open ? w->last_ns : then_ns,
				 .machine = f->machine,
				 .cpu = ivt_stream_cpu(f->cpu) };

	if (lost < before || (f->packets[w->next].flags & IVT_PACKET_LOSS_RESTART))
		before = lost_base(f, w->next);
	if (w->next == w->open)
		w->from_ns = w->last_ns;
	w->lost = lost;
	w->next++;
	loss.records = lost - before;
	return loss.records ? loss_add(w->list, loss) : 0;
}

/* @total: lost in all; what no packet tells was lost after the last of them. */
static int stream_losses(struct ivt_stream_file *f, uint64_t total, uint64_t first_ns,
			 uint64_t last_ns, struct loss_list *list)
{
	struct loss_walk w = { f, list, 0, SIZE_MAX, first_ns, first_ns, 0 };
	struct ivt_walk walk;
	struct ivt_event event;
	int ret = 0;

	ivt_walk_init(&walk, f);
	while (!ret && ivt_walk_next(&walk, &event)) {
		while (!ret && w.next + 1 < walk.packet)
			ret = packet_close(&w, event.host_ns);
		w.open = walk.packet - 1;
		w.last_ns = event.host_ns;
	}
	while (!ret && w.next < f->n_packets)
		ret = packet_close(&w, last_ns);
	if (!ret && total > w.lost)
		ret = loss_add(list, (struct ivt_loss){ .from_ns = w.from_ns,
							.to_ns = last_ns,
							.records = total - w.lost,
							.machine = f->machine,
							.cpu = ivt_stream_cpu(f->cpu) });
	return ret;
}

static bool has_losses(const struct ivt_stream_file *f)
{
	for (size_t i = 0; i < f->n_packets; i++)
		if (packet_lost(f, i))
			return true;
	return false;
}

static int machine_losses(struct ivt_trace *t, size_t m, uint64_t first_ns, uint64_t last_ns,
			  struct loss_list *list)
{
	struct ivt_machine_streams *streams = &t->machines[m];
	int ret = 0;

	for (size_t s = 0; s < streams->n_files && !ret; s++) {
		uint64_t total = ivt_stream_lost(&t->info.machines[m].streams[s]);

		if (total || has_losses(&streams->files[s]))
			ret = stream_losses(&streams->files[s], total, first_ns, last_ns, list);
	}
	return ret;
}

int ivt_trace_losses(struct ivt_trace *t, struct ivt_loss **ret, size_t *ret_n)
{
	struct loss_list list = { 0 };
	uint64_t first_ns, last_ns;
	int err = 0;

	ivt_trace_bounds(t, &first_ns, &last_ns);
	for (size_t m = 0; m < t->info.n_machines && !err; m++)
		err = machine_losses(t, m, first_ns, last_ns, &list);
	if (err) {
		free(list.of);
		return err;
	}
	*ret = list.of;
	*ret_n = list.n;
	return 0;
}
