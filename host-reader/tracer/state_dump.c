// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "host-reader/tracer/state_dump.h"
#include "ivring/events.h"

#define KTHREADD 2

struct dump {
	state_dump_fn *add;
	void *ctx;
	bool is_over;
};

static void add_record(struct dump *d, uint16_t type, const void *payload, size_t bytes)
{
	struct {
		struct ivring_record r;
		unsigned char payload[256];
	} rec;
	size_t total = sizeof(rec.r) + ((bytes + 7) & ~(size_t)7);

	if (d->is_over || bytes > sizeof(rec.payload))
		return;
	memset(&rec, 0, sizeof(rec));
	rec.r.tsc = now_ns();
	rec.r.type = type;
	rec.r.size = (uint16_t)total;
	rec.r.ctx = (uint32_t)getpid() & IVRING_CTX_TID_MASK;
	if (bytes)
		memcpy(rec.payload, payload, bytes);
	d->is_over = d->add(d->ctx, &rec, total);
}

/* What /proc/PID/task/TID/stat says; the name in it may hold anything. */
static bool read_thread(const char *path, struct ivt_ev_lttng_statedump_process_state *ret)
{
	char text[1024], state, *open, *close;
	FILE *f = fopen(path, "re");
	size_t n, len;
	int cpu;

	if (!f)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	open = strchr(text, '(');
	close = strrchr(text, ')');
	/* After the name: state ppid, and as the 37th field from there the CPU. */
	if (!open || !close || close < open ||
	    sscanf(close + 1,
		   " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %*u "
		   "%*u %*d %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*d %d",
		   &state, &ret->ppid, &cpu) != 3)
		return false;
	len = (size_t)(close - open - 1);
	if (len > sizeof(ret->name) - 1)
		len = sizeof(ret->name) - 1;
	memcpy(ret->name, open + 1, len);
	ret->cpu = (uint32_t)cpu;
	ret->status = state == 'R' ? IVT_TASK_STATUS_RUN : IVT_TASK_STATUS_WAIT;
	return true;
}

static void dump_process(struct dump *d, int pid)
{
	char path[64 + 256];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		return;
	while (!d->is_over && (entry = readdir(tasks))) {
		struct ivt_ev_lttng_statedump_process_state e;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		memset(&e, 0, sizeof(e));
		snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", pid, entry->d_name);
		if (!read_thread(path, &e))
			continue;
		e.tid = atoi(entry->d_name);
		e.pid = pid;
		e.type = pid == KTHREADD || e.ppid == KTHREADD ? IVT_TASK_KERNEL : IVT_TASK_USER;
		e.mode = IVT_TASK_MODE_UNKNOWN;
		add_record(d, IVT_TYPE_lttng_statedump_process_state, &e, sizeof(e));
	}
	closedir(tasks);
}

static void dump_processes(struct dump *d)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		return;
	while (!d->is_over && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			dump_process(d, atoi(entry->d_name));
	closedir(proc);
}

/* /proc/partitions: "major minor blocks-of-1024 name" */
static void dump_disks(struct dump *d)
{
	FILE *f = fopen("/proc/partitions", "re");
	unsigned int major_nr, minor_nr;
	unsigned long long blocks;
	char line[256], name[64];

	if (!f)
		return;
	while (!d->is_over && fgets(line, sizeof(line), f)) {
		struct {
			struct ivt_ev_lttng_statedump_block_device fixed;
			char name[64];
		} e;

		if (sscanf(line, "%u %u %llu %63s", &major_nr, &minor_nr, &blocks, name) != 4)
			continue;
		memset(&e, 0, sizeof(e));
		e.fixed.sectors = blocks * 2;
		e.fixed.dev = major_nr << 20 | minor_nr;
		memcpy((char *)&e + offsetof(struct ivt_ev_lttng_statedump_block_device, diskname),
		       name, strlen(name));
		add_record(d, IVT_TYPE_lttng_statedump_block_device, &e,
			   offsetof(struct ivt_ev_lttng_statedump_block_device, diskname) +
				   strlen(name) + 1);
	}
	fclose(f);
}

void state_dump(state_dump_fn *add, void *ctx)
{
	struct dump d = { .add = add, .ctx = ctx };

	add_record(&d, IVT_TYPE_lttng_statedump_start, NULL, 0);
	dump_processes(&d);
	dump_disks(&d);
	add_record(&d, IVT_TYPE_lttng_statedump_end, NULL, 0);
}
