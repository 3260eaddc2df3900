// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plays the host for a guest's driver, with nothing but ivring's headers: makes
 * a region, asks for events, drains the rings, checks each record, counts.
 *
 *	ring-poke format FILE SIZE_MIB CHANNELS [SUBBUF_SHIFT]
 *	ring-poke state FILE
 *	ring-poke off FILE			reader_epoch = 0
 *	ring-poke scribble FILE SECONDS	[SEED]	random words, boundary values and junk
 *						all over the region; ends in order
 *	ring-poke features FILE MAJOR MINOR COMPAT RO_COMPAT INCOMPAT
 *						as another version would format it
 *	ring-poke run FILE [-e EVENT,...] [-p N] [-c NR] [-k] [-f] [-z]
 *
 * run: until SIGINT or SIGTERM; says "# ready" when the guest's state dump is
 * through; at the end switches the events off and takes what is still under
 * way.  -e events by name ("sched_switch", "syscall", "39" for the type; default
 * all); -c check that the second argument of entries of call NR counts up by one
 * per channel; -p print the first N records; -k leave the events on; -f set
 * FLUSH_REQ; -z begin frozen.  Output: "NAME COUNT" per type, then "lost ...", "unpaired N": entries
 * and exits of interrupts without the other half, "bad N".
 * Status 1 if a record broke a rule.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <ivring/events.h>
#include <ivring/ring.h>

#define N_TYPES 0x3000
#define QUIET_S 1.0 /* nothing new for so long: all has arrived */

static volatile sig_atomic_t is_ending;

struct region {
	unsigned char *base;
	size_t bytes;
	struct ivring_superblock sb;
};

/* Of a pair of events, entry and exit, on one channel: equal ones in a row. */
struct row {
	bool is_exit;
	__u64 n, n_changes;
};

struct tally {
	__u64 count[N_TYPES];
	__u64 exec[4];
	__u64 bad;
	__u64 printed, print_max;
	__u64 last_tsc[IVRING_MAX_CHANNELS];
	unsigned int counted_type; /* 0: none */
	__u64 next_number[IVRING_MAX_CHANNELS];
	__u64 gaps;
	struct row irqs[IVRING_MAX_CHANNELS], softirqs[IVRING_MAX_CHANNELS];
	__u64 unpaired;
};

/* What may follow the fixed bytes of a payload. */
enum ending {
	ENDS_FIXED,
	ENDS_STR,
	ENDS_BYTES, /* counted by the last u32 */
	ENDS_WORDS, /* the same, of 8 bytes */
};

/* Fixed payload bytes; -1: no such type. */
static int payload_bytes(unsigned int type, enum ending *ret_ending)
{
	*ret_ending = ENDS_FIXED;
#define HAS_STR_str *ret_ending = ENDS_STR;
#define HAS_STR_i32
#define HAS_STR_u32
#define HAS_STR_i64
#define HAS_STR_u64
#define HAS_STR_x64
#define HAS_STR_u8
#define HAS_STR_text16
#define HAS_STR_ip16
#define HAS_STR_bytes *ret_ending = ENDS_BYTES;
#define HAS_STR_x64s  *ret_ending = ENDS_WORDS;
#define HAS_STR_pad4
#define HAS_STR(kind, f) HAS_STR_##kind
#define CASE(type, name, group, label) \
	case type:                     \
		IVT_FIELDS_##name(HAS_STR) return sizeof(struct ivt_ev_##name);
	switch (type) {
		IVT_EVENTS(CASE)
	}
#undef CASE
#define S0(nr, name, ...) [nr] = 1,
#define S1(nr, name, ...) [nr] = 2,
#define S2(nr, name, ...) [nr] = 3,
#define S3(nr, name, ...) [nr] = 4,
#define S4(nr, name, ...) [nr] = 5,
#define S5(nr, name, ...) [nr] = 6,
#define S6(nr, name, ...) [nr] = 7,
	static const unsigned char n_args[IVT_MAX_SYSCALL] = { IVT_SYSCALLS(S0, S1, S2, S3, S4, S5,
									    S6) };

	if (type >= IVT_TYPE_SYSCALL_EXIT && type < IVT_TYPE_SYSCALL_EXIT + IVT_MAX_SYSCALL)
		return n_args[type - IVT_TYPE_SYSCALL_EXIT] ? 8 : -1;
	if (type >= IVT_TYPE_SYSCALL_ENTRY && type < IVT_TYPE_SYSCALL_ENTRY + IVT_MAX_SYSCALL)
		return 8 * (n_args[type - IVT_TYPE_SYSCALL_ENTRY] - 1);
	return -1;
}

