// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iowriter: reads or writes blocks of a disk past the page cache and says how
 * long each request took. One thread per request in flight, so that each one
 * is seen in a trace as a thread that enters, waits and returns.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

enum {
	MAX_DEPTH = 64,
	ALIGNMENT = 4096
};

struct request {
	uint64_t begin_tsc;
	uint64_t end_tsc;
	uint64_t latency_ns;
	uint64_t offset_bytes;
	int error;
};

struct job {
	const char *path;
	const char *name;
	int fd;
	bool is_write;
	bool has_fsync;
	bool is_each;
	bool is_random;
	uint64_t bytes;
	uint64_t count;
	uint64_t interval_us;
	uint64_t depth;
	uint64_t offset_bytes;
	uint64_t span_bytes;
	uint64_t duration_ms;
	uint64_t deadline_ns;
	/* Next request to be started; the threads share it. */
	uint64_t next;
	struct request *requests;
};

static const char help[] =
	"Usage: iowriter DEV [OPTIONS]\n"
	"\n"
	"Reads or writes blocks of DEV with O_DIRECT and prints, as one line of JSON,\n"
	"how many requests there were and their latency in ms.\n"
	"\n"
	"  --write | --read   what to do (default --write)\n"
	"  --bytes N          size of a request (4096); multiple of 4096\n"
	"  --count N          number of requests (100)\n"
	"  --duration-ms N    stop after this time, even before --count\n"
	"  --interval-us N    pause after each request (0)\n"
	"  --depth N          requests in flight, one thread each (1)\n"
	"  --offset N         first byte used (0)\n"
	"  --span N           bytes used from there, over and over (--bytes * --count,\n"
	"                     or what the device has)\n"
	"  --random           blocks of the span in a random, repeatable order\n"
	"  --fsync            fdatasync() after each write, within its time\n"
	"  --each             also one line per request: number, offset, TSC at begin\n"
	"                     and end, microseconds\n"
	"  --name NAME        the threads' name (iowriter)\n"
	"Sizes take K, M, G. Exit status 1 if any request failed.\n"
	"\n"
	"Examples:\n"
	"  iowriter /dev/vda --count 50 --interval-us 20000     a careful database\n"
	"  iowriter /dev/vda --bytes 1M --depth 4 --span 32M --duration-ms 5000\n"
	"                                                       a hog\n";

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static uint64_t parse_size(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	switch (*end) {
	case 'K':
		value <<= 10;
		end++;
		break;
	case 'M':
		value <<= 20;
		end++;
		break;
	case 'G':
		value <<= 30;
		end++;
		break;
	}
	if (*end || end == text) {
		fprintf(stderr, "iowriter: '%s' is not a number (see --help)\n", text);
		exit(2);
	}
	return value;
}

static uint64_t block_of(const struct job *job, uint64_t i)
{
	uint64_t n_blocks = job->span_bytes / job->bytes;

	/* An odd multiplier scatters the numbers, the same way in each run. */
	if (job->is_random)
		i = (i + 1) * 0x9e3779b97f4a7c15ull >> 20;
	return i % n_blocks;
}

static void request_do(const struct job *job, void *buf, struct request *req)
{
	uint64_t begin_ns = now_ns();
	ssize_t n;

	req->begin_tsc = __rdtsc();
	if (job->is_write)
		n = pwrite(job->fd, buf, job->bytes, req->offset_bytes);
	else
		n = pread(job->fd, buf, job->bytes, req->offset_bytes);
	if (n != (ssize_t)job->bytes)
		req->error = n < 0 ? errno : EIO;
	if (job->has_fsync && fdatasync(job->fd))
		req->error = errno;
	req->end_tsc = __rdtsc();
	req->latency_ns = now_ns() - begin_ns;
}

