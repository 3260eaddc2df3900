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