static const char *type_name(unsigned int type)
{
#define CASE(type, name, group, label) \
	case type:                     \
		return #name;
	switch (type) {
		IVT_EVENTS(CASE)
	}
#undef CASE
#define ENTRY(nr, name, ...) [nr] = "syscall_entry_" #name,
	static const char *const entry[IVT_MAX_SYSCALL] = { IVT_SYSCALLS(ENTRY, ENTRY, ENTRY, ENTRY,
									 ENTRY, ENTRY, ENTRY) };
#define EXIT(nr, name, ...) [nr] = "syscall_exit_" #name,
	static const char *const exits[IVT_MAX_SYSCALL] = { IVT_SYSCALLS(EXIT, EXIT, EXIT, EXIT,
									 EXIT, EXIT, EXIT) };
	const char *name = NULL;

	if (type >= IVT_TYPE_SYSCALL_EXIT && type < IVT_TYPE_SYSCALL_EXIT + IVT_MAX_SYSCALL)
		name = exits[type - IVT_TYPE_SYSCALL_EXIT];
	else if (type >= IVT_TYPE_SYSCALL_ENTRY && type < IVT_TYPE_SYSCALL_EXIT)
		name = entry[type - IVT_TYPE_SYSCALL_ENTRY];
	return name ? name : "?";
}

static struct ivring_guest_page *guest_page(const struct region *r)
{
	return (struct ivring_guest_page *)(r->base + IVRING_GUEST_OFF);
}

static struct ivring_reader_page *reader_page(const struct region *r)
{
	return (struct ivring_reader_page *)(r->base + r->sb.reader_off);
}

static void map_file(struct region *r, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st))
		err(1, "cannot open '%s'", path);
	r->bytes = st.st_size;
	r->base = mmap(NULL, r->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (r->base == MAP_FAILED)
		err(1, "cannot map '%s'", path);
	close(fd);
}

static void open_region(struct region *r, const char *path)
{
	int ret;

	map_file(r, path);
	memcpy(&r->sb, r->base, sizeof(r->sb));
	ret = ivring_superblock_check(&r->sb, r->bytes);
	if (ret)
		errx(1, "'%s' is no region: error %d", path, ret);
}

static int cmd_format(int argc, char **argv)
{
	struct region r;
	unsigned int i;
	int ret, fd;

	if (argc < 5)
		errx(2, "format FILE SIZE_MIB CHANNELS [SUBBUF_SHIFT]");
	fd = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, strtoull(argv[3], NULL, 0) << 20))
		err(1, "cannot make '%s'", argv[2]);
	close(fd);
	map_file(&r, argv[2]);
	ret = ivring_layout(r.bytes, strtoul(argv[4], NULL, 0),
			    argc > 5 ? strtoul(argv[5], NULL, 0) : 16, &r.sb);
	if (ret)
		errx(1, "cannot lay out '%s': error %d", argv[2], ret);
	ivring_store((__u64 *)r.base, 0);
	memset(r.base + 8, 0, r.bytes - 8);
	for (i = 0; i < r.sb.nr_channels; i++) {
		struct ivring_chan *c = (struct ivring_chan *)(r.base + ivring_chan_desc_off(i));

		c->host.cpu = i;
		c->host.data_off = ivring_chan_data_off(&r.sb, i);
		c->host.size = ivring_chan_bytes(&r.sb);
	}
	r.sb.host_epoch = (__u64)time(NULL) << 20 | getpid();
	r.sb.crc32c = ivring_superblock_crc(&r.sb);
	memcpy(r.base + 8, (char *)&r.sb + 8, sizeof(r.sb) - 8);
	ivring_store_release((__u64 *)r.base, IVRING_MAGIC);
	printf("%u channels of %llu KiB\n", r.sb.nr_channels, ivring_chan_bytes(&r.sb) >> 10);
	return 0;
}

