// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How far behind a live reader is: writes marks into a region that is being recorded,
 * as a guest whose driver publishes every 10 ms, each with the time at which it was
 * written; and looks at the clock when `ivtrace-report events --follow` has printed it.
 * No other clock is in between.
 *
 *	lag REGION SECONDS TRACE.ivt IVTRACE-REPORT
 *
 * Per second of writing one line, "p50 p99 max" in ms and the number of records.  The
 * first two are not counted: the recorder finds the guest and its clock.
 */
#include "bench.h"
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "tests/data/pretended.h"
#include <ivring/events.h>
#include <ivring/guest.h>

#define PACE_US	      1000
#define FLUSH_EACH    10 /* marks: the driver's timer */
#define WARM_SECONDS  2u
#define MAX_SECONDS   600u
#define PATIENCE_NS   20000000000ull /* for the last line */
#define NS_PER_SECOND 1000000000u

#define MOST_MARKS (NS_PER_SECOND / 1000 / PACE_US + 1) /* in a second */

struct second {
	double ms[MOST_MARKS];
	size_t n;
};

static struct second of_second[MAX_SECONDS];
static uint32_t n_seconds;
static uint64_t began_ns;
static FILE *lines;
static uint64_t n_written, n_printed; /* of this thread, of the reader's: atomic */

/* ---- the reader ----------------------------------------------------------------- */

static pid_t start_report(const char *program, const char *trace)
{
	int out[2];
	pid_t pid;

	if (pipe(out))
		err(1, "cannot make a pipe");
	pid = fork();
	if (pid < 0)
		err(1, "cannot fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		execl(program, program, "events", "--follow", "--json", "--name", "ivtrace_mark",
		      "--", trace, NULL);
		err(127, "cannot run '%s'", program);
	}
	close(out[1]);
	lines = fdopen(out[0], "r");
	if (!lines)
		err(1, "cannot read a pipe");
	return pid;
}

static void take_line(const char *line, uint64_t now)
{
	const char *text = strstr(line, "\"msg\":\"");
	uint64_t written_ns = text ? strtoull(text + 7, NULL, 10) : 0;
	uint64_t i;

	if (!written_ns || written_ns < began_ns || written_ns > now)
		errx(1, "no time of its writing in '%s'", line);
	i = (written_ns - began_ns) / NS_PER_SECOND;
	if (i < n_seconds && of_second[i].n < MOST_MARKS)
		of_second[i].ms[of_second[i].n++] = (double)(now - written_ns) / 1e6;
	__atomic_fetch_add(&n_printed, 1, __ATOMIC_RELAXED);
}

static void *read_lines(void *arg)
{
	char line[4096];

	(void)arg;
	while (fgets(line, sizeof(line), lines))
		take_line(line, bench_now_ns());
	return NULL;
}

/* ---- the guest ------------------------------------------------------------------ */

static struct ivring_guest *begin_guest(const char *region)
{
	struct ivring_guest_options options = { .struct_bytes = sizeof(options),
						.release = "bench",
						.nr_writers = 1 };
	struct ivring_guest *guest;
	int code;

	timers_state[1] = 1000000000 - (int64_t)__rdtsc(); /* booted just now */
	code = ivring_guest_open(region, &options, &guest);
	if (!code)
		code = ivring_guest_begin(guest);
	if (code)
		errx(1, "cannot write into '%s': %s", region, ivring_guest_strerror(code));
	return guest;
}

static void write_marks(struct ivring_guest *guest)
{
	uint64_t now = bench_now_ns(), end_ns = began_ns + (uint64_t)n_seconds * NS_PER_SECOND;
	struct ivring_writer *writer;
	char text[32];

	if (ivring_guest_writer_get(guest, &writer))
		errx(1, "no ring");
	for (; now < end_ns; now = bench_now_ns()) {
		int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)now);

		if (!ivring_emit(writer, IVT_TYPE_ivtrace_mark, 1000, text, (uint32_t)n + 1))
			errx(1, "the ring is full: nobody takes its records");
		if (++n_written % FLUSH_EACH == 0) {
			ivring_flush(writer);
			ivring_guest_beat(guest);
		}
		pause_us(PACE_US);
	}
	ivring_guest_writer_put(guest, writer);
}

/* ---- both ------------------------------------------------------------------------ */

static void wait_for_lines(void)
{
	uint64_t begin = bench_now_ns(), n;

	while ((n = __atomic_load_n(&n_printed, __ATOMIC_RELAXED)) < n_written) {
		if (bench_now_ns() - begin > PATIENCE_NS)
			errx(1, "%llu of %llu records were printed", (unsigned long long)n,
			     (unsigned long long)n_written);
		pause_us(10000);
	}
}

static void tell(void)
{
	uint32_t i;

	for (i = WARM_SECONDS; i < n_seconds; i++) {
		struct second *second = &of_second[i];

		if (!second->n)
			continue;
		qsort(second->ms, second->n, sizeof(second->ms[0]), bench_compare);
		printf("%.3f %.3f %.3f %zu\n", second->ms[second->n / 2],
		       second->ms[second->n * 99 / 100], second->ms[second->n - 1], second->n);
	}
}

int main(int argc, char **argv)
{
	unsigned long seconds = argc == 5 ? strtoul(argv[2], NULL, 10) : 0;
	struct ivring_guest *guest;
	pthread_t reader;
	pid_t report;
	int code;

	if (!seconds || seconds > MAX_SECONDS - WARM_SECONDS) {
		fprintf(stderr, "Usage: lag REGION SECONDS TRACE.ivt IVTRACE-REPORT (1 to %u)\n",
			MAX_SECONDS - WARM_SECONDS);
		return 2;
	}
	n_seconds = (uint32_t)seconds + WARM_SECONDS;
	report = start_report(argv[4], argv[3]);
	guest = begin_guest(argv[1]);
	began_ns = bench_now_ns();
	code = pthread_create(&reader, NULL, read_lines, NULL);
	if (code)
		errx(1, "cannot start a thread: %s", strerror(code));
	write_marks(guest);
	wait_for_lines();
	ivring_guest_close(guest);
	kill(report, SIGTERM);
	waitpid(report, NULL, 0);
	pthread_join(reader, NULL);
	fclose(lines);
	tell();
	return 0;
}
