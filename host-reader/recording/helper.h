/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process beside the recorder that runs other programs for it: the recorder
 * itself is confined (it executes nothing) and busy.  It is forked first, with
 * the rights, the priority and the working directory of then, and ends with the
 * recorder, whichever way; programs that it runs by then go on.
 */
#ifndef HOST_HELPER_H
#define HOST_HELPER_H

#include <stdbool.h>
#include <sys/types.h>

#include "tsc-sync/sources/bpf_programs.h"

#define HELPER_QUIET (1u << 0) /* standard output and error to /dev/null */
#define HELPER_LOW   (1u << 1) /* with the least priority, in the background */

struct helper;

/*
 * To be called before threads and what a child must not have.  It will run
 * @command (NULL: none) as it stands, and of the programs beside this one those
 * that work on a trace, as @user (NULL: as who we are); nothing else whatever it
 * is asked: who asks reads what hostile guests write.  Both are borrowed.
 * 0; -errno.
 */
int helper_start(char *const command[], const char *user, struct helper **ret);
void helper_end(struct helper *helper); /* NULL is allowed */

/*
 * Run @argv (found by PATH), @flags: HELPER_*.  0 with *ret_pid once it runs;
 * -errno of its start; -EACCES: it is none that this helper runs; -E2BIG;
 * -EPIPE: the helper is gone.
 */
int helper_run(struct helper *helper, char *const argv[], unsigned int flags, pid_t *ret_pid);

/* Wait until the kernel has freed @programs (bpf_programs_await_end(), which who is
 * confined cannot do). */
void helper_await_programs(struct helper *helper, const struct bpf_programs *programs);

/* Did the helper end before helper_end(), by a signal or for lack of memory?  Known from
 * a call that met it on.  What it ran goes on, and nobody learns how that ends. */
bool helper_is_gone(const struct helper *helper);

/* Has @pid ended?  Then *ret_status is as of waitpid(), once. */
bool helper_has_ended(struct helper *helper, pid_t pid, int *ret_status);
/* Waits for it.  0; -EPIPE: the helper is gone. */
int helper_wait(struct helper *helper, pid_t pid, int *ret_status);

#endif /* HOST_HELPER_H */