static int cmd_state(char **argv)
{
	static const char *const states[] = { "DOWN", "INIT", "READY", "FROZEN", "DEAD" };
	struct region r;
	unsigned int i;

	open_region(&r, argv[2]);
	struct ivring_guest_page g = *guest_page(&r);

	for (i = 0; i < sizeof(g.release); i++) /* it may be anything */
		if (g.release[i] && (g.release[i] < 0x20 || g.release[i] > 0x7e))
			g.release[i] = '?';
	printf("state %s epoch %llx cpus %u tsc_khz %llu map %u release %.64s heartbeat %llu\n",
	       g.state < 5 ? states[g.state] : "?", g.guest_epoch, g.nr_cpus, g.tsc_khz, g.map_type,
	       g.release, g.heartbeat);
	for (i = 0; i < r.sb.nr_channels; i++) {
		struct ivring_chan *c = (struct ivring_chan *)(r.base + ivring_chan_desc_off(i));
		struct ivring_reader_line *l = (void *)(r.base + ivring_reader_line_off(&r.sb, i));

		printf("channel %u: head %llu tail %llu resv %llu lost %llu %llu %llu events "
		       "%llu\n",
		       i, c->guest.w_head, l->r_tail, c->guest.w_resv_hint, c->guest.lost_full,
		       c->guest.lost_nested, c->guest.lost_big, c->guest.events);
	}
	return 0;
}

static void set_type(__u64 *bitmap, unsigned int type)
{
	bitmap[type / 64] |= 1ULL << (type % 64);
}

static void choose(__u64 *bitmap, char *list)
{
	char *word, *save = NULL;
	unsigned int type;

	if (!list) {
		memset(bitmap, 0xff, N_TYPES / 8); /* no call chains */
		return;
	}
	for (word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		bool found = false;

		if (word[0] >= '0' && word[0] <= '9') {
			set_type(bitmap, strtoul(word, NULL, 0) % IVRING_MAX_TYPE);
			continue;
		}
		for (type = 1; type < N_TYPES; type++)
			if (!strcmp(type_name(type), word) ||
			    (!strcmp(word, "syscall") && type >= IVT_TYPE_SYSCALL_ENTRY)) {
				set_type(bitmap, type);
				found = true;
			}
		if (!found && strcmp(word, "none"))
			errx(2, "unknown event '%s'", word);
	}
}

static void print_record(const struct ivring_record *rec, unsigned int cpu)
{
	const unsigned char *p = (const unsigned char *)(rec + 1);
	unsigned int i, n = rec->size - sizeof(*rec);

	printf("# %llu cpu %u tid %u exec %u %s:", rec->tsc, cpu, rec->ctx & IVRING_CTX_TID_MASK,
	       (rec->ctx & IVRING_CTX_EXEC_MASK) >> IVRING_CTX_EXEC_SHIFT, type_name(rec->type));
	for (i = 0; i < n; i++)
		if (p[i] >= 0x20 && p[i] < 0x7f)
			putchar(p[i]);
		else
			printf("\\%x", p[i]);
	putchar('\n');
}

/* @n: bytes of a payload whose first @fixed end in the count of what follows. */
static bool is_counted(const void *payload, unsigned int n, unsigned int fixed, unsigned int unit)
{
	__u32 count;

	if (n < fixed)
		return false;
	memcpy(&count, (const char *)payload + fixed - sizeof(count), sizeof(count));
	return count <= IVRING_REC_MAX_BYTES / unit && n == ((fixed + count * unit + 7) & ~7u);
}

