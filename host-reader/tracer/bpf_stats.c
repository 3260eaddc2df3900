// SPDX-License-Identifier: GPL-2.0-or-later
#include "host-reader/tracer/bpf_stats.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "host-reader/base/message.h"

/* The kernel changes its code on all CPUs for it, twice each time: seldom, but a
 * short recording is measured, too. */
#define FIRST_MS   100
#define SECOND_MS  2000
#define LONGEST_MS 600000
#define WINDOW_NS  20000000u

struct bpf_stats {
	uint64_t *measured_ns; /* shared with the process, which writes it */
	int fd;		       /* its end is the process' end */
	pid_t pid;
};

/* false: it is not allowed. */
static bool measure(uint64_t *measured_ns)
{
	const struct timespec window = { .tv_nsec = WINDOW_NS };
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	uint64_t begin = now_ns();

	if (stats < 0)
		return false;
	nanosleep(&window, NULL);
	__atomic_fetch_add(measured_ns, now_ns() - begin, __ATOMIC_RELAXED);
	close(stats);
	return true;
}

static void serve(int fd, uint64_t *measured_ns)
{
	struct pollfd end = { .fd = STDIN_FILENO, .events = POLLIN };
	int ms = FIRST_MS, next_ms = SECOND_MS;

	/* Ctrl-C is for the recorder.  Nothing of its others is kept open here. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(fd, STDIN_FILENO) < 0 || close_range(STDERR_FILENO + 1, ~0u, 0))
		_exit(1);
	while (!poll(&end, 1, ms) && measure(measured_ns)) {
		ms = next_ms;
		next_ms = 2 * ms < LONGEST_MS ? 2 * ms : LONGEST_MS;
	}
	_exit(0);
}

int bpf_stats_start(struct bpf_stats **ret)
{
	struct bpf_stats *stats = calloc(1, sizeof(*stats));
	int pair[2], err;

	if (!stats)
		return -ENOMEM;
	stats->measured_ns = mmap(NULL, sizeof(*stats->measured_ns), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (stats->measured_ns == MAP_FAILED ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		err = -errno;
		if (stats->measured_ns != MAP_FAILED)
			munmap(stats->measured_ns, sizeof(*stats->measured_ns));
		free(stats);
		return err;
	}
	stats->fd = pair[0];
	stats->pid = fork();
	if (!stats->pid)
		serve(pair[1], stats->measured_ns);
	err = stats->pid < 0 ? -errno : 0;
	close(pair[1]);
	if (err) {
		bpf_stats_end(stats);
		return err;
	}
	*ret = stats;
	return 0;
}

void bpf_stats_end(struct bpf_stats *stats)
{
	if (!stats)
		return;
	close(stats->fd);
	if (stats->pid > 0)
		waitpid(stats->pid, NULL, 0);
	munmap(stats->measured_ns, sizeof(*stats->measured_ns));
	free(stats);
}

uint64_t bpf_stats_measured_ns(const struct bpf_stats *stats)
{
	return stats ? __atomic_load_n(stats->measured_ns, __ATOMIC_RELAXED) : 0;
}
