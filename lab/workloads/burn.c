// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * burn: keeps CPUs busy for a given time, without system calls while it does,
 * and says how much work was done: less than alone means that the CPU was taken
 * away.
 */
#include <getopt.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum {
	MAX_THREADS = 64
};

struct burner {
	uint64_t end_ns;
	uint64_t n_rounds;
	const char *name;
};

static const char help[] =
	"Usage: burn [--ms N] [--threads N] [--name NAME]\n"
	"\n"
	"Computes for N ms (1000) on N threads (1) and prints the rounds of each.\n"
	"\n"
	"Example: burn --ms 500 --threads 2 --name furnace\n";

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void *thread_run(void *arg)
{
	struct burner *burner = arg;
	volatile uint64_t sink = 1;
	int i;

	prctl(PR_SET_NAME, burner->name);
	while (now_ns() < burner->end_ns) {
		for (i = 0; i < 2000; i++)
			sink = sink * 6364136223846793005ull + 1;
		burner->n_rounds++;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "ms", required_argument, NULL, 'm' },
		{ "threads", required_argument, NULL, 't' },
		{ "name", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	struct burner burners[MAX_THREADS];
	pthread_t threads[MAX_THREADS];
	unsigned long ms = 1000, n_threads = 1, i;
	const char *name = "burn";
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (opt) {
		case 'm':
			ms = strtoul(optarg, NULL, 0);
			break;
		case 't':
			n_threads = strtoul(optarg, NULL, 0);
			break;
		case 'n':
			name = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 2;
		}
	}
	if (!n_threads || n_threads > MAX_THREADS) {
		fprintf(stderr, "burn: --threads is 1 to %d\n", MAX_THREADS);
		return 2;
	}
	for (i = 0; i < n_threads; i++) {
		burners[i] = (struct burner){ .end_ns = now_ns() + ms * 1000000ull, .name = name };
		if (pthread_create(&threads[i], NULL, thread_run, &burners[i])) {
			fprintf(stderr, "burn: cannot start thread %lu\n", i);
			return 1;
		}
	}
	for (i = 0; i < n_threads; i++) {
		pthread_join(threads[i], NULL);
		printf("%s %lu %llu\n", name, i, (unsigned long long)burners[i].n_rounds);
	}
	return 0;
}
