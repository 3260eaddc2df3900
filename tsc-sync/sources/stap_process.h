/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A script of SystemTap that runs as our child, and its output.
 */
#ifndef TSC_SYNC_STAP_PROCESS_H
#define TSC_SYNC_STAP_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct stap_process {
	pid_t child; /* staprun or stap; 0: none, or it was waited for */
	int fd;	     /* its output, never blocks; -1: it has ended */
};

/* Is @script compiled already (".ko")? */
bool stap_process_is_module(const char *script);

/*
 * Run `staprun @script @for_module` if it is compiled, else `stap @for_source
 * @script`; each list of arguments ends with NULL, and NULL is an empty one.  The
 * child has a session of its own: signals reach it from us only.  0; -errno: the
 * script cannot be read, or no process; then @p is as before stap_process_start(),
 * child 0 and fd -1.
 */
int stap_process_start(struct stap_process *p, const char *script, const char *const *for_module,
		       const char *const *for_source);

/* Up to @bytes of its output: their number; -EAGAIN: none now; -EPIPE: it has
 * ended. */
ssize_t stap_process_read(struct stap_process *p, char *ret, size_t bytes);

/* Ask it to end, as Ctrl-C does. */
void stap_process_interrupt(struct stap_process *p);

/*
 * Interrupt it, so that it empties its buffers, call @take(@ctx), which reads, until
 * its output ends (2 s at most), and wait for it.  What has ended is left alone.
 */
void stap_process_finish(struct stap_process *p, void (*take)(void *ctx), void *ctx);

/* Its output ended before it said anything: -ENOENT: there is no such program;
 * -ECHILD: it said why on stderr. */
int stap_process_why_ended(struct stap_process *p);

/* After stap_process_finish(). */
void stap_process_close(struct stap_process *p);

#endif /* TSC_SYNC_STAP_PROCESS_H */