static const char *check_record(const struct ivring_record *rec, __u64 rest, __u64 last_tsc)
{
	unsigned int n = rec->size - sizeof(*rec);
	enum ending ending;
	int fixed;

	if (rest < sizeof(*rec) || rec->size < sizeof(*rec) || rec->size % 8 || rec->size > rest)
		return "size";
	if (rec->ctx & (IVRING_CTX_BUSY | IVRING_CTX_RSV_MASK))
		return "ctx";
	if (rec->tsc < last_tsc)
		return "time";
	if (rec->type >= N_TYPES)
		return "type";
	fixed = payload_bytes(rec->type, &ending);
	if (fixed < 0)
		return "type";
	if (ending == ENDS_BYTES || ending == ENDS_WORDS)
		return is_counted(rec + 1, n, fixed, ending == ENDS_WORDS ? 8 : 1) ? NULL : "count";
	if (ending == ENDS_STR) {
		const char *text = (const char *)(rec + 1);

		if (n > fixed + IVT_STR_BYTES + 8u || n < (fixed & ~7u) || !n || text[n - 1])
			return "text";
	} else if (n != (unsigned int)fixed) {
		return "payload";
	}
	return NULL;
}

/* count-calls numbers its calls from 0. */
static void check_number(struct tally *t, unsigned int cpu, const struct ivring_record *rec)
{
	const __u64 *args = (const __u64 *)(rec + 1);

	if (rec->type != t->counted_type || rec->size < sizeof(*rec) + 16)
		return;
	if (args[1] && args[1] != t->next_number[cpu])
		t->gaps++;
	t->next_number[cpu] = args[1] + 1;
}

static void check_row(struct tally *t, struct row *r, bool is_exit)
{
	if (r->n && r->is_exit != is_exit) {
		if (r->n_changes++)
			t->unpaired += r->n - 1;
		r->n = 0;
	}
	r->is_exit = is_exit;
	r->n++;
}

/* Entries and exits take turns.  Events are switched one after another: before the
 * first change and after the last, only one of the two may have been on. */
static void check_turns(struct tally *t, unsigned int cpu, unsigned int type)
{
	if (type == IVT_TYPE_irq_handler_entry || type == IVT_TYPE_irq_handler_exit)
		check_row(t, &t->irqs[cpu], type == IVT_TYPE_irq_handler_exit);
	if (type == IVT_TYPE_irq_softirq_entry || type == IVT_TYPE_irq_softirq_exit)
		check_row(t, &t->softirqs[cpu], type == IVT_TYPE_irq_softirq_exit);
}

