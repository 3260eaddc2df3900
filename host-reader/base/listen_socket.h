/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A UNIX socket at a path, of which there is one: what a dead program left is
 * replaced, what a living one has is left alone.
 */
#ifndef HOST_LISTEN_SOCKET_H
#define HOST_LISTEN_SOCKET_H

#include <stdbool.h>
#include <sys/stat.h>
#include "trace/error.h"

#define LISTEN_PAUSE_NS 500000000u

struct listen_socket {
	int fd; /* does not block; -1: none */
	char path[108];
	bool is_file;	/* made here, hence to be removed; else the service manager's */
	struct stat st; /* the file's, when it was made */
};

/*
 * Listen at @path (file mode 0600), or take the socket that the service manager
 * passed under @name (LISTEN_FDNAMES).  0; -EADDRINUSE: somebody listens there; -errno
 * with *err.
 */
int listen_socket_open(const char *path, const char *name, struct listen_socket *ret,
		       struct ivt_error *err);
/*
 * Accept who waits at @fd: a socket that does not block; -errno.  Where this process has
 * no descriptor or memory for it, that is said once (@is_told), with @what one listens
 * for: who waits goes on waiting and would wake a loop at once, so listen no more for
 * LISTEN_PAUSE_NS.
 */
int listen_socket_accept(int fd, const char *what, bool *is_told);

/* Also removes the file, if it is still ours.  Twice does no harm. */
void listen_socket_close(struct listen_socket *s);

/* What the service manager passed is not for the programs that we start.  To be
 * called before a process is forked. */
void listen_socket_keep_inherited(void);

#endif /* HOST_LISTEN_SOCKET_H */