static void *thread_run(void *arg)
{
	struct job *job = arg;
	void *buf;

	prctl(PR_SET_NAME, job->name);
	if (posix_memalign(&buf, ALIGNMENT, job->bytes))
		return NULL;
	memset(buf, 0x5a, job->bytes);
	while (now_ns() < job->deadline_ns) {
		uint64_t i = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED);

		if (i >= job->count)
			break;
		job->requests[i].offset_bytes = job->offset_bytes + block_of(job, i) * job->bytes;
		request_do(job, buf, &job->requests[i]);
		if (job->interval_us)
			usleep(job->interval_us);
	}
	free(buf);
	return NULL;
}

static int latency_compare(const void *a, const void *b)
{
	const struct request *x = a, *y = b;

	return x->latency_ns < y->latency_ns ? -1 : x->latency_ns > y->latency_ns;
}

static double quantile_ms(const struct request *sorted, uint64_t n, double q)
{
	return n ? sorted[(uint64_t)((n - 1) * q)].latency_ns / 1e6 : 0;
}

/* Prints the results, sorts the requests; returns the number that failed. */
static uint64_t report(struct job *job, uint64_t elapsed_ns)
{
	struct request *reqs = job->requests;
	uint64_t n = 0, n_errors = 0, i;
	double sum_ms = 0;

	for (i = 0; i < job->count && i < job->next; i++) {
		if (!reqs[i].end_tsc)
			continue;
		if (job->is_each)
			printf("%llu %llu %llu %llu %llu\n", (unsigned long long)i,
			       (unsigned long long)reqs[i].offset_bytes,
			       (unsigned long long)reqs[i].begin_tsc,
			       (unsigned long long)reqs[i].end_tsc,
			       (unsigned long long)reqs[i].latency_ns / 1000);
		if (reqs[i].error && !n_errors++)
			fprintf(stderr, "iowriter: cannot %s '%s' at %llu: %s\n",
				job->is_write ? "write" : "read", job->path,
				(unsigned long long)reqs[i].offset_bytes, strerror(reqs[i].error));
		sum_ms += reqs[i].latency_ns / 1e6;
		reqs[n++] = reqs[i];
	}
	qsort(reqs, n, sizeof(*reqs), latency_compare);
	printf("{\"op\": \"%s\", \"bytes\": %llu, \"depth\": %llu, \"count\": %llu, \"errors\": "
	       "%llu, "
	       "\"elapsed_ms\": %.3f, \"mb_per_s\": %.2f, \"mean_ms\": %.3f, \"min_ms\": %.3f, "
	       "\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f}\n",
	       job->is_write ? "write" : "read", (unsigned long long)job->bytes,
	       (unsigned long long)job->depth, (unsigned long long)n, (unsigned long long)n_errors,
	       elapsed_ns / 1e6, elapsed_ns ? n * job->bytes * 1e3 / elapsed_ns : 0,
	       n ? sum_ms / n : 0, quantile_ms(reqs, n, 0), quantile_ms(reqs, n, 0.5),
	       quantile_ms(reqs, n, 0.99), quantile_ms(reqs, n, 1));
	return n_errors;
}

static int usage_error(const char *what)
{
	fprintf(stderr, "iowriter: %s (see --help)\n", what);
	return 2;
}

