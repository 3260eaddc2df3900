// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machine that ring.h runs on here: contexts that nest, stores that are
 * seen late, a reader that can stop between any two accesses, and death.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include "explorer.h"
#include "held.h"

#define DATA_OFF      0x5000u /* of ivring_layout() for one channel, without its alignment */
#define CHUNK_BYTES   32u     /* of the reader's copying, with a point after each */
#define PRIVATE_WORDS offsetof(struct ivring_writer, subbuf) /* constants behind it */

struct world world;

/* A range that is to be copied, to its place in the file. */
struct late_copy {
	struct ivring_range range;
	uint32_t to;
};

static struct {
	struct schedule *schedule;
	unsigned int next; /* decision */
	bool is_traced;
	bool is_off;	/* accesses are no points */
	bool is_ending; /* the program is over */
	bool was_data;	/* the last access of the writer was to data */
	/* writer */
	unsigned int level; /* contexts that run */
	unsigned int serials[MAX_LEVELS + 1];
	unsigned char payload[MAX_LEVELS + 1][64];
	struct held_list delayed[MAX_LEVELS + 1];
	struct held_list late;
	jmp_buf death;
	/* reader */
	bool is_reader; /* it runs */
	bool is_in_pass;
	unsigned int n_passes;
	jmp_buf writer_at, reader_at, reader_start;
	bool is_copy_late, is_early;
	struct late_copy copies[8];
	unsigned int n_copies;
	unsigned char early[DATA_BYTES];
	struct {
		enum access access;
		const void *addr; /* NULL: of nothing shared */
		size_t bytes;
	} about; /* the present point */
} m;

static unsigned char region[DATA_OFF + DATA_BYTES] __attribute__((aligned(4096)));
static ucontext_t reader_context, main_context;
static unsigned char reader_stack[256 << 10];

/* Let @look see the memory as the reader would. */
static void as_the_reader(void (*look)(void))
{
	if (!m.is_reader) {
		held_hide(&m.delayed[m.level]);
		held_hide(&m.late);
	}
	look();
	if (!m.is_reader) {
		held_show(&m.late);
		held_show(&m.delayed[m.level]);
	}
}

/* ---- contexts of the writer ----------------------------------------------------------- */

static void enter(void)
{
	held_hide(&m.delayed[m.level]);
	m.level++;
	m.delayed[m.level].n = 0;
}

static void leave(void)
{
	m.delayed[m.level].n = 0; /* the return from an interrupt completes its stores */
	m.level--;
	held_show(&m.delayed[m.level]);
	if (!m.level) {
		m.late.n = 0;
		oracle_check_quiet();
	}
}

static void emit(uint32_t bytes)
{
	unsigned int serial = world.n_attempts++;
	struct attempt *attempt = &world.attempts[serial];
	unsigned char *payload;

	if (serial >= MAX_RECORDS)
		abort();
	enter();
	attempt->bytes = bytes;
	attempt->need = IVRING_REC_HDR_BYTES + ((bytes + 7) & ~7u);
	payload = m.payload[m.level];
	oracle_payload(serial, bytes, payload);
	m.serials[m.level] = serial;
	attempt->is_recorded = subject_emit(&world.w, RECORD_TYPE, serial, payload, bytes);
	world.n_lost += !attempt->is_recorded;
	leave();
}

static void flush(void)
{
	world.flushed_to = world.w.resv;
	enter();
	subject_flush(&world.w);
	leave();
}

/* ---- the reader ------------------------------------------------------------------------ */

static void point(unsigned int can);

#define DEATHS	    (ACT_WRITER_DIES | ACT_PANIC)
#define READER_ACTS (ACT_RETURN | ACT_READER_DIES | ACT_COPY_EARLY)

/* What the reader sees of the channel's data. */
static const unsigned char *seen_data(void)
{
	return m.is_early ? m.early : world.data;
}

static void finish_late_copies(void)
{
	unsigned int i;

	for (i = 0; i < m.n_copies; i++)
		memcpy(world.file + m.copies[i].to, world.data + m.copies[i].range.offset,
		       m.copies[i].range.bytes);
	m.n_copies = 0;
	m.is_copy_late = false;
}

