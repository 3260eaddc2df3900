// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The k-way merge: a tournament tree of losers over the streams' next records.
 * Each step moves one stream on and plays its path to the root again: log2(k)
 * comparisons of keys that lie in the tree itself, without branches, since who
 * wins cannot be predicted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace/reader_state.h"

#define ENDED	       (1ull << 32)
#define PREFETCH_BYTES 192

/* Order of a stream's next record, and which leaf it is (the low 32 bits of
 * rank); a stream at its end is last. */
struct key {
	uint64_t host_ns;
	uint64_t rank;
};

struct leaf {
	struct ivt_event event;
	struct ivt_walk walk;
	size_t stream;
};

struct ivt_merge {
	struct leaf *leaves; /* in the order of (machine, cpu) */
	struct key *keys;    /* of the leaves, while the tree is being built */
	struct key *tree;    /* [0] the winner, [1..width) losers of the inner nodes */
	size_t n;
	size_t width; /* n rounded up to a power of two: all paths are equally long */
	uint64_t to_ns;
};

static bool key_is_less(struct key a, struct key b)
{
	unsigned __int128 x = (unsigned __int128)a.host_ns << 64 | a.rank;
	unsigned __int128 y = (unsigned __int128)b.host_ns << 64 | b.rank;

	return x < y;
}

static struct key leaf_advance(struct ivt_merge *m, uint32_t i)
{
	struct leaf *leaf = &m->leaves[i];
	bool has_record = ivt_walk_next(&leaf->walk, &leaf->event);

	/* it is this stream's turn again only after many others'; past the end
	 * of the mapping a prefetch does nothing */
	__builtin_prefetch((const void *)((uintptr_t)leaf->walk.at + PREFETCH_BYTES));
	if (has_record && (m->to_ns == 0 || leaf->event.host_ns < m->to_ns))
		return (struct key){ leaf->event.host_ns, i };
	return (struct key){ UINT64_MAX, i | ENDED };
}

/* The path of the leaf whose key is @winner, which stands below node
 * (leaf + width) / 2. */
static void tree_replay(struct ivt_merge *m, struct key winner)
{
	for (size_t node = ((uint32_t)winner.rank + m->width) / 2; node > 0; node /= 2) {
		struct key *loser = &m->tree[node];
		uint64_t mask = 0 - (uint64_t)key_is_less(*loser, winner);
		uint64_t ns = (loser->host_ns ^ winner.host_ns) & mask;
		uint64_t rank = (loser->rank ^ winner.rank) & mask;

		loser->host_ns ^= ns;
		loser->rank ^= rank;
		winner.host_ns ^= ns;
		winner.rank ^= rank;
	}
	m->tree[0] = winner;
}

/* The winner below @node; leaves are the nodes width..2 * width - 1. */
static struct key tree_build(struct ivt_merge *m, size_t node)
{
	struct key left, right;
	bool is_left;

	if (node >= m->width)
		return m->keys[node - m->width];
	left = tree_build(m, 2 * node);
	right = tree_build(m, 2 * node + 1);
	is_left = key_is_less(left, right);
	m->tree[node] = is_left ? right : left;
	return is_left ? left : right;
}

static int merge_alloc(struct ivt_merge *m, const struct ivt_trace *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->info.n_machines; i++)
		n += t->machines[i].n_files;
	for (m->width = 1; m->width < n;)
		m->width *= 2;
	m->leaves = calloc(m->width, sizeof(*m->leaves));
	m->keys = calloc(m->width, sizeof(*m->keys));
	m->tree = calloc(m->width, sizeof(*m->tree));
	if (!m->leaves || !m->keys || !m->tree)
		return -ENOMEM;
	for (size_t i = 0; i < m->width; i++)
		m->keys[i] = (struct key){ UINT64_MAX, i | ENDED };
	return 0;
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
		m->keys[m->n] = leaf_advance(m, (uint32_t)m->n);
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
	m->tree[0] = tree_build(m, 1);
	*ret = m;
	return 0;
}

int ivt_merge_next(struct ivt_merge *m, struct ivt_event *ret)
{
	uint32_t winner = (uint32_t)m->tree[0].rank;

	if (m->tree[0].rank & ENDED)
		return 0;
	*ret = m->leaves[winner].event;
	tree_replay(m, leaf_advance(m, winner));
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
