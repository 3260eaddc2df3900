// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long it takes until the recorder is awake after another process had something
 * for it: by a doorbell (an eventfd in the recorder's loop, as QEMU and KVM write
 * it) and by looking every now and then, which is what it does where no doorbell is;
 * microseconds, half of the times and 99 % of them within.  The guest's way to its
 * host, the exit, is not in it.
 *
 *	wakeup [--quick]
 */
#include "bench.h"
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "host-reader/base/loop.h"

#define N_RUNS	     12
#define LOOK_NS	     10000000u /* the recorder's longest sleep between two looks */
#define SLEEP_NS     100000000u
#define MIN_PAUSE_US 1000
#define MAX_PAUSE_US 25000

/* What both processes see. */
struct shared {
	_Atomic uint64_t rung_ns; /* 0: nothing is there */
};

struct way {
	const char *name;
	bool has_doorbell;
	struct bench_samples p50_us, p99_us;
};

static unsigned int n_rings = 200;
static struct shared *shared;
static int bell;

/* The guest's side: something is there, and the bell is rung. */
static void ring_at_random(void)
{
	unsigned int seed = 1;
	uint64_t one = 1;

	for (;;) {
		usleep(MIN_PAUSE_US + rand_r(&seed) % (MAX_PAUSE_US - MIN_PAUSE_US));
		if (atomic_load(&shared->rung_ns))
			continue;
		atomic_store(&shared->rung_ns, bench_now_ns());
		if (write(bell, &one, sizeof(one)) != sizeof(one))
			_exit(1);
	}
}

static void hear(void *arg, uint32_t events)
{
	uint64_t n;

	(void)arg;
	(void)events;
	if (read(bell, &n, sizeof(n)) < 0)
		return;
}

static int measure(struct loop *loop, struct way *way)
{
	double *us = calloc(n_rings, sizeof(*us));
	uint64_t began = bench_now_ns(), rung;
	unsigned int n = 0;

	if (!us || (way->has_doorbell && loop_add(loop, bell, EPOLLIN, hear, NULL)))
		return -1;
	while (n < n_rings && bench_now_ns() - began < 60000000000u) {
		loop_wait(loop, way->has_doorbell ? SLEEP_NS : LOOK_NS);
		rung = atomic_load(&shared->rung_ns);
		if (!rung)
			continue;
		us[n++] = (double)(bench_now_ns() - rung) / 1e3;
		atomic_store(&shared->rung_ns, 0);
	}
	loop_remove(loop, bell);
	qsort(us, n, sizeof(*us), bench_compare);
	if (n) {
		bench_add(&way->p50_us, us[n / 2]);
		bench_add(&way->p99_us, us[n * 99 / 100]);
	}
	free(us);
	return n == n_rings ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct way doorbell = { "doorbell", true, { .name = "doorbell" }, { .name = "doorbell" } };
	struct way polling = { "polling", false, { .name = "polling" }, { .name = "polling" } };
	unsigned int i, n_runs = N_RUNS;
	struct loop *loop;
	int failed = 0;
	pid_t child;

	if (argc > 1 && !strcmp(argv[1], "--quick")) {
		n_runs = 1;
		n_rings = 20;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (shared == MAP_FAILED || bell < 0 || loop_create(&loop))
		return 1;
	child = fork();
	if (!child)
		ring_at_random();
	for (i = 0; i < n_runs && child > 0 && !failed; i++)
		failed = measure(loop, &doorbell) || measure(loop, &polling);
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	if (failed || child < 0)
		return 1;
	bench_report("wakeup", "wakeup_p50", "us", &doorbell.p50_us, &polling.p50_us);
	bench_report("wakeup", "wakeup_p99", "us", &doorbell.p99_us, &polling.p99_us);
	bench_report("wakeup", "wakeup_p50", "us", &polling.p50_us, NULL);
	bench_report("wakeup", "wakeup_p99", "us", &polling.p99_us, NULL);
	loop_destroy(loop);
	return 0;
}
