// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "host-reader/base/listen_socket.h"
#include "host-reader/base/message.h"

#define FIRST_INHERITED 3
#define MAX_INHERITED	1024
#define BACKLOG		8
#define LOCK_TRIES	100 /* a second */

/* ---- from the service manager ------------------------------------------------- */

/* How many descriptors it passed to this process. */
static int count_inherited(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
	long count;

	if (!pid || !n || strtol(pid, NULL, 10) != getpid())
		return 0;
	count = strtol(n, NULL, 10);
	return count > 0 && count <= MAX_INHERITED ? (int)count : 0;
}

void listen_socket_keep_inherited(void)
{
	int i, n = count_inherited();

	for (i = 0; i < n; i++)
		fcntl(FIRST_INHERITED + i, F_SETFD, FD_CLOEXEC);
}

static bool is_listening(int fd)
{
	int domain = 0, accepts = 0;
	socklen_t len = sizeof(int);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) && domain == AF_UNIX &&
	       !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &len) && accepts;
}

/* The socket called @name; -1: none. */
static int find_inherited(const char *name)
{
	const char *names = getenv("LISTEN_FDNAMES");
	size_t len = strlen(name), n;
	int i, count = names ? count_inherited() : 0;

	for (i = 0; i < count; i++) {
		n = strcspn(names, ":");
		if (n == len && !memcmp(names, name, n) && is_listening(FIRST_INHERITED + i))
			return FIRST_INHERITED + i;
		names += n + (names[n] == ':');
	}
	return -1;
}

/* ---- at a path ------------------------------------------------------------------ */

static int failed(const char *path, int code, struct ivt_error *err)
{
	return ivt_error_set(err, code, "cannot listen on '%s': %s", path, strerror(-code));
}

/*
 * Does anybody have the socket @address open?  A connection of the wrong kind
 * fails either way, and its server does not notice it.
 */
static bool is_alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_alive = true;

	if (fd < 0)
		return true;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		is_alive = errno != ECONNREFUSED && errno != ENOENT;
	close(fd);
	return is_alive;
}

/* Remove what a dead program left.  0: nothing is there now. */
static int clear_path(const struct sockaddr_un *address, struct ivt_error *err)
{
	const char *path = address->sun_path;
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : failed(path, -errno, err);
	if (!S_ISSOCK(st.st_mode))
		return ivt_error_set(err, -EEXIST,
				     "cannot listen on '%s': it is there already, and no socket "
				     "(choose another path)",
				     path);
	if (is_alive(address))
		return ivt_error_set(err, -EADDRINUSE,
				     "cannot listen on '%s': another program does (is it another "
				     "ivtrace-host? end that one first)",
				     path);
	return unlink(path) && errno != ENOENT ? failed(path, -errno, err) : 0;
}

static int bind_here(struct listen_socket *s, const struct sockaddr_un *address,
		     struct ivt_error *err)
{
	int code = clear_path(address, err);

	if (code)
		return code;
	/* Before it has a name: nobody else connects in between. */
	if (fchmod(s->fd, 0600) ||
	    bind(s->fd, (const struct sockaddr *)address, sizeof(*address)) ||
	    listen(s->fd, BACKLOG) || lstat(s->path, &s->st))
		return failed(s->path, -errno, err);
	s->is_file = true;
	return 0;
}

/* Whoever may look into a folder may lock it: that is not waited out for ever. */
static void lock_folder(int dir)
{
	struct timespec ms = { .tv_nsec = 10000000 };
	int tries;

	for (tries = 0; tries < LOCK_TRIES && flock(dir, LOCK_EX | LOCK_NB); tries++)
		nanosleep(&ms, NULL);
}

/* Two that begin at once must not take each other's socket for a dead one. */
static int bind_alone(struct listen_socket *s, struct ivt_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char copy[sizeof(s->path)];
	int dir, code;

	memcpy(address.sun_path, s->path, sizeof(s->path));
	memcpy(copy, s->path, sizeof(s->path));
	dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return failed(s->path, -errno, err);
	lock_folder(dir);
	code = bind_here(s, &address, err);
	close(dir);
	return code;
}

int listen_socket_open(const char *path, const char *name, struct listen_socket *ret,
		       struct ivt_error *err)
{
	struct listen_socket s = { .fd = find_inherited(name) };
	int code;

	if (strlen(path) >= sizeof(s.path))
		return failed(path, -ENAMETOOLONG, err);
	memcpy(s.path, path, strlen(path) + 1);
	if (s.fd >= 0) {
		fcntl(s.fd, F_SETFL, fcntl(s.fd, F_GETFL) | O_NONBLOCK);
		*ret = s;
		return 0;
	}
	s.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s.fd < 0)
		return failed(path, -errno, err);
	code = bind_alone(&s, err);
	if (code)
		listen_socket_close(&s);
	else
		*ret = s;
	return code;
}

int listen_socket_accept(int fd, const char *what, bool *is_told)
{
	int ret = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (ret >= 0)
		return ret;
	ret = -errno;
	if ((ret == -EMFILE || ret == -ENFILE || ret == -ENOBUFS || ret == -ENOMEM) && !*is_told) {
		message("cannot take a connection for %s: %s (it waits until there is room; said "
			"once)",
			what, strerror(-ret));
		*is_told = true;
	}
	return ret;
}

/* The number of a file that was removed is another's soon; nobody's time is. */
static bool is_still_ours(const struct listen_socket *s)
{
	struct stat st;

	return !lstat(s->path, &st) && st.st_dev == s->st.st_dev && st.st_ino == s->st.st_ino &&
	       st.st_mtim.tv_sec == s->st.st_mtim.tv_sec &&
	       st.st_mtim.tv_nsec == s->st.st_mtim.tv_nsec;
}

void listen_socket_close(struct listen_socket *s)
{
	if (s->is_file && is_still_ours(s))
		unlink(s->path);
	s->is_file = false;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}
