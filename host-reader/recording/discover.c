// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "host-reader/recording/discover.h"

#define LOOK_NS		500000000u
#define COST_FRACTION	50u	    /* of the time, at most: who makes processes makes work */
#define AGAIN_NS	5000000000u /* a device may be plugged into a VM that had none */
#define REGION_NAME	"ivtrace-"
#define MAX_BLANK_BYTES (256ull << 20) /* read and given room in a twentieth of a second */

/* A process as it was seen: most are no QEMU, and are not looked at each time. */
struct process {
	struct process *next;
	pid_t pid;
	uint64_t looked_ns;
	bool is_qemu;
	bool is_seen; /* in this round */
	bool is_told; /* why its region cannot be recorded */
};

struct discover {
	struct process *processes;
	uint64_t looked_ns, cost_ns; /* of the last look */
};

int discover_create(struct discover **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

static void drop_unseen(struct discover *d)
{
	struct process **at = &d->processes, *p;

	while ((p = *at)) {
		if (p->is_seen) {
			p->is_seen = false;
			at = &p->next;
			continue;
		}
		*at = p->next;
		free(p);
	}
}

void discover_destroy(struct discover *d)
{
	if (!d)
		return;
	drop_unseen(d); /* none is seen between two rounds */
	free(d);
}

/* ---- names ------------------------------------------------------------------------ */

/* What QEMU's -name says, "guest=NAME,..." or "NAME,...". */
static bool name_of_args(const struct qemu_args *args, char *ret, size_t ret_bytes)
{
	const char *arg = args->text, *end = args->text + args->bytes;
	size_t n;

	for (; arg < end; arg += strlen(arg) + 1) {
		if (strcmp(arg, "-name") && strcmp(arg, "--name"))
			continue;
		arg += strlen(arg) + 1;
		if (arg >= end)
			return false;
		if (qemu_arg_value(arg, "guest", ret, ret_bytes))
			return is_vm_name(ret, strlen(ret));
		n = strcspn(arg, ",=");
		if (arg[n] == '=' || n >= ret_bytes)
			return false;
		memcpy(ret, arg, n);
		ret[n] = '\0';
		return is_vm_name(ret, n);
	}
	return false;
}

void discover_name(const char *path, const struct qemu_args *args, pid_t pid, char *ret,
		   size_t ret_bytes)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	size_t n = strlen(REGION_NAME);

	if (!strncmp(base, REGION_NAME, n) && is_vm_name(base + n, strlen(base + n)) &&
	    strlen(base + n) < ret_bytes)
		snprintf(ret, ret_bytes, "%s", base + n);
	else if (!name_of_args(args, ret, ret_bytes))
		snprintf(ret, ret_bytes, "vm-%d", (int)pid);
}

/* ---- regions ---------------------------------------------------------------------- */

/* The file that is mapped, neither read nor written yet; -1: at @path is another one,
 * which may be anybody's. */