static int options_parse(struct job *job, int argc, char **argv)
{
	static const struct option options[] = {
		{ "write", no_argument, NULL, 'w' },
		{ "read", no_argument, NULL, 'r' },
		{ "bytes", required_argument, NULL, 'b' },
		{ "count", required_argument, NULL, 'c' },
		{ "duration-ms", required_argument, NULL, 't' },
		{ "interval-us", required_argument, NULL, 'i' },
		{ "depth", required_argument, NULL, 'd' },
		{ "offset", required_argument, NULL, 'o' },
		{ "span", required_argument, NULL, 's' },
		{ "random", no_argument, NULL, 'R' },
		{ "fsync", no_argument, NULL, 'f' },
		{ "each", no_argument, NULL, 'e' },
		{ "name", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	bool has_count = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (opt) {
		case 'w':
			job->is_write = true;
			break;
		case 'r':
			job->is_write = false;
			break;
		case 'b':
			job->bytes = parse_size(optarg);
			break;
		case 'c':
			job->count = parse_size(optarg);
			has_count = true;
			break;
		case 't':
			job->duration_ms = parse_size(optarg);
			break;
		case 'i':
			job->interval_us = parse_size(optarg);
			break;
		case 'd':
			job->depth = parse_size(optarg);
			break;
		case 'o':
			job->offset_bytes = parse_size(optarg);
			break;
		case 's':
			job->span_bytes = parse_size(optarg);
			break;
		case 'R':
			job->is_random = true;
			break;
		case 'f':
			job->has_fsync = true;
			break;
		case 'e':
			job->is_each = true;
			break;
		case 'n':
			job->name = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		default:
			return 2;
		}
	}
	if (optind != argc - 1)
		return usage_error("give one device");
	job->path = argv[optind];
	if (!job->bytes || job->bytes % ALIGNMENT || job->offset_bytes % ALIGNMENT)
		return usage_error("--bytes and --offset are multiples of 4096");
	if (!job->depth || job->depth > MAX_DEPTH)
		return usage_error("--depth is 1 to 64");
	/* With a time limit alone, count what fits into it: 10 us each at best. */
	if (job->duration_ms && !has_count)
		job->count = job->duration_ms * 100;
	if (job->span_bytes && job->span_bytes < job->bytes)
		return usage_error("--span is at least --bytes");
	return 0;
}

/* Keeps the requests inside the device. */
static int span_fit(struct job *job)
{
	off_t end = lseek(job->fd, 0, SEEK_END);
	uint64_t room_bytes;

	if (end < 0 || (uint64_t)end < job->offset_bytes + job->bytes) {
		fprintf(stderr, "iowriter: cannot use '%s' from %llu on: it has %lld bytes\n",
			job->path, (unsigned long long)job->offset_bytes, (long long)end);
		return 1;
	}
	room_bytes = end - job->offset_bytes;
	if (!job->span_bytes)
		job->span_bytes = job->bytes * job->count;
	if (job->span_bytes > room_bytes)
		job->span_bytes = room_bytes;
	return 0;
}

/* A long count with a time limit is seldom reached: memory comes as it is used. */
static int requests_alloc(struct job *job)
{
	job->requests = mmap(NULL, job->count * sizeof(*job->requests), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (job->requests != MAP_FAILED)
		return 0;
	fprintf(stderr, "iowriter: cannot remember %llu requests: %s (lower --count)\n",
		(unsigned long long)job->count, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	struct job job = {
		.name = "iowriter",
		.is_write = true,
		.bytes = 4096,
		.count = 100,
		.depth = 1,
		.deadline_ns = UINT64_MAX,
	};
	pthread_t threads[MAX_DEPTH];
	uint64_t begin_ns, i;
	int err = options_parse(&job, argc, argv);

	if (err)
		return err;
	job.fd = open(job.path, (job.is_write ? O_RDWR : O_RDONLY) | O_DIRECT | O_CLOEXEC);
	if (job.fd < 0) {
		fprintf(stderr, "iowriter: cannot open '%s': %s\n", job.path, strerror(errno));
		return 1;
	}
	err = span_fit(&job) || requests_alloc(&job);
	if (err)
		return err;
	begin_ns = now_ns();
	if (job.duration_ms)
		job.deadline_ns = begin_ns + job.duration_ms * 1000000;
	for (i = 0; i < job.depth; i++) {
		err = pthread_create(&threads[i], NULL, thread_run, &job);
		if (err) {
			fprintf(stderr, "iowriter: cannot start a thread: %s\n", strerror(err));
			return 1;
		}
	}
	for (i = 0; i < job.depth; i++)
		pthread_join(threads[i], NULL);
	return report(&job, now_ns() - begin_ns) > 0;
}
