/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LTTng-UST: a tracepoint with two words, in a program of its own (rivals/lttng)
 * with an LTTng of its own around it (rivals/lttng.sh), in namespaces that end
 * with us.  The record is smaller than ours, the clock is clock_gettime().
 * Variants: "discard", with LTTng's consumer; "overwrite", nobody reads.
 */
#ifndef BENCH_RIVAL_LTTNG_H
#define BENCH_RIVAL_LTTNG_H

#include "rival.h"
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define LTTNG_SHARE 8 /* of the records of other rivals: its buffers are emptied between */

struct lttng_rival {
	pid_t pid;
	FILE *ask, *answer;
};

/* rivals/lttng beside this program, rivals/lttng.sh in the source tree. */
static inline int lttng_find(struct rival *r, char *program, char *script, size_t bytes)
{
	const char *source = getenv("SRC");
	ssize_t n = readlink("/proc/self/exe", program, bytes - 1);
	char *slash;

	if (n < 0)
		return rival_fail(r, "no /proc");
	program[n] = 0;
	slash = strrchr(program, '/');
	snprintf(slash, bytes - (size_t)(slash - program), "/rivals/lttng");
	snprintf(script, bytes, "%s/bench/rivals/lttng.sh", source ? source : ".");
	if (access(program, X_OK))
		return rival_fail(r, "not built (liblttng-ust-dev)");
	if (access(script, R_OK))
		return rival_fail(r, "not in the source tree (SRC=DIR)");
	if (system("command -v lttng-sessiond >/dev/null"))
		return rival_fail(r, "no lttng-sessiond (lttng-tools)");
	return 0;
}

static inline void lttng_exec(const char *mode, const char *program, const char *script,
			      const int ask[2], const int answer[2])
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(ask[0], STDIN_FILENO);
	dup2(answer[1], STDOUT_FILENO);
	execlp("unshare", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
	       "bash", script, mode, program, (char *)NULL);
	_exit(127);
}

static inline int lttng_open(struct rival *r)
{
	struct lttng_rival *l = calloc(1, sizeof(*l));
	char program[PATH_MAX], script[PATH_MAX];
	int ask[2], answer[2];

	r->state = l;
	if (!l)
		return rival_fail(r, "no memory");
	if (lttng_find(r, program, script, sizeof(program)))
		return -1;
	if (pipe2(ask, O_CLOEXEC) || pipe2(answer, O_CLOEXEC))
		return rival_fail(r, "no pipe");
	l->pid = fork();
	if (!l->pid)
		lttng_exec(r->variant, program, script, ask, answer);
	close(ask[0]);
	close(answer[1]);
	l->ask = fdopen(ask[1], "w");
	l->answer = fdopen(answer[0], "r");
	if (l->pid < 0 || !l->ask || !l->answer)
		return rival_fail(r, "cannot start it");
	return 0;
}

static inline double lttng_time(struct rival *r, uint64_t n)
{
	struct lttng_rival *l = r->state;
	char line[64];

	fprintf(l->ask, "%llu\n", (unsigned long long)(n / LTTNG_SHARE + 1));
	if (fflush(l->ask) || !fgets(line, sizeof(line), l->answer))
		return rival_fail(r, "LTTng does not record (see above)");
	return strtod(line, NULL);
}

/* Once nothing more is asked, it says what was lost: an event that was dropped
 * was cheap, and must not count. */
static inline int lttng_close(struct rival *r)
{
	struct lttng_rival *l = r->state;
	char line[64] = "";
	int ret = 0;

	if (l && l->ask)
		fclose(l->ask);
	if (l && l->answer) {
		if (!fgets(line, sizeof(line), l->answer) || strcmp(line, "lost 0\n"))
			ret = rival_fail(r, "it dropped events");
		fclose(l->answer);
	}
	if (l && l->pid > 0)
		waitpid(l->pid, NULL, 0);
	free(l);
	return ret;
}

#endif /* BENCH_RIVAL_LTTNG_H */
