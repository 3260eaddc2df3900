// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "trace/manifest.h"
#include "trace/recorder_lock.h"

#define MAX_DEPTH 4 /* a trace has two */

static int entry_remove(int dirfd, const char *name, int depth);

/* All that is in directory @fd, which is closed.  0 or the first -errno. */
static int content_remove(int fd, int depth)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int ret = 0, one;

	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		one = entry_remove(dirfd(dir), entry->d_name, depth);
		ret = ret ? ret : one;
	}
	closedir(dir);
	return ret;
}

static int entry_remove(int dirfd, const char *name, int depth)
{
	int fd, ret;

	if (!unlinkat(dirfd, name, 0))
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (depth == 0) {
		close(fd);
		return -ELOOP;
	}
	ret = content_remove(fd, depth - 1);
	if (unlinkat(dirfd, name, AT_REMOVEDIR) && !ret)
		ret = -errno;
	return ret;
}

/* Is @dirfd a trace that nobody records? */
static int check(int dirfd, const char *path, struct ivt_error *err)
{
	struct ivt_trace_info info;
	struct ivt_error why = { "" };
	int lock_fd = -1, ret = ivt_manifest_read(dirfd, &info, &why);

	if (ret)
		return ivt_error_set(err, ret, "cannot remove '%s': %s (not a trace?)", path,
				     why.msg);
	ivt_trace_info_deinit(&info);
	ret = ivt_recorder_lock(dirfd, "remove", path, &lock_fd, err);
	if (lock_fd >= 0)
		close(lock_fd);
	return ret;
}

int ivt_trace_remove(const char *path, struct ivt_error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), ret;

	if (fd < 0)
		return ivt_error_set(err, -errno, "cannot remove '%s': %s", path, strerror(errno));
	ret = check(fd, path, err);
	if (ret) {
		close(fd);
		return ret;
	}
	ret = content_remove(fd, MAX_DEPTH);
	if (!ret && rmdir(path))
		ret = -errno;
	return ret ? ivt_error_set(err, ret, "cannot remove '%s': %s", path, strerror(-ret)) : 0;
}
