// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * timeout: 120
 * Real interrupts: a thread that writes without pause is hit by two timers whose
 * signal handlers write too, the second one also inside the first's handler; a
 * reader thread takes everything.  Exact accounting per level.
 *
 *	ring_signals [MILLISECONDS]
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <ivring/ring.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define TYPE	 5
#define N_LEVELS 3 /* main, first handler, second handler */

static struct ivring_superblock sb;
static unsigned char *region;
static struct ivring_writer writer;
static bool is_done;

struct level {
	uint64_t attempted;
	uint64_t lost;
	uint64_t n_read;
	uint64_t next; /* lowest serial that may come */
};
static struct level levels[N_LEVELS];
static volatile uint64_t n_nested; /* second handler inside the first */
static volatile sig_atomic_t is_in_first;

#define fail(...)                                  \
	do {                                       \
		fprintf(stderr, "ring_signals: "); \
		fprintf(stderr, __VA_ARGS__);      \
		fputc('\n', stderr);               \
		exit(1);                           \
	} while (0)

static void emit(unsigned int level, unsigned int extra)
{
	uint64_t payload[8] = { level, levels[level].attempted };
	unsigned int i;

	for (i = 2; i < 8; i++)
		payload[i] = payload[1] ^ i;
	levels[level].attempted++;
	if (!ivring_emit(&writer, TYPE, level << IVRING_CTX_EXEC_SHIFT, payload, 16 + 8 * extra))
		levels[level].lost++;
}

static void on_first(int sig)
{
	unsigned int i;

	(void)sig;
	is_in_first = 1;
	for (i = 0; i < 40; i++)
		emit(1, i % 7);
	ivring_flush(&writer);
	is_in_first = 0;
}

static void on_second(int sig)
{
	(void)sig;
	n_nested += (uint64_t)is_in_first;
	emit(2, 3);
	ivring_flush(&writer);
	emit(2, 0);
}

static void check_range(const unsigned char *p, uint64_t bytes, uint64_t *last_tsc)
{
	while (bytes) {
		const struct ivring_record *rec = (const struct ivring_record *)p;
		const uint64_t *payload = (const uint64_t *)(rec + 1);
		uint32_t i, n;

		if (rec->size < 32 || rec->size % 8 || rec->size > bytes || rec->type != TYPE ||
		    payload[0] >= N_LEVELS || rec->ctx != payload[0] << IVRING_CTX_EXEC_SHIFT)
			fail("no record: type %u size %u ctx %x", rec->type, rec->size, rec->ctx);
		n = (rec->size - IVRING_REC_HDR_BYTES) / 8u;
		for (i = 2; i < n; i++)
			if (payload[i] != (payload[1] ^ i))
				fail("payload differs");
		if (payload[1] < levels[payload[0]].next)
			fail("order inside level %u", (unsigned int)payload[0]);
		if (rec->tsc < *last_tsc)
			fail("stamp goes back by %llu", (unsigned long long)(*last_tsc - rec->tsc));
		*last_tsc = rec->tsc;
		levels[payload[0]].next = payload[1] + 1;
		levels[payload[0]].n_read++;
		p += rec->size;
		bytes -= rec->size;
	}
}

static void *read_records(void *arg)
{
	struct timespec pause = { 0, 20000 };
	struct ivring_reader reader;
	struct ivring_range range;
	uint64_t last_tsc = 0;
	bool was_done;
	int err;

	ivring_reader_init(&reader, region, region + sb.reader_off, &sb, 0, 0);
	do {
		was_done = __atomic_load_n(&is_done, __ATOMIC_ACQUIRE);
		err = ivring_reader_fetch(&reader);
		while (!err && (err = ivring_reader_next(&reader, &range)) == 1) {
			check_range(reader.data + range.offset, range.bytes, &last_tsc);
			err = 0;
		}
		if (err)
			fail("violation at %llu", (unsigned long long)reader.violation_pos);
		ivring_reader_release(&reader);
		if (!was_done)
			nanosleep(&pause, NULL);
	} while (!was_done);
	return arg;
}

/* A timer whose signal goes to this thread every @ns. */
static void start_timer(int sig, void (*handler)(int), int blocked, long ns)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = sig };
	struct itimerspec when = { { 0, ns }, { 0, ns } };
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	timer_t timer;

	sigemptyset(&action.sa_mask);
	if (blocked)
		sigaddset(&action.sa_mask, blocked);
	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	if (sigaction(sig, &action, NULL) || timer_create(CLOCK_MONOTONIC, &event, &timer) ||
	    timer_settime(timer, 0, &when, NULL))
		fail("timer: %s", strerror(errno));
}

static void block_timers(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGRTMIN + 1);
	pthread_sigmask(how, &set, NULL);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void check_totals(void)
{
	uint64_t attempted = 0, n_read = 0, lost = 0, counted;
	unsigned int i;

	for (i = 0; i < N_LEVELS; i++) {
		printf("level %u: attempted %llu, read %llu, lost %llu\n", i,
		       (unsigned long long)levels[i].attempted,
		       (unsigned long long)levels[i].n_read, (unsigned long long)levels[i].lost);
		if (levels[i].n_read + levels[i].lost != levels[i].attempted)
			fail("level %u: attempted is not read + lost", i);
		attempted += levels[i].attempted;
		n_read += levels[i].n_read;
		lost += levels[i].lost;
	}
	counted = writer.shared->lost_full + writer.shared->lost_nested + writer.shared->lost_big;
	if (counted != lost || writer.shared->events != n_read)
		fail("the ring counts %llu lost, %llu events", (unsigned long long)counted,
		     (unsigned long long)writer.shared->events);
	printf("second handler inside the first: %llu\n", (unsigned long long)n_nested);
	if (!levels[1].attempted || !levels[2].attempted)
		fail("no signal came");
}

int main(int argc, char **argv)
{
	uint64_t end, i = 0;
	pthread_t reader;

	if (ivring_layout(4 << 20, 32, 12, &sb)) /* 64 KiB, 16 sub-buffers */
		fail("no layout");
	region = aligned_alloc(4096, (size_t)(sb.data_off + ivring_chan_bytes(&sb)));
	if (!region)
		fail("out of memory");
	memset(region, 0, (size_t)(sb.data_off + ivring_chan_bytes(&sb)));
	ivring_writer_init(&writer, region, &sb, 0, 1);
	block_timers(SIG_BLOCK); /* the reader thread inherits it */
	if (pthread_create(&reader, NULL, read_records, NULL))
		fail("pthread_create");
	start_timer(SIGRTMIN, on_first, 0, 47000);
	start_timer(SIGRTMIN + 1, on_second, SIGRTMIN, 13000);
	block_timers(SIG_UNBLOCK);
	end = now_ms() + (argc > 1 ? strtoull(argv[1], NULL, 10) : 4000);
	while (now_ms() < end) {
		unsigned int burst;

		for (burst = 0; burst < 64; burst++)
			emit(0, (unsigned int)(i++ % 7));
	}
	block_timers(SIG_BLOCK);
	ivring_flush(&writer);
	__atomic_store_n(&is_done, true, __ATOMIC_RELEASE);
	pthread_join(reader, NULL);
	check_totals();
	free(region);
	return 0;
}
