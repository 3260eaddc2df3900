// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "host-reader/base/message.h"
#include "host-reader/qemu/qemu.h"
#include "host-reader/top/top_threads.h"

/* schedstat: ns on a CPU, ns in a run queue, how often.  0 or -errno. */
static int read_schedstat(pid_t pid, pid_t tid, struct top_thread *ret)
{
	char path[64];
	FILE *file;
	int n;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", (int)pid, (int)tid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	n = fscanf(file, "%" SCNu64 " %" SCNu64, &ret->run_ns, &ret->wait_ns);
	fclose(file);
	ret->at_ns = now_ns();
	return n == 2 ? 0 : -EIO;
}

int top_threads_vcpus(pid_t pid, struct top_thread **ret, size_t *ret_n)
{
	struct qemu qemu = { .pid = pid };
	struct top_thread *threads;
	size_t i, n = 0;
	int code = qemu_read_vcpus(&qemu);

	if (code)
		return code;
	threads = calloc(qemu.n_vcpus ? qemu.n_vcpus : 1, sizeof(*threads));
	for (i = 0; threads && i < qemu.n_vcpus; i++) {
		threads[n].tid = qemu.vcpus[i].tid;
		threads[n].index = qemu.vcpus[i].index;
		if (threads[n].tid > 0 && !read_schedstat(pid, threads[n].tid, &threads[n]))
			n++;
	}
	qemu_reset(&qemu);
	if (!threads)
		return -ENOMEM;
	*ret = threads;
	*ret_n = n;
	return 0;
}

uint64_t top_threads_cpu_ns(pid_t pid)
{
	struct top_thread thread;
	struct dirent *entry;
	uint64_t sum = 0;
	char path[64];
	DIR *dir;
	int tid;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		tid = atoi(entry->d_name);
		if (tid > 0 && !read_schedstat(pid, tid, &thread))
			sum += thread.run_ns;
	}
	if (dir)
		closedir(dir);
	return sum;
}

static unsigned int permille(uint64_t part, uint64_t whole)
{
	if (!whole || part >= whole)
		return whole ? 1000 : 0;
	return (unsigned int)((double)part * 1000 / (double)whole + 0.5);
}

struct top_share top_threads_share(const struct top_thread *before, const struct top_thread *after)
{
	uint64_t elapsed_ns = after->at_ns - before->at_ns;
	struct top_share share = {
		.running = permille(after->run_ns - before->run_ns, elapsed_ns),
		.preempted = permille(after->wait_ns - before->wait_ns, elapsed_ns),
	};

	if (share.running + share.preempted > 1000) /* the looks are not of one instant */
		share.preempted = 1000 - share.running;
	share.waiting = elapsed_ns ? 1000 - share.running - share.preempted : 0;
	return share;
}
