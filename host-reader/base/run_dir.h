/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run-time folder, /run/ivtrace ($IVTRACE_RUN_DIR): each recorder of this
 * machine that runs has its socket there, PID.sock.  A socket that nobody listens
 * on is a dead recorder's.
 */
#ifndef HOST_RUN_DIR_H
#define HOST_RUN_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>
#include "trace/error.h"

/* Its path, made or not. */
const char *run_dir_path(void);

/* Make it, mode 0700, unless it is there.  0; -EPERM: others may write into the one
 * that is there; -errno. */
int run_dir_make(struct ivt_error *err);

/* The address of @pid's socket.  0; -ENAMETOOLONG. */
int run_dir_address(pid_t pid, struct sockaddr_un *ret, struct ivt_error *err);

/*
 * Listen as process @pid, mode 0600, descriptor not blocking; it is seen in the
 * folder only once it listens.  0 with the caller's *ret_fd; -errno.
 */
int run_dir_listen(pid_t pid, int *ret_fd, struct ivt_error *err);
/* Remove @pid's socket; that it is not there is no fault. */
void run_dir_remove(pid_t pid);

/*
 * The recorders that live, ascending, in *ret: the caller frees it.  What dead ones
 * left is removed.  0; where there is no folder there are none; -errno.
 */
int run_dir_list(pid_t **ret, size_t *ret_n, struct ivt_error *err);

#endif /* HOST_RUN_DIR_H */
