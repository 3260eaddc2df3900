// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/trace_info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t ivt_stream_lost(const struct ivt_stream_info *s)
{
	return s->lost_full + s->lost_nested + s->lost_big + s->lost_uncommitted + s->lost_quota;
}

int ivt_trace_info_add_gap(struct ivt_trace_info *info, const struct ivt_gap *gap)
{
	struct ivt_gap *grown;

	if (info->n_gaps >= IVT_MAX_GAPS)
		return -ENOSPC;
	grown = realloc(info->gaps, (info->n_gaps + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	info->gaps = grown;
	grown[info->n_gaps++] = *gap;
	return 0;
}

static void take_off(uint64_t *count, uint64_t *n)
{
	uint64_t part = *count < *n ? *count : *n;

	*count -= part;
	*n -= part;
}

void ivt_stream_forgive(struct ivt_stream_info *s, uint64_t n)
{
	take_off(&s->lost_full, &n);
	take_off(&s->lost_nested, &n);
	take_off(&s->lost_big, &n);
}

static void *copy_array(const void *src, size_t n, size_t element_bytes)
{
	void *copy = calloc(n ? n : 1, element_bytes);

	if (copy && n)
		memcpy(copy, src, n * element_bytes);
	return copy;
}

static int copy_disks(struct ivt_machine_info *m, const struct ivt_machine_info *info)
{
	m->disks = copy_array(info->disks, info->n_disks, sizeof(*m->disks));
	if (!m->disks)
		return -ENOMEM;
	for (size_t i = 0; i < info->n_disks; i++) {
		m->disks[i].extents = copy_array(info->disks[i].extents, info->disks[i].n_extents,
						 sizeof(*m->disks[i].extents));
		m->n_disks = i + 1;
		if (!m->disks[i].extents)
			return -ENOMEM;
	}
	return 0;
}

int ivt_machine_info_copy(struct ivt_machine_info *m, const struct ivt_machine_info *info)
{
	*m = *info;
	m->n_streams = m->n_disks = m->n_vcpus = m->n_parts = 0;
	m->disks = NULL;
	m->parts = NULL;
	m->streams = copy_array(info->streams, info->n_streams, sizeof(*m->streams));
	m->vcpus = copy_array(info->vcpus, info->n_vcpus, sizeof(*m->vcpus));
	if (!m->streams || !m->vcpus)
		return -ENOMEM;
	m->n_streams = info->n_streams;
	m->n_vcpus = info->n_vcpus;
	return copy_disks(m, info);
}

void ivt_machine_info_deinit(struct ivt_machine_info *m)
{
	for (size_t i = 0; i < m->n_disks; i++)
		free(m->disks[i].extents);
	free(m->disks);
	free(m->vcpus);
	free(m->streams);
	free(m->parts);
	memset(m, 0, sizeof(*m));
}

void ivt_trace_info_deinit(struct ivt_trace_info *info)
{
	for (size_t i = 0; i < info->n_machines; i++)
		ivt_machine_info_deinit(&info->machines[i]);
	free(info->machines);
	free(info->gaps);
	free(info->sync_json);
	memset(info, 0, sizeof(*info));
}