/* Append to the file; ring.h knows nothing of how that is done. */
static void copy_range(const struct ivring_range *range)
{
	uint32_t to = world.file_bytes;
	uint64_t done, bytes;

	m.about.addr = NULL;
	if (range->bytes > DATA_BYTES || range->offset + range->bytes > DATA_BYTES ||
	    to + range->bytes > sizeof(world.file)) {
		world_fail("a range outside of the channel");
		return;
	}
	if (!m.is_copy_late)
		point(READER_ACTS | ACT_COPY_LATE);
	if (m.is_copy_late) {
		m.copies[m.n_copies].range = *range;
		m.copies[m.n_copies++].to = to;
		return;
	}
	for (done = 0; done < range->bytes; done += bytes) {
		bytes = range->bytes - done;
		bytes = bytes < CHUNK_BYTES ? bytes : CHUNK_BYTES;
		memcpy(world.file + to + done, seen_data() + range->offset + done, bytes);
		m.about.addr = NULL;
		point(READER_ACTS);
	}
}

static void commit_journal(void)
{
	m.about.addr = NULL;
	point(READER_ACTS);
	world.journal.tail = world.r.tail;
	world.journal.file_bytes = world.file_bytes;
	world.journal.n_gaps = world.n_gaps;
}

static void fail_violation(int err)
{
	world_fail("the reader saw a violation at %llu: %d",
		   (unsigned long long)world.r.violation_pos, err);
}

static void read_discard(void)
{
	struct ivring_range range;
	int err = subject_fetch(&world.r);

	oracle_check_fetched();
	while (!err && (err = subject_next(&world.r, &range)) == 1) {
		copy_range(&range);
		world.file_bytes += (uint32_t)range.bytes;
		err = 0;
	}
	if (err)
		fail_violation(err);
	commit_journal();
	subject_release(&world.r);
}

static void read_snapshot(void)
{
	uint64_t tail = world.r.tail;
	struct ivring_range range;
	int err = subject_snapshot_begin(&world.r);

	oracle_check_fetched();
	oracle_passed_over(tail, true);
	while (!err && subject_snapshot_next(&world.r, &range) == 1) {
		tail = world.r.tail;
		copy_range(&range);
		err = subject_snapshot_accept(&world.r);
		if (err == 1) {
			world.file_bytes += (uint32_t)range.bytes;
			err = 0;
		} else if (!err) {
			m.n_copies = 0; /* thrown away */
			oracle_passed_over(tail, false);
		}
		commit_journal();
	}
	if (err)
		fail_violation(err);
}

static void new_reader(void)
{
	ivring_reader_init(&world.r, region, region + world.sb.reader_off, &world.sb, 0,
			   world.journal.tail);
	world.file_bytes = world.journal.file_bytes;
	world.n_gaps = world.journal.n_gaps;
	world.gap_bytes = 0;
	m.is_in_pass = false;
	m.is_early = false;
	m.n_copies = 0;
	m.is_copy_late = false;
}

static void reader_stops(void)
{
	if (!_setjmp(m.reader_at))
		_longjmp(m.writer_at, 1);
}

static void reader_main(void)
{
	static bool is_made;

	_setjmp(m.reader_start); /* each pass starts here */
	if (!is_made) {
		is_made = true;
		swapcontext(&reader_context, &main_context);
	}
	m.about.addr = NULL;
	point(READER_ACTS);
	if (world.program->is_overwrite)
		read_snapshot();
	else
		read_discard();
	if (m.n_copies) {
		m.about.addr = NULL;
		point(READER_ACTS);
		finish_late_copies();
	}
	m.is_in_pass = false;
	m.n_passes++;
	reader_stops();
}

static void reader_goes_on(void)
{
	held_hide(&m.delayed[m.level]);
	held_hide(&m.late);
	m.is_reader = true;
	if (!_setjmp(m.writer_at)) {
		bool is_new = !m.is_in_pass;

		m.is_in_pass = true;
		_longjmp(is_new ? m.reader_start : m.reader_at, 1);
	}
	m.is_reader = false;
	held_show(&m.late);
	held_show(&m.delayed[m.level]);
}

/* A whole pass, after the one that is under way. */
static void read_all(void)
{
	unsigned int target;

	while (m.is_in_pass)
		reader_goes_on();
	for (target = m.n_passes + 1; m.n_passes != target;)
		reader_goes_on();
}

/* ---- points and decisions ----------------------------------------------------------------- */

