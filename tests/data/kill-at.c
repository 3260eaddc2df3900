// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ends a program (SIGKILL) right before its n-th call that lasts: what is on the
 * disk, or in a ring, is then what every such death leaves.
 *
 *	LD_PRELOAD=kill-at KILL_AT=N [KILL_PATH=TEXT] program
 *
 * KILL_PATH: only those calls count whose path has TEXT in it.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static long n_calls;

static void step(const char *path)
{
	static long kill_at = -1;
	const char *text, *wanted = getenv("KILL_PATH");

	if (wanted && (!path || !strstr(path, wanted)))
		return;

	if (kill_at < 0) {
		text = getenv("KILL_AT");
		kill_at = text ? atol(text) : 0;
	}
	if (__atomic_add_fetch(&n_calls, 1, __ATOMIC_SEQ_CST) == kill_at)
		kill(getpid(), SIGKILL);
}

#define WRAP(type, name, params, args, path)                       \
	type name params                                           \
	{                                                          \
		static type(*real) params;                         \
		if (!real)                                         \
			*(void **)&real = dlsym(RTLD_NEXT, #name); \
		step(path);                                        \
		return real args;                                  \
	}

WRAP(int, link, (const char *from, const char *to), (from, to), from)
WRAP(int, unlink, (const char *path), (path), path)
WRAP(int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags), path)
WRAP(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), from)
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode), path)
WRAP(int, mkdirat, (int fd, const char *path, mode_t mode), (fd, path, mode), path)
WRAP(int, ftruncate, (int fd, off_t bytes), (fd, bytes), NULL)
WRAP(ssize_t, pwritev, (int fd, const struct iovec *iov, int n, off_t at), (fd, iov, n, at), NULL)
