// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/stream_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/file_replace.h"
#include "trace/zstd_file.h"

uint32_t ivt_stream_number(const char *name)
{
	char *end;
	unsigned long cpu;

	if (strncmp(name, "cpu_", 4) != 0 || name[4] < '0' || name[4] > '9' ||
	    (name[4] == '0' && name[5]))
		return UINT32_MAX;
	cpu = strtoul(name + 4, &end, 10);
	if ((*end && strcmp(end, IVT_ZSTD_SUFFIX) != 0) || cpu >= IVT_MAX_STREAMS)
		return UINT32_MAX;
	return (uint32_t)cpu;
}

static int stream_info_add(struct ivt_machine_info *m, uint32_t cpu)
{
	struct ivt_stream_info *grown;
	char name[sizeof(grown->file)];

	snprintf(name, sizeof(name), "cpu_%u", cpu);
	for (size_t i = 0; i < m->n_streams; i++)
		if (strcmp(m->streams[i].file, name) == 0)
			return 0;
	grown = realloc(m->streams, (m->n_streams + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	m->streams = grown;
	memset(&grown[m->n_streams], 0, sizeof(*grown));
	memcpy(grown[m->n_streams].file, name, sizeof(name));
	grown[m->n_streams++].cpu = cpu;
	return 0;
}

static int stream_info_compare(const void *a, const void *b)
{
	const struct ivt_stream_info *x = a, *y = b;

	return x->cpu < y->cpu ? -1 : x->cpu > y->cpu;
}

int ivt_streams_scan(int dirfd, struct ivt_machine_info *m)
{
	DIR *dir = ivt_dir_open(dirfd);
	struct dirent *entry;
	int ret = 0;

	if (!dir)
		return -errno;
	while (!ret && (entry = readdir(dir))) {
		uint32_t cpu = ivt_stream_number(entry->d_name);

		if (cpu != UINT32_MAX)
			ret = stream_info_add(m, cpu);
	}
	closedir(dir);
	if (m->n_streams > 1)
		qsort(m->streams, m->n_streams, sizeof(*m->streams), stream_info_compare);
	return ret;
}
