// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host-reader/base/run_dir.h"

#define BACKLOG 64

const char *run_dir_path(void)
{
	const char *path = getenv("IVTRACE_RUN_DIR");

	return path && *path ? path : "/run/ivtrace";
}

int run_dir_make(struct ivt_error *err)
{
	const char *path = run_dir_path();
	struct stat st;

	if (mkdir(path, 0700) && errno != EEXIST)
		return ivt_error_set(err, -errno, "cannot make the folder '%s': %s", path,
				     strerror(errno));
	if (stat(path, &st))
		return ivt_error_set(err, -errno, "cannot look at '%s': %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return ivt_error_set(err, -ENOTDIR, "'%s' is no folder (remove it)", path);
	if ((st.st_uid && st.st_uid != geteuid()) || st.st_mode & 022)
		return ivt_error_set(err, -EPERM,
				     "others may write into '%s' (remove it; it is made anew)",
				     path);
	return 0;
}

/* @prefix: "", or what hides a name that is not to be seen yet. */
static int address_of(pid_t pid, const char *prefix, struct sockaddr_un *ret, struct ivt_error *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s%d.sock", run_dir_path(),
			 prefix, (int)pid);

	if (n < 0 || (size_t)n >= sizeof(addr.sun_path))
		return ivt_error_set(err, -ENAMETOOLONG, "'%s' is too long for sockets",
				     run_dir_path());
	*ret = addr;
	return 0;
}

int run_dir_address(pid_t pid, struct sockaddr_un *ret, struct ivt_error *err)
{
	return address_of(pid, "", ret, err);
}

/* Under another name until it listens: one that does not is a dead recorder's. */
static int listen_hidden(int fd, const struct sockaddr_un *hidden, const struct sockaddr_un *addr)
{
	unlink(hidden->sun_path);
	if (bind(fd, (const struct sockaddr *)hidden, sizeof(*hidden)))
		return -errno;
	if (!chmod(hidden->sun_path, 0600) && !listen(fd, BACKLOG) &&
	    !rename(hidden->sun_path, addr->sun_path))
		return 0;
	return -errno;
}

int run_dir_listen(pid_t pid, int *ret_fd, struct ivt_error *err)
{
	struct sockaddr_un addr, hidden;
	int fd, ret = run_dir_make(err);

	if (!ret)
		ret = address_of(pid, ".", &hidden, err);
	if (!ret)
		ret = run_dir_address(pid, &addr, err);
	if (ret)
		return ret;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ret = fd < 0 ? -errno : listen_hidden(fd, &hidden, &addr);
	if (ret) {
		ivt_error_set(err, ret, "cannot listen on '%s': %s", addr.sun_path, strerror(-ret));
		if (fd >= 0)
			close(fd);
		unlink(hidden.sun_path);
		return ret;
	}
	*ret_fd = fd;
	return 0;
}

void run_dir_remove(pid_t pid)
{
	struct sockaddr_un addr;

	if (!run_dir_address(pid, &addr, NULL))
		unlink(addr.sun_path);
}

/* Does anybody listen?  A busy one's full queue (-EAGAIN) is an answer, too. */
static bool is_dead(pid_t pid)
{
	struct sockaddr_un addr;
	bool is_refused;
	int fd;

	if (run_dir_address(pid, &addr, NULL))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	is_refused = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) && errno == ECONNREFUSED;
	close(fd);
	return is_refused;
}

/* PID of a socket's name; 0: it is none. */
static pid_t pid_of(const char *name)
{
	char *end;
	long pid = *name > '0' && *name <= '9' ? strtol(name, &end, 10) : 0;

	return pid > 0 && pid <= 0x7fffffff && !strcmp(end, ".sock") ? (pid_t)pid : 0;
}

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return x < y ? -1 : x > y;
}

static int add_pid(pid_t **pids, size_t *n, pid_t pid)
{
	pid_t *grown = realloc(*pids, (*n + 1) * sizeof(**pids));

	if (!grown)
		return -ENOMEM;
	grown[(*n)++] = pid;
	*pids = grown;
	return 0;
}

int run_dir_list(pid_t **ret, size_t *ret_n, struct ivt_error *err)
{
	DIR *dir = opendir(run_dir_path());
	struct dirent *entry;
	pid_t *pids = NULL, pid;
	size_t n = 0;
	int code = dir || errno == ENOENT ? 0 : -errno;

	while (!code && dir && (entry = readdir(dir))) {
		pid = pid_of(entry->d_name);
		if (pid && is_dead(pid))
			run_dir_remove(pid);
		else if (pid)
			code = add_pid(&pids, &n, pid);
	}
	if (dir)
		closedir(dir);
	if (code) {
		free(pids);
		return ivt_error_set(err, code, "cannot read '%s': %s", run_dir_path(),
				     strerror(-code));
	}
	if (n)
		qsort(pids, n, sizeof(*pids), compare_pids);
	*ret = pids;
	*ret_n = n;
	return 0;
}