static void take(struct tally *t, unsigned int cpu, const unsigned char *p, __u64 bytes)
{
	while (bytes) {
		const struct ivring_record *rec = (const struct ivring_record *)p;
		const char *why = check_record(rec, bytes, t->last_tsc[cpu]);

		if (why) {
			printf("# bad record (%s): ", why);
			print_record(rec, cpu);
			t->bad++;
			if (rec->size < sizeof(*rec) || rec->size > bytes)
				return;
		} else {
			t->count[rec->type]++;
			t->exec[(rec->ctx & IVRING_CTX_EXEC_MASK) >> IVRING_CTX_EXEC_SHIFT]++;
			t->last_tsc[cpu] = rec->tsc;
			check_number(t, cpu, rec);
			check_turns(t, cpu, rec->type);
			if (rec->type == IVT_TYPE_lttng_statedump_end &&
			    t->count[IVT_TYPE_lttng_statedump_end] == 1)
				puts("# ready");
			if (t->printed++ < t->print_max)
				print_record(rec, cpu);
		}
		p += rec->size;
		bytes -= rec->size;
	}
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void report(const struct tally *t, const struct ivring_reader *rd, unsigned int n)
{
	__u64 lost[3] = { 0 }, violations = 0, total = 0;
	unsigned int i;

	for (i = 0; i < N_TYPES; i++) {
		total += t->count[i];
		if (t->count[i])
			printf("%s %llu\n", type_name(i), t->count[i]);
	}
	for (i = 0; i < n; i++) {
		lost[0] += rd[i].lost_full;
		lost[1] += rd[i].lost_nested;
		lost[2] += rd[i].lost_big;
		violations += rd[i].violations;
	}
	printf("total %llu\nexec task %llu softirq %llu hardirq %llu nmi %llu\n", total, t->exec[0],
	       t->exec[1], t->exec[2], t->exec[3]);
	printf("lost full %llu nested %llu big %llu\nviolations %llu\ngaps %llu\n"
	       "unpaired %llu\nbad %llu\n",
	       lost[0], lost[1], lost[2], violations, t->gaps, t->unpaired, t->bad);
}

/* A new guest epoch: everything before was taken, so say so, start again.  The
 * first one may hold an earlier reader's records: those are not ours. */
static bool follow_epoch(struct region *r, struct ivring_reader *rd, struct tally *t, __u64 *epoch)
{
	const struct ivring_guest_page *g = guest_page(r);
	__u64 now = ivring_load_acquire(&g->guest_epoch);
	bool is_first = !*epoch;
	unsigned int i;

	if (now != *epoch) {
		ivring_store_release(&reader_page(r)->ack_epoch, now);
		if (ivring_load_acquire(&g->state) != IVRING_GUEST_READY)
			return false;
		printf("# epoch %llx\n", now);
		*epoch = now;
		for (i = 0; i < r->sb.nr_channels; i++) {
			struct ivring_chan *c = (void *)(r->base + ivring_chan_desc_off(i));
			__u64 head = ivring_load_acquire(&c->guest.w_head), lost = rd[i].lost_full;

			if (!is_first) /* the writer started there a moment ago */
				head &= ~((1ULL << r->sb.subbuf_shift) - 1);
			ivring_reader_init(&rd[i], r->base, r->base + r->sb.reader_off, &r->sb, i,
					   head);
			rd[i].lost_full = 0;
			if (lost)
				printf("# channel %u of the last epoch lost %llu\n", i, lost);
			t->last_tsc[i] = 0;
		}
	}
	return true;
}

static void drain(struct ivring_reader *rd, struct tally *t, unsigned int cpu)
{
	struct ivring_range range;
	int ret = ivring_reader_fetch(rd);

	if (ret) {
		printf("# channel %u: fetch error %d\n", cpu, ret);
		return;
	}
	while ((ret = ivring_reader_next(rd, &range)) > 0)
		take(t, cpu, rd->data + range.offset, range.bytes);
	if (ret)
		printf("# channel %u: next error %d\n", cpu, ret);
	ivring_reader_release(rd);
}

static void end_soon(int sig)
{
	(void)sig;
	is_ending = 1;
}

struct run_options {
	char *events;
	bool keep;
	__u32 flags; /* of the reader's page */
};

static void parse(int argc, char **argv, struct run_options *o, struct tally *t)
{
	int opt;

	optind = 3;
	while ((opt = getopt(argc, argv, "e:p:c:kfz")) != -1) {
		switch (opt) {
		case 'e':
			o->events = optarg;
			break;
		case 'p':
			t->print_max = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			t->counted_type = IVT_TYPE_SYSCALL_ENTRY + atoi(optarg);
			break;
		case 'k':
			o->keep = true;
			break;
		case 'f':
			o->flags |= IVRING_READER_FLUSH_REQ;
			break;
		case 'z':
			o->flags |= IVRING_READER_FREEZE;
			break;
		default:
			exit(2);
		}
	}
}

/* One round over all channels: true when something new was there. */
static bool drain_all(struct region *r, struct ivring_reader *rd, struct tally *t, __u64 *epoch)
{
	bool is_new = false;
	unsigned int i;

	if (!follow_epoch(r, rd, t, epoch))
		return false;
	for (i = 0; i < r->sb.nr_channels; i++) {
		__u64 tail = rd[i].tail;

		drain(&rd[i], t, i);
		is_new |= rd[i].tail != tail;
	}
	return is_new;
}

static int cmd_run(int argc, char **argv)
{
	static struct tally t;
	struct run_options o = { NULL, false, 0 };
	__u64 bitmap[IVRING_BITMAP_WORDS] = { 0 }, epoch = 0;
	struct ivring_reader *rd;
	struct region r;
	double quiet_since;

	parse(argc, argv, &o, &t);
	open_region(&r, argv[2]);
	rd = calloc(r.sb.nr_channels, sizeof(*rd));
	choose(bitmap, o.events);
	signal(SIGINT, end_soon);
	signal(SIGTERM, end_soon);
	follow_epoch(&r, rd, &t, &epoch);
	memcpy(reader_page(&r)->enable_bitmap, bitmap, sizeof(bitmap));
	reader_page(&r)->flags = o.flags;
	ivring_store_release(&reader_page(&r)->reader_epoch, (__u64)time(NULL) << 20 | getpid());
	for (; !is_ending; usleep(1000))
		drain_all(&r, rd, &t, &epoch);
	if (!o.keep)
		ivring_store_release(&reader_page(&r)->reader_epoch, 0);
	for (quiet_since = now_s(); now_s() < quiet_since + QUIET_S && !o.keep; usleep(1000))
		if (drain_all(&r, rd, &t, &epoch))
			quiet_since = now_s();
	report(&t, rd, r.sb.nr_channels);
	return t.bad ? 1 : 0;
}

/* ---- a host that lies: the guest must not be hurt by it ---- */

static __u64 random_word(void)
{
	static const __u64 edges[] = {
		0,
		1,
		7,
		8,
		0x7f,
		0xffff,
		0x7fffffff,
		0x80000000,
		0xffffffff,
		0x100000000,
		IVRING_MAX_POS - 1,
		IVRING_MAX_POS,
		IVRING_MAX_POS + 8,
		1ULL << 63,
		~0ULL - 7,
		~0ULL,
	};
	__u64 value = (__u64)random() << 33 ^ (__u64)random() << 11 ^ random();

	switch (random() % 4) {
	case 0:
		return edges[random() % (sizeof(edges) / sizeof(edges[0]))];
	case 1:
		return value >> random() % 64;
	default:
		return value;
	}
}

/* Bytes [@from, @from + @bytes) of the region: one word, or now and then a run. */
static void scribble_in(struct region *r, __u64 from, __u64 bytes)
{
	__u64 *words = (__u64 *)(r->base + from), n = bytes / 8, i = random() % n, run = 1;

	if (random() % 16 == 0)
		run = 1 + random() % 64;
	for (; run && i < n; run--, i++)
		ivring_store(&words[i], random_word());
}

/* What the host wrote once, and a guest believes when it binds. */
struct constants {
	struct ivring_chan_const chans[IVRING_MAX_CHANNELS];
};

static struct ivring_chan *chan_at(const struct region *r, unsigned int i)
{
	return (struct ivring_chan *)(r->base + ivring_chan_desc_off(i));
}

static void restore(struct region *r, const struct constants *c)
{
	unsigned int i;

	for (i = 0; i < r->sb.nr_channels; i++)
		chan_at(r, i)->host = c->chans[i];
	memcpy(r->base, &r->sb, sizeof(r->sb));
}

static void scribble_constants(struct region *r)
{
	scribble_in(r, 0, sizeof(r->sb));
	if (random() % 2) /* it looks as if it were formatted anew */
		scribble_in(r, offsetof(struct ivring_superblock, host_epoch), 8);
	scribble_in(r, ivring_chan_desc_off(random() % r->sb.nr_channels),
		    sizeof(struct ivring_chan_const));
}

/* The page's single words, or it would hardly ever come to a filter, and the guest
 * would be frozen half the time: it is now and then, for a while. */
static void scribble_wishes(struct ivring_reader_page *page)
{
	__u32 flags = ivring_load(&page->flags) & ~IVRING_READER_FREEZE;
	static __u32 freeze;

	if (random() % 16384 == 0)
		freeze = IVRING_READER_FREEZE;
	else if (random() % 512 == 0)
		freeze = 0;
	ivring_store(&page->flags, flags | freeze);
	if (random() % 64 == 0)
		ivring_store(&page->filter.seq, (__u32)random() << (random() % 2));
	if (random() % 64 == 0)
		ivring_store(&page->filter.nr_pids, random() % 2 ? 0 : (__u32)random() << 1);
	if (random() % 64 == 0)
		ivring_store(&page->filter.nr_comms, random() % 2 ? 0 : (__u32)random() << 1);
}

static void scribble_round(struct region *r)
{
	struct ivring_reader_page *page = reader_page(r);
	unsigned int i = random() % r->sb.nr_channels;

	scribble_in(r, r->sb.reader_off, IVRING_PAGE_BYTES);
	scribble_in(r, r->sb.reader_off + IVRING_PAGE_BYTES, 64ULL * r->sb.nr_channels);
	scribble_in(r, IVRING_GUEST_OFF, IVRING_PAGE_BYTES);
	scribble_in(r, ivring_chan_desc_off(i) + offsetof(struct ivring_chan, guest),
		    sizeof(struct ivring_chan) - offsetof(struct ivring_chan, guest));
	scribble_in(r, r->sb.data_off, r->bytes - r->sb.data_off);
	scribble_wishes(page);
	if (random() % 8 == 0)
		ivring_store(&page->reader_epoch, random() % 3);
	if (random() % 8 == 0)
		ivring_store(&page->shake_call, (__u64)random() << 16 | random() % 4);
}

/* The constants are right for a while after each lie, so that the guest binds and
 * writes most of the time; and at the end, when there is no reader. */
static int cmd_scribble(int argc, char **argv)
{
	unsigned int i, seed = argc > 4 ? strtoul(argv[4], NULL, 0) : (unsigned int)getpid();
	static struct constants constants;
	__u64 sane_at = 0, round;
	struct region r;
	double end = now_s() + atof(argv[3]);

	open_region(&r, argv[2]);
	for (i = 0; i < r.sb.nr_channels; i++)
		constants.chans[i] = chan_at(&r, i)->host;
	printf("seed %u\n", seed);
	srandom(seed);
	for (round = 1; now_s() < end; round++) {
		scribble_round(&r);
		if (random() % 4096 == 0) {
			scribble_constants(&r);
			sane_at = round + random() % 512;
		}
		if (round == sane_at)
			restore(&r, &constants);
		usleep(200);
	}
	printf("rounds %llu\n", round);
	memset(r.base + r.sb.reader_off, 0, r.sb.reader_len);
	restore(&r, &constants);
	return 0;
}

/* The driver finds it formatted anew. */
static int cmd_features(int argc, char **argv)
{
	struct region r;

	if (argc < 8)
		errx(2, "features FILE MAJOR MINOR COMPAT RO_COMPAT INCOMPAT");
	map_file(&r, argv[2]);
	memcpy(&r.sb, r.base, sizeof(r.sb));
	r.sb.version_major = strtoul(argv[3], NULL, 0);
	r.sb.version_minor = strtoul(argv[4], NULL, 0);
	r.sb.feature_compat = strtoul(argv[5], NULL, 0);
	r.sb.feature_ro_compat = strtoul(argv[6], NULL, 0);
	r.sb.feature_incompat = strtoul(argv[7], NULL, 0);
	r.sb.host_epoch++;
	r.sb.crc32c = ivring_superblock_crc(&r.sb);
	ivring_store((__u64 *)r.base, 0);
	memcpy(r.base + 8, (char *)&r.sb + 8, sizeof(r.sb) - 8);
	ivring_store_release((__u64 *)r.base, IVRING_MAGIC);
	return 0;
}

int main(int argc, char **argv)
{
	struct region r;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc >= 3 && !strcmp(argv[1], "format"))
		return cmd_format(argc, argv);
	if (argc >= 3 && !strcmp(argv[1], "state"))
		return cmd_state(argv);
	if (argc >= 3 && !strcmp(argv[1], "run"))
		return cmd_run(argc, argv);
	if (argc >= 4 && !strcmp(argv[1], "scribble"))
		return cmd_scribble(argc, argv);
	if (argc >= 3 && !strcmp(argv[1], "features"))
		return cmd_features(argc, argv);
	if (argc >= 3 && !strcmp(argv[1], "off")) {
		open_region(&r, argv[2]);
		ivring_store_release(&reader_page(&r)->reader_epoch, 0);
		return 0;
	}
	fprintf(stderr, "usage: ring-poke format|state|run|off|scribble|features FILE ... (see the "
			"source)\n");
	return 2;
}