static void interrupt(unsigned int act)
{
	unsigned int i;

	if (act == ACT_FLUSH)
		flush();
	else if (act == ACT_STORM)
		for (i = 0; i < 10; i++)
			emit(16);
	else
		emit(act == ACT_EMIT_BIG ? 40 : 8);
	if (act == ACT_EMIT_FLUSH)
		flush();
}

/* Do @act at a point where @can was possible; returns what is possible after. */
static unsigned int do_act(unsigned int act, unsigned int can)
{
	switch (act) {
	case ACT_READER:
		reader_goes_on();
		return can & ~ACT_READER;
	case ACT_RETURN:
		reader_stops();
		return can & ~ACT_RETURN;
	case ACT_PANIC:
		world.chan->guest.w_resv_hint = world.w.resv;
		/* fall through */
	case ACT_WRITER_DIES:
		world.is_dead_weak = m.delayed[m.level].n || m.late.n;
		held_hide(&m.delayed[m.level]);
		held_hide(&m.late);
		_longjmp(m.death, 1);
	case ACT_READER_DIES:
		new_reader();
		_longjmp(m.writer_at, 1);
	case ACT_DELAY:
		held_add(&m.delayed[m.level], m.about.addr, m.about.bytes);
		return 0; /* it is not done yet: nobody can miss it */
	case ACT_LATE:
		held_add(&m.late, m.about.addr, m.about.bytes);
		return 0;
	case ACT_COPY_LATE:
		m.is_copy_late = true;
		return 0;
	case ACT_COPY_EARLY:
		memcpy(m.early, world.data, DATA_BYTES);
		m.is_early = true;
		return can & ~ACT_COPY_EARLY;
	default:
		interrupt(act);
		return can;
	}
}

static void point(unsigned int can)
{
	__typeof__(m.about) about = m.about;
	struct schedule *schedule = m.schedule;

	if (m.level >= MAX_LEVELS)
		can &= ~ACT_INTERRUPTS;
	if (m.is_ending)
		can &= ACT_READER_DIES | ACT_COPY_LATE | ACT_COPY_EARLY;
	do {
		unsigned int at = schedule->n_points++;

		if (at >= MAX_POINTS)
			abort();
		schedule->can[at] = (uint16_t)can;
		if (m.delayed[m.level].n || m.late.n)
			schedule->can[at] |= ACT_WHEN_DELAYED;
		if (m.about.addr == &world.chan->guest.w_claim)
			schedule->can[at] |= ACT_AT_CLAIM;
		if (world.chan->guest.w_head != world.last_head)
			as_the_reader(oracle_check_head);
		if (m.is_traced)
			trace_point(at, m.is_reader, m.level, m.about.access, m.about.addr);
		if (m.next == schedule->n || schedule->decisions[m.next].at != at)
			return;
		can = do_act(schedule->decisions[m.next++].act, can);
		m.about = about; /* other contexts had points of their own */
	} while (can);
}

uint64_t explorer_clock(void)
{
	if (!m.is_off) {
		m.about.addr = NULL;
		m.was_data = false;
		point(ACT_INTERRUPTS);
	}
	return ++world.now;
}

void explorer_access(enum access access, const void *addr, size_t bytes)
{
	const unsigned char *at = addr, *w = (const unsigned char *)&world.w;
	bool is_shared = at >= region + IVRING_CHAN_OFF && at < region + sizeof(region);
	unsigned int can = 0;

	if (m.is_off || (!is_shared && (at < w || at >= w + PRIVATE_WORDS)) ||
	    addr == &world.w.base)
		return;
	if (m.is_reader) {
		can = READER_ACTS;
	} else {
		/* Stores to data in a row are one step, but for death. */
		bool is_data = at >= world.data && m.was_data;

		m.was_data = at >= world.data && at < world.data + DATA_BYTES;
		if (!is_data)
			can = ACT_INTERRUPTS;
		if (is_shared) /* nowhere else does the reader see a difference */
			can |= is_data ? DEATHS : DEATHS | ACT_READER;
		if (access == ACCESS_STORE)
			can |= is_shared ? ACT_DELAY | ACT_LATE : ACT_DELAY;
		if (access != ACCESS_LOAD) {
			held_land(&m.delayed[m.level], at, bytes);
			held_land(&m.late, at, bytes);
		}
	}
	m.about.access = access;
	m.about.addr = addr;
	m.about.bytes = bytes;
	point(can);
}

