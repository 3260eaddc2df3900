// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include "host-reader/qemu/qemu.h"
#include "host-reader/qemu/qemu_disk.h"

bool qemu_maps_line(FILE *maps, char *line, size_t bytes)
{
	int c = '\n';

	if (!fgets(line, (int)bytes, maps))
		return false;
	if (!strchr(line, '\n'))
		do
			c = getc(maps);
		while (c != EOF && c != '\n');
	return true;
}

bool qemu_maps(pid_t pid, dev_t dev, ino_t ino)
{
	char path[64], line[PATH_MAX + 128], perms[8];
	unsigned int major_nr, minor_nr;
	bool is_found = false;
	uint64_t inode;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!is_found && qemu_maps_line(f, line, sizeof(line)))
		is_found = sscanf(line, "%*x-%*x %7s %*x %x:%x %" SCNu64, perms, &major_nr,
				  &minor_nr, &inode) == 4 &&
			   inode == ino && makedev(major_nr, minor_nr) == dev && perms[1] == 'w';
	fclose(f);
	return is_found;
}

bool qemu_is_it(pid_t pid)
{
	char path[64], exe[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	return strstr(exe, "qemu") != NULL;
}

int qemu_find(dev_t dev, ino_t ino, pid_t *ret_pid)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	pid_t found = -1;

	if (!proc)
		return -errno;
	while ((entry = readdir(proc))) {
		pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : -1;

		if (pid < 0 || pid == getpid() || !qemu_maps(pid, dev, ino))
			continue;
		found = pid;
		if (qemu_is_it(pid))
			break;
	}
	closedir(proc);
	if (found < 0)
		return -ENOENT;
	*ret_pid = found;
	return 0;
}

/* Field 22 of /proc/PID/stat, in ticks since boot; 0: no such process, or it is
 * a zombie.  And field 20. */
static uint64_t read_starttime(pid_t pid, uint32_t *ret_threads)
{
	char path[64], text[1024], state, *p;
	uint64_t start = 0;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	p = strrchr(text, ')');
	if (!p ||
	    sscanf(p + 1,
		   " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %" SCNu32
		   " %*d %" SCNu64,
		   &state, ret_threads, &start) != 3)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : start;
}

bool qemu_is_alive(struct qemu *q)
{
	return q->pid > 0 && read_starttime(q->pid, &q->n_threads) == q->starttime;
}

uint64_t qemu_age_ns(const struct qemu *q)
{
	uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	struct timespec ts;
	uint64_t now;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	now = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	return now > q->starttime * tick_ns ? now - q->starttime * tick_ns : 0;
}

/* "CPU 3/KVM": QEMU names its threads if -name has debug-threads=on. */
static bool read_vcpu_thread(pid_t pid, const char *tid, struct ivt_vcpu *ret, char *ret_accel)
{
	char path[96], comm[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/comm", (int)pid, tid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(comm, sizeof(comm), f))
		comm[0] = '\0';
	fclose(f);
	ret->index = 0;
	ret->tid = atoi(tid);
	if (sscanf(comm, "CPU %u/%7[A-Z]", &ret->index, ret_accel) == 2)
		return true;
	return sscanf(comm, "ALL CPUs/%7[A-Z]", ret_accel) == 1;
}

static int compare_vcpus(const void *a, const void *b)
{
	const struct ivt_vcpu *va = a, *vb = b;

	return (va->index > vb->index) - (va->index < vb->index);
}

int qemu_read_vcpus(struct qemu *q)
{
	struct ivt_vcpu *vcpus = NULL, vcpu;
	char path[64], accel[8] = "";
	struct dirent *entry;
	size_t n = 0, i;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)q->pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		struct ivt_vcpu *grown;

		if (!isdigit((unsigned char)entry->d_name[0]) || n >= IVT_MAX_VCPUS ||
		    !read_vcpu_thread(q->pid, entry->d_name, &vcpu, accel))
			continue;
		grown = realloc(vcpus, (n + 1) * sizeof(*grown));
		if (!grown) {
			free(vcpus);
			closedir(dir);
			return -ENOMEM;
		}
		vcpus = grown;
		vcpus[n++] = vcpu;
	}
	closedir(dir);
	if (n)
		qsort(vcpus, n, sizeof(*vcpus), compare_vcpus);
	free(q->vcpus);
	q->vcpus = vcpus;
	q->n_vcpus = n;
	for (i = 0; accel[i]; i++)
		accel[i] = (char)tolower((unsigned char)accel[i]);
	if (accel[0])
		memcpy(q->accel, accel, sizeof(q->accel));
	return 0;
}

