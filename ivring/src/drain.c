// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <ivring/journal.h>

/* Where a test ends the reader: each place between two lasting effects. */
#ifndef IVRING_JOURNAL_POINT
#define IVRING_JOURNAL_POINT(name) ((void)0)
#endif

/* ---- loads from a file that may be cut ------------------------------------- */

struct guard {
	sigjmp_buf point;
	const struct ivring_region *region;
};

/* Of this thread, while it touches a region.  Not allocated at first use: a
 * signal handler reads it. */
static __thread struct guard *volatile guard_current __attribute__((tls_model("initial-exec")));
static struct sigaction earlier_action;
static int is_caught;

static bool is_inside(const void *addr, const void *base, uint64_t bytes)
{
	return (uintptr_t)addr - (uintptr_t)base < bytes;
}

static void on_sigbus(int signo, siginfo_t *info, void *context)
{
	struct guard *guard = guard_current;

	if (guard && info->si_code == BUS_ADRERR &&
	    (is_inside(info->si_addr, guard->region->base, guard->region->sb.region_size) ||
	     is_inside(info->si_addr, guard->region->reader_area, guard->region->sb.reader_len)))
		siglongjmp(guard->point, 1);
	if (earlier_action.sa_flags & SA_SIGINFO) {
		earlier_action.sa_sigaction(signo, info, context);
	} else if (earlier_action.sa_handler != SIG_DFL && earlier_action.sa_handler != SIG_IGN) {
		earlier_action.sa_handler(signo);
	} else { /* nobody's: it comes again, and ends us */
		sigaction(signo, &earlier_action, NULL);
		raise(signo);
	}
}

int ivring_drain_catch_sigbus(void)
{
	/* NODEFER: we leave by a jump, and the next one must come through. */
	struct sigaction sa = { .sa_sigaction = on_sigbus,
				.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK };

	if (is_caught)
		return 0;
	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGBUS, NULL, &earlier_action) || sigaction(SIGBUS, &sa, NULL))
		return -errno;
	is_caught = 1;
	return 0;
}

/* @call, which only loads from and stores to the region and changes d->reader
 * and what @arg is; -EFAULT with the reader as it was when the region is gone. */
static int guarded(struct ivring_drain *d, int (*call)(struct ivring_drain *d, void *arg),
		   void *arg)
{
	const struct ivring_reader before = d->reader;
	struct guard guard = { .region = d->region };
	int ret;

	if (d->is_sealed)
		return call(d, arg);
	if (sigsetjmp(guard.point, 0)) {
		guard_current = NULL;
		d->reader = before;
		return -EFAULT;
	}
	guard_current = &guard;
	ivring_barrier();
	ret = call(d, arg);
	ivring_barrier();
	guard_current = NULL;
	/* Nonsense may be what the kernel shows of a file that was cut. */
	if (ret == -EPROTO && ivring_region_check(d->region)) {
		d->reader = before;
		ret = -EFAULT;
	}
	return ret;
}

/* ---- the file ---------------------------------------------------------------- */

/* For a clean-up after a failure that is being reported. */
static void ignore_result(int result)
{
	(void)result;
}

