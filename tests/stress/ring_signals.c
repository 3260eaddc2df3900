// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * timeout: 120
 * Real interrupts: a thread that writes without pause is hit by two timers whose
 * signal handlers write too, the second one also inside the first's handler; a
 * reader thread takes everything, or, in overwrite mode, snapshots.  Exact
 * accounting per level: whatever serial does not come is one that was lost, or
 * was overwritten where the reader says so.
 *
 *	ring_signals [MILLISECONDS]	of each mode
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

/* Serials that were lost in a row. */
struct lost_run {
	uint64_t from;
	uint64_t n;
};
#define MAX_LOST_RUNS (1u << 20)

struct level {
	/* of the writer */
	uint64_t attempted;
	uint64_t lost;
	struct lost_run *runs;
	uint64_t n_runs;
	/* of the reader */
	uint64_t n_read;
	uint64_t n_overwritten;
	uint64_t next;	   /* lowest serial that may come */
	uint64_t run;	   /* the first that may end behind next */
	bool is_after_gap; /* what comes next may have been overwritten */
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

/* Before the level's next record, so whoever sees that one sees this. */
static void log_lost(struct level *level, uint64_t serial)
{
	uint64_t n = level->n_runs;

	level->lost++;
	if (n && level->runs[n - 1].from + level->runs[n - 1].n == serial) {
		__atomic_store_n(&level->runs[n - 1].n, level->runs[n - 1].n + 1, __ATOMIC_RELEASE);
		return;
	}
	if (n == MAX_LOST_RUNS)
		fail("too many losses for the log");
	level->runs[n].from = serial;
	level->runs[n].n = 1;
	__atomic_store_n(&level->n_runs, n + 1, __ATOMIC_RELEASE);
}

/* How many of the serials from next to @to were lost? */
static uint64_t lost_before(struct level *level, uint64_t to)
{
	uint64_t n = 0, from, end;

	for (; level->run < __atomic_load_n(&level->n_runs, __ATOMIC_ACQUIRE); level->run++) {
		const struct lost_run *run = &level->runs[level->run];

		from = run->from > level->next ? run->from : level->next;
		end = run->from + __atomic_load_n(&run->n, __ATOMIC_ACQUIRE);
		if (from >= to)
			break;
		if (end > to) {
			n += to - from;
			break;
		}
		if (end > from)
			n += end - from;
	}
	return n;
}

/* The level goes on at @serial; what lies between is lost or overwritten. */
static void skip_to(unsigned int index, uint64_t serial)
{
	struct level *level = &levels[index];
	uint64_t missing;

	if (serial < level->next)
		fail("order inside level %u", index);
	missing = serial - level->next - lost_before(level, serial);
	if (missing && !level->is_after_gap)
		fail("level %u: %llu records before %llu are missing", index,
		     (unsigned long long)missing, (unsigned long long)serial);
	level->n_overwritten += missing;
	level->next = serial;
	level->is_after_gap = false;
}

static void emit(unsigned int level, unsigned int extra)
{
	uint64_t payload[8] = { level, levels[level].attempted };
	unsigned int i;

	for (i = 2; i < 8; i++)
		payload[i] = payload[1] ^ i;
	levels[level].attempted++;
	if (!ivring_emit(&writer, TYPE, level << IVRING_CTX_EXEC_SHIFT, payload, 16 + 8 * extra))
		log_lost(&levels[level], payload[1]);
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
		skip_to((unsigned int)payload[0], payload[1]);
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

static void note_gap(const struct ivring_reader *reader)
{
	static uint64_t overwritten;
	unsigned int i;

	if (reader->overwritten == overwritten)
		return;
	overwritten = reader->overwritten;
	for (i = 0; i < N_LEVELS; i++)
		levels[i].is_after_gap = true;
}

static void *take_snapshots(void *arg)
{
	static uint64_t copy[1 << 12];
	struct timespec pause = { 0, 20000 };
	struct ivring_reader reader;
	struct ivring_range range;
	uint64_t last_tsc = 0;
	bool was_done;
	int err;

	ivring_reader_init(&reader, region, NULL, &sb, 0, 0);
	do {
		was_done = __atomic_load_n(&is_done, __ATOMIC_ACQUIRE);
		err = ivring_snapshot_begin(&reader);
		while (!err && ivring_snapshot_next(&reader, &range) == 1) {
			memcpy(copy, reader.data + range.offset, range.bytes);
			err = ivring_snapshot_accept(&reader);
			note_gap(&reader);
			if (err == 1)
				check_range((const unsigned char *)copy, range.bytes, &last_tsc);
			err = err == 1 ? 0 : err;
		}
		if (err)
			fail("violation at %llu", (unsigned long long)reader.violation_pos);
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
	uint64_t recorded = 0, lost = 0, counted;
	unsigned int i;

	for (i = 0; i < N_LEVELS; i++) {
		const struct level *level = &levels[i];

		skip_to(i, level->attempted);
		printf("level %u: attempted %llu, read %llu, lost %llu, overwritten %llu\n", i,
		       (unsigned long long)level->attempted, (unsigned long long)level->n_read,
		       (unsigned long long)level->lost, (unsigned long long)level->n_overwritten);
		if (level->n_read + level->lost + level->n_overwritten != level->attempted)
			fail("level %u: attempted is not read + lost + overwritten", i);
		recorded += level->attempted - level->lost;
		lost += level->lost;
	}
	counted = writer.shared->lost_full + writer.shared->lost_nested + writer.shared->lost_big;
	if (counted != lost || writer.shared->events != recorded)
		fail("the ring counts %llu lost, %llu events", (unsigned long long)counted,
		     (unsigned long long)writer.shared->events);
	printf("second handler inside the first: %llu\n", (unsigned long long)n_nested);
	if (!levels[1].attempted || !levels[2].attempted)
		fail("no signal came");
}

static void start(uint16_t mode)
{
	struct ivring_chan *chan = (struct ivring_chan *)(region + ivring_chan_desc_off(0));
	unsigned int i;

	memset(region, 0, (size_t)(sb.data_off + ivring_chan_bytes(&sb)));
	chan->host.mode = mode;
	ivring_writer_init(&writer, region, &sb, 0, 1);
	for (i = 0; i < N_LEVELS; i++) {
		struct lost_run *runs = levels[i].runs;

		memset(&levels[i], 0, sizeof(levels[i]));
		levels[i].runs = runs ? runs : malloc(MAX_LOST_RUNS * sizeof(*runs));
		if (!levels[i].runs)
			fail("out of memory");
	}
	is_done = false;
	n_nested = 0;
}

static void run(uint16_t mode, uint64_t ms)
{
	uint64_t end = now_ms() + ms, i = 0;
	pthread_t reader;

	start(mode);
	if (pthread_create(&reader, NULL,
			   mode == IVRING_MODE_OVERWRITE ? take_snapshots : read_records, NULL))
		fail("pthread_create");
	block_timers(SIG_UNBLOCK);
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
}

int main(int argc, char **argv)
{
	uint64_t ms = argc > 1 ? strtoull(argv[1], NULL, 10) : 3000;
	unsigned int i;

	if (ivring_layout(4 << 20, 32, 12, &sb)) /* 64 KiB, 16 sub-buffers */
		fail("no layout");
	region = aligned_alloc(4096, (size_t)(sb.data_off + ivring_chan_bytes(&sb)));
	if (!region)
		fail("out of memory");
	block_timers(SIG_BLOCK); /* the reader thread inherits it */
	start_timer(SIGRTMIN, on_first, 0, 47000);
	start_timer(SIGRTMIN + 1, on_second, SIGRTMIN, 13000);
	printf("discard mode:\n");
	run(IVRING_MODE_DISCARD, ms);
	printf("overwrite mode:\n");
	run(IVRING_MODE_OVERWRITE, ms);
	for (i = 0; i < N_LEVELS; i++)
		free(levels[i].runs);
	free(region);
	return 0;
}