/* Without thread names: a process that has a KVM VM open uses it. */
static void guess_accel(struct qemu *q)
{
	char dir_path[64], path[128], target[64];
	struct dirent *entry;
	DIR *dir;

	if (q->accel[0])
		return;
	snprintf(dir_path, sizeof(dir_path), "/proc/%d/fd", (int)q->pid);
	dir = opendir(dir_path);
	while (dir && !q->accel[0] && (entry = readdir(dir))) {
		ssize_t n;

		snprintf(path, sizeof(path), "%s/%.32s", dir_path, entry->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (!strcmp(target, "anon_inode:kvm-vm"))
			snprintf(q->accel, sizeof(q->accel), "kvm");
	}
	if (dir)
		closedir(dir);
}

static bool read_is_incoming(pid_t pid)
{
	char path[64], *arg = NULL;
	bool is_incoming = false;
	size_t bytes = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	f = fopen(path, "re");
	while (f && !is_incoming && getdelim(&arg, &bytes, '\0', f) > 0)
		is_incoming = !strcmp(arg, "-incoming") || !strcmp(arg, "--incoming");
	free(arg);
	if (f)
		fclose(f);
	return is_incoming;
}

int qemu_read(pid_t pid, struct qemu *q)
{
	int err;

	qemu_reset(q);
	q->starttime = read_starttime(pid, &q->n_threads);
	if (!q->starttime)
		return -ENOENT;
	q->pid = pid;
	err = qemu_read_vcpus(q);
	if (!err)
		err = qemu_disks_read(pid, &q->disks, &q->n_disks);
	if (err) {
		qemu_reset(q);
		return err == -ENOMEM ? err : -ENOENT;
	}
	guess_accel(q);
	q->is_incoming = read_is_incoming(pid);
	return 0;
}

uint64_t qemu_run_ns(const struct qemu *q)
{
	uint64_t sum = 0, ns;
	char path[96];
	size_t i;
	FILE *f;

	for (i = 0; i < q->n_vcpus; i++) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", (int)q->pid,
			 (int)q->vcpus[i].tid);
		f = fopen(path, "re");
		if (f && fscanf(f, "%" SCNu64, &ns) == 1)
			sum += ns;
		if (f)
			fclose(f);
	}
	return sum;
}

static void *copy_of(const void *from, size_t n, size_t bytes)
{
	void *to = calloc(n ? n : 1, bytes);

	if (to && n)
		memcpy(to, from, n * bytes);
	return to;
}

int qemu_copy(const struct qemu *q, struct ivt_machine_info *m)
{
	struct ivt_vcpu *vcpus = copy_of(q->vcpus, q->n_vcpus, sizeof(*vcpus));
	struct ivt_disk *disks = copy_of(q->disks, q->n_disks, sizeof(*disks));
	bool is_whole = vcpus && disks;
	size_t i;

	for (i = 0; disks && i < q->n_disks; i++) {
		disks[i].extents = copy_of(q->disks[i].extents, q->disks[i].n_extents,
					   sizeof(*disks[i].extents));
		is_whole = is_whole && disks[i].extents;
	}
	if (!is_whole) {
		free(vcpus);
		if (disks)
			qemu_disks_free(disks, q->n_disks);
		return -ENOMEM;
	}
	free(m->vcpus);
	qemu_disks_free(m->disks, m->n_disks);
	m->qemu_pid = q->pid;
	m->qemu_starttime = q->starttime;
	memcpy(m->accel, q->accel, sizeof(m->accel));
	m->vcpus = vcpus;
	m->n_vcpus = q->n_vcpus;
	m->disks = disks;
	m->n_disks = q->n_disks;
	return 0;
}

void qemu_reset(struct qemu *q)
{
	free(q->vcpus);
	qemu_disks_free(q->disks, q->n_disks);
	memset(q, 0, sizeof(*q));
	q->pid = -1;
}