void explorer_barrier(enum barrier barrier)
{
	if (m.is_off)
		return;
	if (m.is_reader) {
		if (barrier == BARRIER_READS || barrier == BARRIER_RELEASE)
			finish_late_copies();
		if (barrier == BARRIER_READS || barrier == BARRIER_ACQUIRE)
			m.is_early = false;
		return;
	}
	if (barrier == BARRIER_ACQUIRE || barrier == BARRIER_READS)
		return;				/* orders no stores */
	if (m.delayed[m.level].n || m.late.n) { /* the last moment without it */
		m.about.addr = NULL;
		point(ACT_INTERRUPTS | ACT_READER | DEATHS);
	}
	m.delayed[m.level].n = 0;
	if (barrier != BARRIER_COMPILER)
		m.late.n = 0;
}

const void *explorer_source(const void *addr)
{
	const unsigned char *at = addr;

	if (m.is_reader && m.is_early && at >= world.data && at < world.data + DATA_BYTES)
		return m.early + (at - world.data);
	return addr;
}

void explorer_swapped(const void *addr, uint64_t value)
{
	struct attempt *attempt = &world.attempts[m.serials[m.level]];

	if (addr != &world.w.resv)
		return;
	attempt->pos = value - attempt->need;
	attempt->n_lost_before = world.w.lost_full + world.w.lost_nested + world.w.lost_big;
	attempt->is_reserved = true;
}

/* ---- a run ---------------------------------------------------------------------------------- */

static void world_reset(const struct program *program)
{
	struct ivring_superblock *sb = &world.sb;

	memset(&world, 0, offsetof(struct world, file));
	memset(&world.file_bytes, 0, sizeof(world) - offsetof(struct world, file_bytes));
	memset(region + IVRING_CHAN_OFF, 0, sizeof(struct ivring_chan));
	sb->nr_channels = 1;
	sb->subbuf_shift = SUBBUF_SHIFT;
	sb->subbufs_per_chan_shift = SUBBUFS_SHIFT;
	sb->reader_off = ivring_reader_off(1);
	sb->reader_len = ivring_reader_len(1);
	sb->data_off = DATA_OFF;
	world.program = program;
	world.chan = (struct ivring_chan *)(region + ivring_chan_desc_off(0));
	world.chan->host.mode = program->is_overwrite ? IVRING_MODE_OVERWRITE : IVRING_MODE_DISCARD;
	world.line = (struct ivring_reader_line *)(region + ivring_reader_line_off(sb, 0));
	world.line->r_tail = 0;
	world.data = region + DATA_OFF;
	memset(world.data, 0, DATA_BYTES);
	ivring_writer_init(&world.w, region, sb, 0, 1);
}

static void run_program(const struct program *program)
{
	static const uint32_t sizes[] = { 8, 16, 8, 40, 24, 8, 8, 48, 8, 16, 8, 8 };
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		m.about.addr = NULL;
		point(ACT_INTERRUPTS | ACT_READER | DEATHS);
		emit(sizes[i]);
		if (program->is_drained && i % 3 == 2)
			read_all();
		if (program->is_emptied && i == 8)
			read_all();
		if (i == 6)
			flush();
	}
}

static void make_reader(void)
{
	static bool is_made;

	if (is_made)
		return;
	is_made = true;
	getcontext(&reader_context);
	reader_context.uc_stack.ss_sp = reader_stack;
	reader_context.uc_stack.ss_size = sizeof(reader_stack);
	makecontext(&reader_context, reader_main, 0);
	swapcontext(&main_context, &reader_context);
}

void machine_run(const struct program *program, struct schedule *schedule, bool is_traced)
{
	make_reader();
	m.is_off = true;
	world_reset(program);
	m.schedule = schedule;
	m.next = 0;
	m.is_traced = is_traced;
	m.level = 0;
	m.delayed[0].n = 0;
	m.late.n = 0;
	m.n_passes = 0;
	new_reader();
	schedule->n_points = 0;
	m.is_off = m.is_ending = false;
	if (!_setjmp(m.death)) {
		run_program(program);
		m.is_off = true;
		flush();
		m.is_off = false;
	} else {
		world.is_dead = true;
		m.level = 0;
		m.delayed[0].n = m.late.n = 0;
	}
	m.is_ending = true;
	read_all();
	m.is_off = true;
	if (world.is_dead)
		oracle_salvage();
	oracle_check_end();
}
