// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host-reader/qemu/qemu.h"
#include "host-reader/region/huge_pages.h"
#include "host-reader/region/region_memory.h"

#define SEALS	   (F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)
#define NAME_BYTES 128

static void memory_name(const char *vm, char *ret)
{
	snprintf(ret, NAME_BYTES, "ivtrace-%s", vm);
}

/* The kernel promises more than it has, and kills when it is asked to keep that. */
static int check_room(const char *name, uint64_t bytes, bool in_huge_pages, struct ivt_error *err)
{
	uint64_t page = in_huge_pages ? huge_page_default_bytes() : 0;
	uint64_t free_bytes = in_huge_pages ? huge_pages_free(page) : memory_available_bytes();

	if (free_bytes >= bytes || (!in_huge_pages && !free_bytes))
		return 0;
	if (in_huge_pages)
		return ivt_error_set(err, -ENOMEM,
				     "cannot make the region of '%s': %s (it needs %" PRIu64
				     " MiB in huge pages of %" PRIu64 " MiB; %" PRIu64
				     " MiB are free: sysctl vm.nr_hugepages reserves more)",
				     name, strerror(ENOMEM), bytes >> 20, page >> 20,
				     free_bytes >> 20);
	return ivt_error_set(err, -ENOMEM,
			     "cannot make the region of '%s': %s (it needs %" PRIu64
			     " MiB; %" PRIu64 " MiB are free; --size asks for less)",
			     name, strerror(ENOMEM), bytes >> 20, free_bytes >> 20);
}

static int make_memory(const char *name, uint64_t bytes, bool in_huge_pages)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | (in_huge_pages ? MFD_HUGETLB : 0);
	char full_name[NAME_BYTES];
	int fd, err;

	memory_name(name, full_name);
	fd = memfd_create(full_name, flags);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0600) || ftruncate(fd, (off_t)bytes)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* libivring knows files by path. */
static int open_memory(int fd, struct ivring_region *ret)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return ivring_region_open(path, IVRING_REGION_READER, ret);
}

int region_memory_make(const char *name, const struct ivring_region_options *opt,
		       bool in_huge_pages, struct ivring_region *ret, struct ivt_error *err)
{
	uint64_t bytes = opt->region_bytes ? opt->region_bytes : IVRING_REGION_DEFAULT_BYTES;
	char path[64];
	int fd, code = check_room(name, bytes, in_huge_pages, err);

	if (code)
		return code;
	fd = make_memory(name, bytes, in_huge_pages);
	if (fd < 0)
		return ivt_error_set(err, fd, "cannot make the region of '%s': %s", name,
				     strerror(-fd));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	code = ivring_region_format(path, opt);
	if (!code && fcntl(fd, F_ADD_SEALS, SEALS))
		code = -errno;
	if (!code)
		code = open_memory(fd, ret);
	close(fd);
	return code ? ivt_error_set(err, code, "cannot make the region of '%s': %s", name,
				    ivring_region_strerror(code))
		    : 0;
}

/* Of our making: nobody else's file gets these seals, this owner and this name all
 * together, unless he is us. */
static bool is_ours(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_uid == geteuid() && S_ISREG(st.st_mode) &&
	       (fcntl(fd, F_GET_SEALS) & SEALS) == SEALS;
}

/* The descriptor @entry of process @pid, if it is the memory called @link. */
static int open_if_memory(pid_t pid, const char *entry, const char *link)
{
	char path[96], target[PATH_MAX];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fd/%.16s", (int)pid, entry);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	if (strcmp(target, link))
		return -1;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0 && !is_ours(fd)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Open the memory called @link that @pid has; -1: it has none. */
static int find_in_process(pid_t pid, const char *link)
{
	struct dirent *entry;
	char path[64];
	int fd = -1;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && fd < 0 && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			fd = open_if_memory(pid, entry->d_name, link);
	if (dir)
		closedir(dir);
	return fd;
}

int region_memory_find(const char *name, struct ivring_region *ret, pid_t *ret_pid)
{
	char full_name[NAME_BYTES], link[NAME_BYTES + 32];
	struct dirent *entry;
	int fd = -1, code;
	pid_t pid = -1;
	DIR *proc;

	memory_name(name, full_name);
	snprintf(link, sizeof(link), "/memfd:%s (deleted)", full_name);
	proc = opendir("/proc");
	while (proc && fd < 0 && (entry = readdir(proc))) {
		pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : -1;
		if (pid > 0 && pid != getpid() && qemu_is_it(pid))
			fd = find_in_process(pid, link);
	}
	if (proc)
		closedir(proc);
	if (fd < 0)
		return -ENOENT;
	code = open_memory(fd, ret);
	close(fd);
	if (!code)
		*ret_pid = pid;
	return code;
}
