/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own trace: the tracepoint bpf_trigger_tp (one word), which a BPF
 * program can call, with its event enabled in a buffer of ours, less the same
 * calls with it disabled: hence with the tracepoint's probe, as no ring is used
 * without one.  The newest win, nobody reads.  Variants: trace_clock.
 */
#ifndef BENCH_RIVAL_FTRACE_H
#define BENCH_RIVAL_FTRACE_H

#include "rival_bpf.h"
#include <bpf/btf.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define FTRACE_ROOT  "/sys/kernel/tracing"
#define FTRACE_EVENT "events/bpf_test_run/bpf_trigger_tp/enable"

struct ftrace_rival {
	char folder[64]; /* of the instance */
	int prog;
	int life; /* the remover waits for its end */
	pid_t remover;
};

static inline int ftrace_put(const struct ftrace_rival *f, const char *file, const char *text)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", f->folder, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* Where it is not mounted, it is for us only. */
static inline int ftrace_mount(struct rival *r)
{
	if (!access(FTRACE_ROOT "/instances", F_OK))
		return 0;
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", FTRACE_ROOT, "tracefs", 0, NULL))
		return rival_fail(r, "no tracefs: %s", strerror(errno));
	return 0;
}

/* A process that removes the instance when we end, however that comes. */
static inline int ftrace_start_remover(struct ftrace_rival *f)
{
	int life[2];
	char none;

	if (pipe2(life, O_CLOEXEC))
		return -1;
	f->life = life[1];
	f->remover = fork();
	if (f->remover) {
		close(life[0]);
		return f->remover < 0 ? -1 : 0;
	}
	setsid(); /* no Ctrl-C */
	signal(SIGTERM, SIG_IGN);
	dup2(life[0], STDIN_FILENO);
	close_range(STDERR_FILENO + 1, ~0u, 0); /* among them the end that must close */
	while (read(STDIN_FILENO, &none, 1) < 0 && errno == EINTR)
		;
	ftrace_put(f, FTRACE_EVENT, "0");
	_exit(rmdir(f->folder) ? 1 : 0);
}

static inline int ftrace_make_instance(struct rival *r, struct ftrace_rival *f)
{
	snprintf(f->folder, sizeof(f->folder), FTRACE_ROOT "/instances/ivtrace-bench.%d.%s",
		 getpid(), r->variant);
	if (mkdir(f->folder, 0700))
		return rival_fail(r, "cannot make %s: %s", f->folder, strerror(errno));
	if (ftrace_start_remover(f)) {
		rmdir(f->folder);
		return rival_fail(r, "no process: %s", strerror(errno));
	}
	if (ftrace_put(f, "buffer_size_kb", "4096") || ftrace_put(f, "trace_clock", r->variant))
		return rival_fail(r, "no such buffer: %s", strerror(errno));
	return 0;
}

static inline int ftrace_open(struct rival *r)
{
	struct ftrace_rival *f = calloc(1, sizeof(*f));
	struct btf *btf = btf__load_vmlinux_btf();
	struct bpf_loop l;
	int id;

	r->state = f;
	if (!f)
		return rival_fail(r, "no memory");
	f->prog = f->life = -1;
	id = btf ? btf__find_by_name_kind(btf, "bpf_modify_return_test_tp", BTF_KIND_FUNC) : -1;
	btf__free(btf);
	if (id < 0)
		return rival_fail(r, "no bpf_trigger_tp in this kernel (6.10 or later)");
	bpf_loop_begin(&l);
	bpf_put(&l, BPF_ALU64 | BPF_MOV | BPF_X, 1, 6, 0, 0);
	bpf_put(&l, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, id);
	f->prog = bpf_loop_load(&l);
	if (f->prog < 0)
		return rival_fail(r, "the kernel refuses the program: %s", strerror(-f->prog));
	if (ftrace_mount(r))
		return -1;
	return ftrace_make_instance(r, f);
}

/* Events ever recorded on this CPU. */
static inline uint64_t ftrace_count(const struct ftrace_rival *f)
{
	char path[PATH_MAX], line[128];
	unsigned long long n, count = 0;
	FILE *stats;

	snprintf(path, sizeof(path), "%s/per_cpu/cpu%d/stats", f->folder, sched_getcpu());
	stats = fopen(path, "re");
	while (stats && fgets(line, sizeof(line), stats))
		if (sscanf(line, "entries: %llu", &n) == 1 ||
		    sscanf(line, "overrun: %llu", &n) == 1)
			count += n;
	if (stats)
		fclose(stats);
	return count;
}

static inline double ftrace_time(struct rival *r, uint64_t n)
{
	struct ftrace_rival *f = r->state;
	uint32_t runs = (uint32_t)(n / BPF_LOOP_ROUNDS + 1);
	uint64_t before = ftrace_count(f);
	double off, on;

	off = bpf_loop_ns(f->prog, runs);
	if (ftrace_put(f, FTRACE_EVENT, "1"))
		return rival_fail(r, "cannot enable the event: %s", strerror(errno));
	on = bpf_loop_ns(f->prog, runs);
	if (ftrace_put(f, FTRACE_EVENT, "0"))
		return rival_fail(r, "cannot disable the event: %s", strerror(errno));
	if (off < 0 || on < 0)
		return rival_fail(r, "the kernel does not run the program");
	if (ftrace_count(f) - before != (uint64_t)runs * BPF_LOOP_ROUNDS)
		return rival_fail(r, "records are missing");
	return (on - off) / (runs * BPF_LOOP_ROUNDS);
}

static inline int ftrace_close(struct rival *r)
{
	struct ftrace_rival *f = r->state;

	if (!f)
		return 0;
	if (f->prog >= 0)
		close(f->prog);
	if (f->life >= 0)
		close(f->life);
	if (f->remover > 0)
		waitpid(f->remover, NULL, 0);
	free(f);
	return 0;
}

#endif /* BENCH_RIVAL_FTRACE_H */
