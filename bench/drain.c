// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The way from a ring to the disk: ranges of a mapped region through the real
 * ring reader and trace writer, beside plain write() of the same bytes from
 * private memory to the same file system, in pieces of the same size, and beside
 * memcpy() of them, which is what a copy costs without any file.  Bytes per second
 * of CPU time: what one core does.  Also the drain of libivring, which keeps a
 * journal of how far it came: "journalled".
 *
 *	drain [--quick]		files go to TMPDIR; a second table is for /dev/shm
 */
#include "bench.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/mman.h>
#include <ivring/journal.h>
#include "trace/packet.h"
#include "trace/trace_writer.h"

static struct ivring_superblock sb;
static unsigned char *region;	  /* shared mapping, the guest's side */
static const unsigned char *view; /* the reader's read-only mapping */
static unsigned char *private_copy;
static struct ivring_writer writer;
static unsigned int n_fills = 32; /* of the 4 MiB ring, per run */
static const unsigned int n_runs = 12;

/* Until the ring is full. */
static void fill(void)
{
	uint64_t payload[2] = { 1, 2 };

	while (ivring_emit(&writer, 16, 1, payload, sizeof(payload)))
		;
	ivring_flush(&writer);
}

static struct ivring_region shared; /* as libivring has it */

static int map_region(void)
{
	int fd = memfd_create("ivtrace-bench", MFD_CLOEXEC);
	void *p;

	if (ivring_layout(8 << 20, 1, 16, &sb) || fd < 0 || ftruncate(fd, (off_t)sb.region_size))
		return -1;
	p = mmap(NULL, sb.region_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	region = p == MAP_FAILED ? NULL : p;
	p = mmap(NULL, sb.region_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	view = p == MAP_FAILED ? NULL : p;
	private_copy = malloc((size_t)ivring_chan_bytes(&sb));
	if (!region || !view || !private_copy)
		return -1;
	memset(private_copy, 0, (size_t)ivring_chan_bytes(&sb));
	shared.fd = fd;
	shared.sb = sb;
	shared.base = (void *)(uintptr_t)view;
	shared.reader_area = region + sb.reader_off;
	return 0;
}

/* One run: what it writes to, and what each way took for the same records. */
struct run {
	char trace_path[PATH_MAX], plain_path[PATH_MAX], file_path[PATH_MAX];
	char journal_path[PATH_MAX];
	int plain_fd, file_fd;
	struct ivt_trace_writer *trace;
	uint32_t machine;
	struct ivring_reader reader;
	struct ivring_journal journal;
	struct ivring_drain journalled;
	uint64_t drain_ns, copy_ns, plain_ns, journalled_ns, bytes;
};

/* Drain what the ring holds.  The ranges are noted for copy_and_write(). */
static int drain_fill(struct run *r, struct ivring_range *ranges, unsigned int *ret_n)
{
	uint64_t start = bench_cpu_ns();
	struct ivring_range range;
	struct ivt_error err;
	struct iovec iov;
	unsigned int n = 0;

	if (ivring_reader_fetch(&r->reader))
		return -1;
	while (ivring_reader_next(&r->reader, &range) == 1) {
		iov.iov_base = (void *)(uintptr_t)(r->reader.data + range.offset);
		iov.iov_len = range.bytes;
		if (ivt_trace_writer_append(r->trace, r->machine, 0, &iov, 1, r->reader.lost_full,
					    0, &err))
			return -1;
		ranges[n++] = range;
	}
	*ret_n = n;
	r->drain_ns += bench_cpu_ns() - start;
	return 0;
}

static int copy_and_write(struct run *r, const struct ivring_range *ranges, unsigned int n)
{
	uint64_t start;
	unsigned int i;

	start = bench_cpu_ns();
	for (i = 0; i < n; i++)
		memcpy(private_copy + ranges[i].offset, r->reader.data + ranges[i].offset,
		       ranges[i].bytes);
	r->copy_ns += bench_cpu_ns() - start;
	start = bench_cpu_ns();
	for (i = 0; i < n; i++) {
		if (write(r->plain_fd, private_copy + ranges[i].offset, ranges[i].bytes) !=
		    (ssize_t)ranges[i].bytes)
			return -1;
		r->bytes += ranges[i].bytes;
	}
	r->plain_ns += bench_cpu_ns() - start;
	return 0;
}

/* As much before each packet as the trace's writer puts there. */
static uint32_t put_header(void *arg, const struct ivring_drain_packet *packet, void *ret_header)
{
	(void)arg;
	memset(ret_header, 0, sizeof(struct ivt_packet_header));
	memcpy(ret_header, &packet->seq, sizeof(packet->seq));
	return sizeof(struct ivt_packet_header);
}

/* Gives the ring back. */
static int drain_journalled(struct run *r)
{
	uint64_t start = bench_cpu_ns(), bytes, taken = 0;

	do {
		if (ivring_drain_step(&r->journalled, UINT64_MAX, &bytes))
			return -1;
		taken += bytes;
	} while (bytes);
	r->journalled_ns += bench_cpu_ns() - start;
	return r->journalled.reader.tail == r->reader.tail && taken ? 0 : -1;
}

static int run_fills(struct run *r)
{
	struct ivring_range ranges[512];
	unsigned int i, n;

	for (i = 0; i < n_fills; i++) {
		fill();
		if (drain_fill(r, ranges, &n) || copy_and_write(r, ranges, n) ||
		    drain_journalled(r))
			return -1;
	}
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* New files each time, so that all allocate their pages. */
static int open_trace(struct run *r)
{
	struct ivt_machine_info guest = {
		.name = "a", .kind = IVT_GUEST, .clock = IVT_CLOCK_TSC, .qemu_pid = -1
	};
	struct ivt_error err = { 0 };

	if (ivt_trace_writer_create(r->trace_path, IVT_VERSION, &r->trace, &err) ||
	    ivt_trace_writer_add_machine(r->trace, &guest, &r->machine, &err) ||
	    ivt_trace_writer_add_stream(r->trace, r->machine, 0, &err))
		return -1;
	return 0;
}

static int open_journalled(struct run *r)
{
	struct ivring_drain_options opt = { .struct_bytes = sizeof(opt),
					    .fd = r->file_fd,
					    .frame = put_header };
	struct ivring_journal_id id;

	if (ivring_journal_identify(&shared, 1, &id) ||
	    ivring_journal_create(r->journal_path, &id, &r->journal) ||
	    ivring_drain_open(&shared, &r->journal, 0, &opt, &r->journalled))
		return -1;
	return 0;
}

static int open_run(struct run *r, const char *folder)
{
	const int flags = O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC;

	snprintf(r->trace_path, PATH_MAX, "%s/bench-drain.%d.ivt", folder, getpid());
	snprintf(r->plain_path, PATH_MAX, "%s/bench-plain.%d", folder, getpid());
	snprintf(r->file_path, PATH_MAX, "%s/bench-journalled.%d", folder, getpid());
	snprintf(r->journal_path, PATH_MAX, "%s/bench-journal.%d", folder, getpid());
	r->plain_fd = open(r->plain_path, flags, 0600);
	r->file_fd = open(r->file_path, flags, 0600);
	if (r->plain_fd < 0 || r->file_fd < 0)
		return -1;
	memset(region, 0, sb.data_off);
	ivring_writer_init(&writer, region, &sb, 0, 1);
	ivring_reader_init(&r->reader, view, region + sb.reader_off, &sb, 0, 0);
	return open_trace(r) || open_journalled(r) ? -1 : 0;
}

static void close_run(struct run *r)
{
	struct ivt_error err;

	ivt_trace_writer_close(r->trace, &err);
	ivring_journal_close(&r->journal);
	if (r->plain_fd >= 0)
		close(r->plain_fd);
	if (r->file_fd >= 0)
		close(r->file_fd);
	unlink(r->plain_path);
	unlink(r->file_path);
	unlink(r->journal_path);
	nftw(r->trace_path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

struct rates {
	struct bench_samples drain, journalled, plain, copy;
};

static void add_rate(struct bench_samples *s, uint64_t bytes, uint64_t ns)
{
	bench_add(s, (double)bytes * 1e9 / (double)ns);
}

static int run_once(const char *folder, struct rates *rates)
{
	struct run r = { .plain_fd = -1, .file_fd = -1 };
	int ret = open_run(&r, folder) || run_fills(&r) ? -1 : 0;

	if (ret) {
		fprintf(stderr, "drain: cannot write in '%s': %s\n", folder, strerror(errno));
	} else {
		add_rate(&rates->drain, r.bytes, r.drain_ns);
		add_rate(&rates->journalled, r.bytes, r.journalled_ns);
		add_rate(&rates->plain, r.bytes, r.plain_ns);
		add_rate(&rates->copy, r.bytes, r.copy_ns);
	}
	close_run(&r);
	return ret;
}

static int measure(const char *folder, const char *metric)
{
	struct rates rates = { .drain.name = "drain",
			       .journalled.name = "journalled",
			       .plain.name = "write",
			       .copy.name = "memcpy" };
	unsigned int run;

	for (run = 0; run < n_runs; run++)
		if (run_once(folder, &rates))
			return -1;
	bench_report("drain", metric, "B/s", &rates.drain, &rates.plain);
	bench_report("drain", metric, "B/s", &rates.drain, &rates.copy);
	bench_report("drain", metric, "B/s", &rates.journalled, &rates.plain);
	bench_report("drain", metric, "B/s", &rates.plain, NULL);
	bench_report("drain", metric, "B/s", &rates.copy, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	const char *folder = getenv("TMPDIR");

	if (argc > 1 && !strcmp(argv[1], "--quick"))
		n_fills = 2;
	if (map_region()) {
		fprintf(stderr, "drain: cannot map a region: %s\n", strerror(errno));
		return 1;
	}
	if (measure(folder && *folder ? folder : "/tmp", "bytes_per_s.file"))
		return 1;
	if (!access("/dev/shm", W_OK) && measure("/dev/shm", "bytes_per_s.tmpfs"))
		return 1;
	return 0;
}