/* All of @iov, which changes. */
static int write_all(int fd, struct iovec *iov, int n_iov, uint64_t offset)
{
	while (n_iov) {
		ssize_t n = pwritev(fd, iov, n_iov, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EIO;
		offset += (uint64_t)n;
		for (; n_iov && (size_t)n >= iov->iov_len; iov++, n_iov--)
			n -= (ssize_t)iov->iov_len;
		if (n_iov) {
			iov->iov_base = (char *)iov->iov_base + n;
			iov->iov_len -= (size_t)n;
		}
	}
	return 0;
}

/* Write @n packets behind what counts; *ret_bytes of file they are.  On failure
 * the file is cut back, to leave a full disk what little there is. */
static int write_packets(struct ivring_drain *d, const struct ivring_range *ranges, uint32_t n,
			 uint64_t *ret_bytes)
{
	unsigned char headers[IVRING_DRAIN_MAX_PACKETS][IVRING_DRAIN_HEADER_BYTES];
	const struct ivring_reader *r = &d->reader;
	struct iovec iov[2 * IVRING_DRAIN_MAX_PACKETS];
	uint64_t bytes = 0;
	int n_iov = 0, err;
	uint32_t i;

	for (i = 0; i < n; i++) {
		struct ivring_drain_packet packet = {
			.seq = d->packet_seq + i,
			.pos = ranges[i].pos,
			.bytes = ranges[i].bytes,
			.lost = r->lost_full + r->lost_nested + r->lost_big,
			.channel = d->channel,
		};
		uint32_t header = d->opt.frame ? d->opt.frame(d->opt.arg, &packet, headers[i]) : 0;

		if (header > IVRING_DRAIN_HEADER_BYTES)
			return -EINVAL;
		if (header)
			iov[n_iov++] = (struct iovec){ headers[i], header };
		iov[n_iov++] =
			(struct iovec){ (void *)(r->data + ranges[i].offset), ranges[i].bytes };
		bytes += header + ranges[i].bytes;
	}
	err = write_all(d->opt.fd, iov, n_iov, d->pos.file_offset);
	if (err) {
		ignore_result(ftruncate(d->opt.fd, (off_t)d->pos.file_offset));
		return err;
	}
	IVRING_JOURNAL_POINT("data written");
	*ret_bytes = bytes;
	return 0;
}

/* ---- steps ------------------------------------------------------------------- */

/* @file_bytes more count, in @n_packets; all before the reader's tail is done. */
static void commit(struct ivring_drain *d, uint64_t file_bytes, uint32_t n_packets)
{
	const struct ivring_reader *r = &d->reader;

	d->packet_seq += n_packets;
	d->pos = (struct ivring_journal_pos){
		.tail = r->tail,
		.file_offset = d->pos.file_offset + file_bytes,
		.packet_seq = d->packet_seq,
		.lost_full = r->lost_full,
		.lost_nested = r->lost_nested,
		.lost_big = r->lost_big,
	};
	ivring_journal_commit(d->journal, d->channel, &d->pos);
}

static int release(struct ivring_drain *d, void *arg)
{
	(void)arg;
	ivring_reader_release(&d->reader);
	IVRING_JOURNAL_POINT("released");
	return 0;
}

struct gathered {
	struct ivring_range ranges[IVRING_DRAIN_MAX_PACKETS];
	uint32_t n;
	uint64_t bytes;
	uint64_t max_bytes;
};

static int gather(struct ivring_drain *d, void *arg)
{
	struct gathered *g = arg;
	int got = ivring_reader_fetch(&d->reader);

	if (got)
		return got;
	while (g->n < IVRING_DRAIN_MAX_PACKETS && (!g->n || g->bytes < g->max_bytes) &&
	       (got = ivring_reader_next(&d->reader, &g->ranges[g->n])) == 1)
		g->bytes += g->ranges[g->n++].bytes;
	return got < 0 ? got : 0;
}

static int step_discard(struct ivring_drain *d, uint64_t max_bytes, uint64_t *ret_bytes)
{
	struct gathered g = { .max_bytes = max_bytes };
	uint64_t tail = d->reader.tail, file_bytes = 0;
	int bad = guarded(d, gather, &g), err;

	if (bad && bad != -EPROTO)
		return bad;
	if (g.n) {
		err = write_packets(d, g.ranges, g.n, &file_bytes);
		if (err) {
			d->reader.tail = tail;
			return err;
		}
	}
	/* The tail also moves over nonsense, and counters without records. */
	if (d->reader.tail != d->pos.tail || d->reader.lost_full != d->pos.lost_full ||
	    d->reader.lost_nested != d->pos.lost_nested || d->reader.lost_big != d->pos.lost_big) {
		commit(d, file_bytes, g.n);
		err = guarded(d, release, NULL);
		if (err)
			return err;
	}
	if (bad && !g.n)
		return bad;
	*ret_bytes = g.bytes;
	return 0;
}

static int snapshot_begin(struct ivring_drain *d, void *arg)
{
	(void)arg;
	return ivring_snapshot_begin(&d->reader);
}

static int snapshot_next(struct ivring_drain *d, void *arg)
{
	return ivring_snapshot_next(&d->reader, arg);
}

static int snapshot_accept(struct ivring_drain *d, void *arg)
{
	(void)arg;
	return ivring_snapshot_accept(&d->reader);
}

/* One sub-buffer of a snapshot.  1 with *ret_bytes; 0: no more; -errno. */
static int take_snapshot(struct ivring_drain *d, uint64_t *ret_bytes)
{
	struct ivring_range range;
	uint64_t file_bytes = 0;
	int got = guarded(d, snapshot_next, &range), err;

	if (got <= 0)
		return got;
	if (d->reader.overwritten != d->overwritten) { /* a gap that a reader can see */
		d->overwritten = d->reader.overwritten;
		d->packet_seq++;
	}
	if (range.bytes) {
		err = write_packets(d, &range, 1, &file_bytes);
		if (err)
			return err;
	}
	got = guarded(d, snapshot_accept, NULL);
	if (got < 0 && got != -EPROTO)
		return got;
	/* Thrown away: the next packet is written over it. */
	if (got != 1)
		file_bytes = range.bytes = 0;
	commit(d, file_bytes, file_bytes ? 1 : 0);
	*ret_bytes = range.bytes;
	return got < 0 ? got : 1;
}

static int step_overwrite(struct ivring_drain *d, uint64_t max_bytes, uint64_t *ret_bytes)
{
	uint64_t taken = 0, bytes = 0;
	int got = guarded(d, snapshot_begin, NULL), err, i;

	if (got)
		return got;
	for (i = 0; i < IVRING_DRAIN_MAX_PACKETS && (!taken || taken < max_bytes); i++) {
		got = take_snapshot(d, &bytes);
		if (got <= 0)
			break;
		taken += bytes;
	}
	err = guarded(d, release, NULL);
	if (err)
		return err;
	if (got < 0 && !taken)
		return got;
	*ret_bytes = taken;
	return 0;
}

int ivring_drain_step(struct ivring_drain *drain, uint64_t max_bytes, uint64_t *ret_bytes)
{
	if (!drain->is_sealed) {
		int err = ivring_region_check(drain->region);

		if (err)
			return err;
	}
	IVRING_JOURNAL_POINT("checked");
	return drain->region->mode == IVRING_MODE_OVERWRITE
		       ? step_overwrite(drain, max_bytes, ret_bytes)
		       : step_discard(drain, max_bytes, ret_bytes);
}

int ivring_drain_finish(struct ivring_drain *drain)
{
	return ftruncate(drain->opt.fd, (off_t)drain->pos.file_offset) ? -errno : 0;
}

/* ---- begin, resume ------------------------------------------------------------ */

/* Nothing is journalled: from here on. */
static int begin(struct ivring_drain *d, void *arg)
{
	__u64 head;

	(void)arg;
	ivring_region_reader(d->region, d->channel, &d->reader);
	return ivring_reader_load(&d->reader, &head);
}

/* From the journal, if that and the ring can both be true. */
static int resume(struct ivring_drain *d, void *arg)
{
	const struct ivring_region *region = d->region;
	struct ivring_reader *r = &d->reader;
	__u64 head;
	int err;

	(void)arg;
	ivring_reader_init(r, region->base, region->reader_area, &region->sb, d->channel,
			   d->pos.tail);
	r->lost_full = d->pos.lost_full;
	r->lost_nested = d->pos.lost_nested;
	r->lost_big = d->pos.lost_big;
	err = ivring_reader_load(r, &head);
	if (err)
		return err;
	if (!ivring_head_is_sane(r, r->tail) || r->tail > head ||
	    (region->mode == IVRING_MODE_DISCARD && head - r->tail > r->size))
		return -EPROTO;
	r->head = head;
	return 0;
}

static bool is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_SHRINK);
}

