// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "host-reader/base/fairness.h"
#include "host-reader/base/message.h"
#include "host-reader/qemu/mappers.h"
#include "host-reader/qemu/qemu.h"

#define MIN_AGE_NS     50000000u
#define COST_FRACTION  50u
#define MAX_MAPPINGS   65536
#define PERMISSIONS_AT 64 /* they stand before this column in each line */

struct mapper {
	dev_t dev;
	ino_t ino;
	pid_t pid;
};

static bool is_wanted(const struct mappers *m, dev_t dev, ino_t ino)
{
	size_t i;

	for (i = 0; i < m->n_wanted && i < MAPPERS_WANTED; i++)
		if (m->wanted[i].dev == dev && m->wanted[i].ino == ino)
			return true;
	return false;
}

static bool is_listed(const struct mappers *m, dev_t dev, ino_t ino, pid_t pid)
{
	size_t i;

	for (i = m->n; i-- > 0 && m->list[i].pid == pid;)
		if (m->list[i].dev == dev && m->list[i].ino == ino)
			return true;
	return false;
}

/* Any user may map any number of files of his own: they must not fill the list. */
static int add(struct mappers *m, dev_t dev, ino_t ino, pid_t pid)
{
	struct mapper *grown;
	size_t capacity;

	if (!is_wanted(m, dev, ino) || is_listed(m, dev, ino, pid))
		return 0;
	if (m->n == MAX_MAPPINGS)
		return -ENOSPC;
	if (m->n == m->capacity) {
		capacity = m->capacity ? 2 * m->capacity : 64;
		grown = realloc(m->list, capacity * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		m->list = grown;
		m->capacity = capacity;
	}
	m->list[m->n++] = (struct mapper){ dev, ino, pid };
	return 0;
}

/* "START-END rw-s OFFSET MAJOR:MINOR INODE PATH": most lines are private ones, which
 * two letters tell. */
static bool parse_line(const char *line, dev_t *ret_dev, ino_t *ret_ino)
{
	const char *perms = memchr(line, ' ', strnlen(line, PERMISSIONS_AT));
	unsigned int major_nr, minor_nr;
	uint64_t inode;

	if (!perms || strnlen(perms, 5) < 5 || perms[2] != 'w' || perms[4] != 's')
		return false;
	if (sscanf(perms + 5, " %*x %x:%x %" SCNu64, &major_nr, &minor_nr, &inode) != 3 || !inode)
		return false;
	*ret_dev = makedev(major_nr, minor_nr);
	*ret_ino = inode;
	return true;
}

static void look_at(struct mappers *m, pid_t pid)
{
	char path[64], line[PATH_MAX + 128];
	dev_t dev;
	ino_t ino;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (qemu_maps_line(f, line, sizeof(line)))
		if (parse_line(line, &dev, &ino) && add(m, dev, ino, pid))
			break;
	fclose(f);
}

static void look(struct mappers *m)
{
	uint64_t begin = thread_cpu_ns();
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	m->n = 0;
	while (proc && (entry = readdir(proc))) {
		pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : -1;

		if (pid > 0 && pid != getpid())
			look_at(m, pid);
	}
	if (proc)
		closedir(proc);
	m->looked_ns = now_ns();
	m->cost_ns = thread_cpu_ns() - begin; /* on a busy host the time is others' */
}

void mappers_want(struct mappers *m, dev_t dev, ino_t ino)
{
	if (is_wanted(m, dev, ino))
		return;
	m->wanted[m->n_wanted % MAPPERS_WANTED].dev = dev;
	m->wanted[m->n_wanted++ % MAPPERS_WANTED].ino = ino;
}

int mappers_find(struct mappers *m, dev_t dev, ino_t ino, pid_t *ret_pid)
{
	uint64_t age_ns = COST_FRACTION * m->cost_ns;
	pid_t found = -1;
	size_t i;

	mappers_want(m, dev, ino);
	if (age_ns < MIN_AGE_NS)
		age_ns = MIN_AGE_NS;
	if (!m->looked_ns || now_ns() - m->looked_ns >= age_ns)
		look(m);
	for (i = 0; i < m->n; i++) {
		if (m->list[i].dev != dev || m->list[i].ino != ino)
			continue;
		found = m->list[i].pid;
		if (qemu_is_it(found))
			break;
	}
	if (found < 0)
		return -ENOENT;
	*ret_pid = found;
	return 0;
}

void mappers_deinit(struct mappers *m)
{
	free(m->list);
	*m = (struct mappers){ .list = NULL };
}
