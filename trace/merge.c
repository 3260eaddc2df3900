// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The k-way merge: a tournament tree of losers over the streams' next records.
 * Each step moves one stream on and plays its path to the root again, about
 * log2(k) comparisons of keys that lie close together.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace/reader_state.h"

#define ENDED (1u << 31)

/* Order of a stream's next record; a stream at its end is last. */
struct key {
	uint64_t host_ns;
	uint32_t rank;
};

struct leaf {
	struct ivt_event event;
	struct ivt_walk walk;
	size_t stream;
};

struct ivt_merge {
	struct leaf *leaves; /* in the order of (machine, cpu) */
	struct key *keys;
	uint32_t *tree; /* [0] the winner, [1..n) losers of the inner nodes */
	size_t n;
	uint64_t to_ns;
};

static bool key_is_less(const struct key *a, const struct key *b)
{
	return a->host_ns != b->host_ns ? a->host_ns < b->host_ns : a->rank < b->rank;
}

static void leaf_advance(struct ivt_merge *m, uint32_t i)
{
	struct leaf *leaf = &m->leaves[i];
	bool has_record = ivt_walk_next(&leaf->walk, &leaf->event);

	if (has_record && (m->to_ns == 0 || leaf->event.host_ns < m->to_ns))
		m->keys[i] = (struct key){ leaf->event.host_ns, i };
	else
		m->keys[i] = (struct key){ UINT64_MAX, i | ENDED };
}

/* The path of leaf @i, which stands below node (i + n) / 2. */
static void tree_replay(struct ivt_merge *m, uint32_t i)
{
	uint32_t winner = i;

	for (size_t node = (i + m->n) / 2; node > 0; node /= 2) {
		uint32_t loser = m->tree[node];

		if (key_is_less(&m->keys[loser], &m->keys[winner])) {
			m->tree[node] = winner;
			winner = loser;
		}
	}
	m->tree[0] = winner;
}

/* The winner below @node; leaves are the nodes n..2n - 1. */
static uint32_t tree_build(struct ivt_merge *m, size_t node)
{
	uint32_t left, right;

	if (node >= m->n)
		return (uint32_t)(node - m->n);
	left = tree_build(m, 2 * node);
	right = tree_build(m, 2 * node + 1);
	if (key_is_less(&m->keys[left], &m->keys[right])) {
		m->tree[node] = right;
		return left;
	}
	m->tree[node] = left;
	return right;
}

static int merge_alloc(struct ivt_merge *m, const struct ivt_trace *t)
{
	size_t n = 1;

	for (size_t i = 0; i < t->info.n_machines; i++)
		n += t->machines[i].n_files;
	m->leaves = calloc(n, sizeof(*m->leaves));
	m->keys = calloc(n, sizeof(*m->keys));
	m->tree = calloc(n, sizeof(*m->tree));
	return m->leaves && m->keys && m->tree ? 0 : -ENOMEM;
}

static void leaf_start(struct ivt_merge *m, struct ivt_stream_file *file, size_t stream,
		       uint64_t from_ns)
{
	struct leaf *leaf = &m->leaves[m->n];

	leaf->walk.file = file;
	leaf->stream = stream;
	if (from_ns)
		ivt_walk_seek(&leaf->walk, from_ns);
	else
		ivt_walk_init(&leaf->walk, file);
	do {
		leaf_advance(m, (uint32_t)m->n);
	} while (!(m->keys[m->n].rank & ENDED) && leaf->event.host_ns < from_ns);
	m->n++;
}

int ivt_merge_create(struct ivt_trace *t, const struct ivt_merge_options *opt,
		     struct ivt_merge **ret, struct ivt_error *err)
{
	struct ivt_merge *m = calloc(1, sizeof(*m));

	if (opt && opt->struct_bytes < sizeof(*opt)) {
		free(m);
		return ivt_error_set(err, -EINVAL, "merge options of another version");
	}
	if (!m || merge_alloc(m, t)) {
		ivt_merge_destroy(m);
		return ivt_error_set(err, -ENOMEM, "no memory to merge '%s'", t->path);
	}
	m->to_ns = opt ? opt->to_ns : 0;
	for (uint32_t i = 0; i < t->info.n_machines; i++) {
		if (opt && opt->machine_mask && !opt->machine_mask[i])
			continue;
		for (size_t k = 0; k < t->machines[i].n_files; k++)
			leaf_start(m, &t->machines[i].files[k], k, opt ? opt->from_ns : 0);
	}
	if (m->n > 0)
		m->tree[0] = tree_build(m, 1);
	*ret = m;
	return 0;
}

int ivt_merge_next(struct ivt_merge *m, struct ivt_event *ret)
{
	uint32_t winner = m->tree[0];

	if (m->n == 0 || (m->keys[winner].rank & ENDED))
		return 0;
	*ret = m->leaves[winner].event;
	leaf_advance(m, winner);
	tree_replay(m, winner);
	return 1;
}

int ivt_merge_stats(const struct ivt_merge *m, uint32_t machine, size_t stream,
		    struct ivt_stream_stats *ret)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct ivt_walk *walk = &m->leaves[i].walk;

		if (walk->file->machine != machine || m->leaves[i].stream != stream)
			continue;
		*ret = (struct ivt_stream_stats){
			.records = walk->state.records,
			.lost = walk->file->lost,
			.packets = walk->file->n_packets,
			.refused_bytes = walk->state.refused_bytes,
			.backward = walk->state.backward,
			.is_cut = walk->file->is_cut,
		};
		return 0;
	}
	return -ENOENT;
}

void ivt_merge_destroy(struct ivt_merge *m)
{
	if (!m)
		return;
	free(m->leaves);
	free(m->keys);
	free(m->tree);
	free(m);
}