/* Cut the file to d->pos; what is behind was not journalled. */
static int cut_file(const struct ivring_drain *d)
{
	struct stat st;

	if (fstat(d->opt.fd, &st))
		return -errno;
	if ((uint64_t)st.st_size < d->pos.file_offset)
		return -EMSGSIZE;
	return ftruncate(d->opt.fd, (off_t)d->pos.file_offset) ? -errno : 0;
}

int ivring_drain_open(const struct ivring_region *region, struct ivring_journal *journal,
		      uint32_t channel, const struct ivring_drain_options *opt,
		      struct ivring_drain *ret)
{
	struct ivring_drain d = { .region = region,
				  .journal = journal,
				  .opt = *opt,
				  .channel = channel,
				  .is_sealed = is_sealed(region->fd),
				  .pos.file_offset = opt->file_offset };
	int journalled, err;

	if (opt->struct_bytes != sizeof(*opt))
		return -EINVAL;
	if (channel >= region->sb.nr_channels)
		return -ERANGE;
	journalled = ivring_journal_read(journal, channel, &d.pos);
	if (journalled && journalled != -ENODATA)
		return journalled;
	err = ivring_region_check(region);
	if (!err)
		err = guarded(&d, journalled ? begin : resume, NULL);
	if (!err)
		err = cut_file(&d);
	if (err)
		return err;
	d.packet_seq = d.pos.packet_seq;
	if (journalled)
		commit(&d, 0, 0);
	err = guarded(&d, release, NULL);
	if (err)
		return err;
	*ret = d;
	return 0;
}