static int open_mapped(const char *path, dev_t dev, ino_t ino)
{
	int fd = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd >= 0 &&
	    (fstat(fd, &st) || st.st_dev != dev || st.st_ino != ino || !S_ISREG(st.st_mode))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool begins_as_region(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint64_t magic = 0;
	bool is_it;

	if (fd < 0)
		return false;
	is_it = pread(fd, &magic, sizeof(magic), 0) == sizeof(magic) && magic == IVRING_MAGIC;
	close(fd);
	return is_it;
}

/* Only what is certain: a blank file of another name may be the VM's memory.  And of one
 * that is called so no more than @max_blank_bytes are read, and given room: it is another's,
 * and the others' rings wait meanwhile.  @self: the file @path, by its descriptor @fd.
 * 0; -ENODATA: it is to become one; -EFBIG; another -errno. */
static int probe_mapped(int fd, const char *self, const char *path, uint64_t max_blank_bytes)
{
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (begins_as_region(self))
		return ivring_region_probe(self, NULL);
	if (!slash || strncmp(slash + 1, REGION_NAME, strlen(REGION_NAME)))
		return -EMEDIUMTYPE;
	if (fstat(fd, &st))
		return -errno;
	return (uint64_t)st.st_size > max_blank_bytes ? -EFBIG : ivring_region_probe(self, NULL);
}

/* A line of /proc/PID/maps that maps a file shared and writable: its path. */
static bool read_mapping(const char *line, dev_t *ret_dev, ino_t *ret_ino, char *ret_path)
{
	unsigned int major_nr, minor_nr;
	char perms[8], *end;
	uint64_t inode;
	int at = 0;

	if (sscanf(line, "%*x-%*x %7s %*x %x:%x %" SCNu64 " %n", perms, &major_nr, &minor_nr,
		   &inode, &at) != 4 ||
	    !at || perms[1] != 'w' || perms[3] != 's' || line[at] != '/')
		return false;
	snprintf(ret_path, PATH_MAX, "%s", line + at);
	end = strchr(ret_path, '\n');
	if (end)
		*end = '\0';
	*ret_dev = makedev(major_nr, minor_nr);
	*ret_ino = inode;
	return true;
}

static bool is_recorded(const struct recording *rec, dev_t dev, ino_t ino)
{
	size_t i;

	for (i = 0; i < rec->n_vms; i++)
		if (rec->vms[i]->region.dev == dev && rec->vms[i]->region.ino == ino)
			return true;
	return false;
}

static void tell_once(struct process *p, const char *text)
{
	if (!p->is_told)
		message("%s", text);
	p->is_told = true;
}

static void add(struct recording *rec, struct process *p, const char *path, dev_t dev, ino_t ino)
{
	struct vm_spec spec = { .name = "", .is_found = true };
	struct ivt_error err = { "" };
	struct qemu_args args = { NULL, 0 };

	qemu_args_read(p->pid, &args);
	discover_name(path, &args, p->pid, spec.name, sizeof(spec.name));
	qemu_args_free(&args);
	if (recording_find_vm(rec, spec.name))
		snprintf(spec.name, sizeof(spec.name), "vm-%d", (int)p->pid);
	snprintf(spec.path, sizeof(spec.path), "%s", path);
	if (recording_add_vm(rec, &spec, &err))
		tell_once(p, err.msg);
	else if (is_recorded(rec, dev, ino))
		message("%s: found, its region is '%s'", spec.name, path);
	else /* somebody put another VM's in its place */
		recording_remove_vm(rec, recording_find_vm(rec, spec.name));
}

static void tell_too_large(struct process *p, const char *path, uint64_t max_blank_bytes)
{
	struct ivt_error err;

	ivt_error_set(&err, -EFBIG,
		      "'%s' of process %d is no region, and would have to be read through, but "
		      "has more than %" PRIu64 " MiB (if it is to be one, format it: ivtrace-host "
		      "qemu-args --vm NAME=shm:FILE; or record with a larger --size)",
		      path, (int)p->pid, max_blank_bytes >> 20);
	tell_once(p, err.msg);
}

static void look_at_file(struct recording *rec, struct process *p, const char *path, dev_t dev,
			 ino_t ino)
{
	const struct ivring_region_options opt = {
		.struct_bytes = sizeof(opt),
		.region_bytes = rec->opt->size_bytes,
		.nr_channels = rec->opt->cpus,
	};
	const uint64_t max_blank_bytes = opt.region_bytes > MAX_BLANK_BYTES ? opt.region_bytes
									    : MAX_BLANK_BYTES;
	int fd = open_mapped(path, dev, ino), code;
	struct ivt_error err;
	char self[64];

	if (fd < 0)
		return;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	code = probe_mapped(fd, self, path, max_blank_bytes);
	if (code == -EFBIG)
		tell_too_large(p, path, max_blank_bytes);
	if (code == -ENODATA) {
		code = ivring_region_format(self, &opt);
		if (code) {
			ivt_error_set(&err, code, "cannot make region '%s': %s", path,
				      ivring_region_strerror(code));
			tell_once(p, err.msg);
		}
	}
	if (!code)
		add(rec, p, path, dev, ino);
	close(fd);
}

static void look_for_regions(struct recording *rec, struct process *p)
{
	char maps[64], line[PATH_MAX + 128], path[PATH_MAX];
	dev_t dev;
	ino_t ino;
	FILE *f;

	snprintf(maps, sizeof(maps), "/proc/%d/maps", (int)p->pid);
	f = fopen(maps, "re");
	if (!f)
		return;
	while (qemu_maps_line(f, line, sizeof(line)))
		if (read_mapping(line, &dev, &ino, path) && !is_recorded(rec, dev, ino))
			look_at_file(rec, p, path, dev, ino);
	fclose(f);
}

/* ---- processes -------------------------------------------------------------------- */

static struct process *find_process(struct discover *d, pid_t pid)
{
	struct process *p;

	for (p = d->processes; p; p = p->next)
		if (p->pid == pid)
			return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->pid = pid;
	p->next = d->processes;
	d->processes = p;
	return p;
}

static bool has_vm(const struct recording *rec, pid_t pid)
{
	size_t i;

	for (i = 0; i < rec->n_vms; i++)
		if (rec->vms[i]->qemu.pid == pid)
			return true;
	return false;
}

/* A number may be another process's by now: each is looked at again some time.
 * QEMU maps its regions soon after its start. */
static void look_at(struct discover *d, struct recording *rec, pid_t pid, uint64_t now)
{
	struct process *p = find_process(d, pid);
	bool is_due;

	if (!p)
		return;
	p->is_seen = true;
	is_due = now - p->looked_ns >= AGAIN_NS;
	if (!is_due && !(p->is_qemu && !has_vm(rec, pid)))
		return;
	p->is_qemu = qemu_is_it(pid);
	p->looked_ns = is_due ? now : p->looked_ns;
	if (p->is_qemu)
		look_for_regions(rec, p);
}

/* Also where another file has its name by now. */
static bool has_region(const struct vm *vm)
{
	struct stat st;

	return !stat(vm->spec.path, &st) && st.st_dev == vm->region.dev &&
	       st.st_ino == vm->region.ino;
}

/* A VM that was found and is gone, region and all, does not come again. */
static void remove_gone(struct recording *rec)
{
	size_t i = 0;

	while (i < rec->n_vms) {
		struct vm *vm = rec->vms[i];

		if (!vm->spec.is_found || vm->qemu.pid > 0 || has_region(vm)) {
			i++;
			continue;
		}
		message("%s: gone, and its region too", vm->spec.name);
		recording_remove_vm(rec, vm);
	}
}

void discover_look(struct discover *d, struct recording *rec)
{
	uint64_t now = now_ns(), begin = thread_cpu_ns();
	struct dirent *entry;
	size_t n_before;
	DIR *proc;

	if (now - d->looked_ns < LOOK_NS || now - d->looked_ns < COST_FRACTION * d->cost_ns)
		return;
	d->looked_ns = now;
	remove_gone(rec); /* first: a region that was made anew has the name of the old one */
	n_before = rec->n_vms;
	proc = opendir("/proc");
	while (proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			look_at(d, rec, atoi(entry->d_name), now);
	if (proc)
		closedir(proc);
	drop_unseen(d);
	if (rec->n_vms == n_before) /* what adding one costs is another matter */
		d->cost_ns = thread_cpu_ns() - begin;
}
