// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * slowdisk: a FUSE file system with one file, "disk", that behaves like a disk
 * with one head: requests are served one at a time, first come first served,
 * and each takes a seek plus its bytes at a given rate. A loop device on top
 * makes it a block device of the host's kernel, slow in the same way every time.
 *
 * One thread reads the requests, so the order of service is the order in which
 * the kernel queued them. The contents live in a sparse memfd: the machine's
 * own disk has no part in the times.
 */
#define FUSE_USE_VERSION 34

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
	INO_DISK = 2
};
enum {
	BLOCK_BYTES = 4096,
	MAX_REQUEST_BYTES = 1 << 20
};

struct disk {
	int fd;
	uint64_t size_bytes;
	uint64_t bytes_per_s;
	uint64_t seek_us;
	uint64_t flush_us;
	FILE *log;
	char *buf;
};

static struct disk disk = {
	.bytes_per_s = 40000000,
	.seek_us = 1000,
};

static const char help[] =
	"Usage: slowdisk --size N [OPTIONS] MOUNTPOINT\n"
	"\n"
	"Mounts a file system whose one file, 'disk', is a slow disk of N bytes, and\n"
	"serves it in the foreground until it is unmounted. Usually started by\n"
	"lab/slowdisk-ctl, which also attaches a loop device.\n"
	"\n"
	"  --size N       size in bytes; K, M, G are understood\n"
	"  --bps N        bytes per second (40M: 40000000; here M is a million)\n"
	"  --seek-us N    time of each read or write before its bytes (1000)\n"
	"  --flush-us N   time of a flush (0)\n"
	"  --log FILE     one line per request: begin and end in CLOCK_MONOTONIC ns,\n"
	"                 R, W or F, offset, bytes\n";

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* Holds the disk for the time that a request takes, counted from @begin_ns. */
static void disk_hold(uint64_t begin_ns, uint64_t seek_us, uint64_t bytes)
{
	uint64_t end_ns = begin_ns + seek_us * 1000;
	struct timespec ts;

	if (disk.bytes_per_s)
		end_ns += bytes * 1000000000ull / disk.bytes_per_s;
	ts.tv_sec = end_ns / 1000000000;
	ts.tv_nsec = end_ns % 1000000000;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

/* Before the reply, so that a line is there when its request has returned. */
static void disk_log(uint64_t begin_ns, char op, off_t offset, size_t bytes)
{
	if (disk.log)
		fprintf(disk.log, "%" PRIu64 " %" PRIu64 " %c %jd %zu\n", begin_ns, now_ns(), op,
			(intmax_t)offset, bytes);
}

static void stat_fill(fuse_ino_t ino, struct stat *ret)
{
	*ret = (struct stat){ .st_ino = ino, .st_blksize = BLOCK_BYTES };
	if (ino == FUSE_ROOT_ID) {
		ret->st_mode = S_IFDIR | 0700;
		ret->st_nlink = 2;
	} else {
		ret->st_mode = S_IFREG | 0600;
		ret->st_nlink = 1;
		ret->st_size = disk.size_bytes;
		ret->st_blocks = disk.size_bytes / 512;
	}
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	stat_fill(ino, &st);
	fuse_reply_attr(req, &st, 3600);
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		       struct fuse_file_info *fi)
{
	(void)attr;
	if (to_set & FUSE_SET_ATTR_SIZE) {
		fuse_reply_err(req, EPERM);
		return;
	}
	op_getattr(req, ino, fi);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = { .ino = INO_DISK,
					  .attr_timeout = 3600,
					  .entry_timeout = 3600 };

	if (parent != FUSE_ROOT_ID || strcmp(name, "disk")) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	stat_fill(INO_DISK, &entry.attr);
	fuse_reply_entry(req, &entry);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		       struct fuse_file_info *fi)
{
	char buf[256];
	struct stat st;
	size_t n;

	(void)fi;
	if (ino != FUSE_ROOT_ID) {
		fuse_reply_err(req, ENOTDIR);
		return;
	}
	stat_fill(INO_DISK, &st);
	n = fuse_add_direntry(req, buf, sizeof(buf), "disk", &st, 1);
	fuse_reply_buf(req, buf, offset || n > size ? 0 : n);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (ino != INO_DISK) {
		fuse_reply_err(req, EISDIR);
		return;
	}
	/* No page cache in front of the disk: each request is one of ours. */
	fi->direct_io = 1;
	fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	uint64_t begin_ns = now_ns();
	ssize_t n;

	(void)ino;
	(void)fi;
	if (size > MAX_REQUEST_BYTES) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	n = pread(disk.fd, disk.buf, size, offset);
	if (n < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	disk_hold(begin_ns, disk.seek_us, n);
	disk_log(begin_ns, 'R', offset, n);
	fuse_reply_buf(req, disk.buf, n);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t offset,
		     struct fuse_file_info *fi)
{
	uint64_t begin_ns = now_ns();
	ssize_t n;

	(void)ino;
	(void)fi;
	if (offset < 0 || (uint64_t)offset + size > disk.size_bytes) {
		fuse_reply_err(req, ENOSPC);
		return;
	}
	n = pwrite(disk.fd, buf, size, offset);
	if (n < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	disk_hold(begin_ns, disk.seek_us, n);
	disk_log(begin_ns, 'W', offset, n);
	fuse_reply_write(req, n);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	uint64_t begin_ns = now_ns();

	(void)ino;
	(void)datasync;
	(void)fi;
	disk_hold(begin_ns, disk.flush_us, 0);
	disk_log(begin_ns, 'F', 0, 0);
	fuse_reply_err(req, 0);
}

static const struct fuse_lowlevel_ops ops = {
	.lookup = op_lookup,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readdir = op_readdir,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.fsync = op_fsync,
};

/* @k is what K means: 1024 for sizes, 1000 for rates. */
static uint64_t parse_number(const char *text, uint64_t k)
{
	char *end;
	uint64_t value = strtoull(text, &end, 10);
	static const char suffixes[] = "KMG";
	const char *suffix = *end ? strchr(suffixes, *end) : NULL;

	if (suffix) {
		for (; suffix >= suffixes; suffix--)
			value *= k;
		end++;
	}
	if (*end || end == text) {
		fprintf(stderr, "slowdisk: '%s' is not a number (see --help)\n", text);
		exit(2);
	}
	return value;
}

static const char *options_parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "size", required_argument, NULL, 's' },
		{ "bps", required_argument, NULL, 'b' },
		{ "seek-us", required_argument, NULL, 'k' },
		{ "flush-us", required_argument, NULL, 'f' },
		{ "log", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (opt) {
		case 's':
			disk.size_bytes = parse_number(optarg, 1024);
			break;
		case 'b':
			disk.bytes_per_s = parse_number(optarg, 1000);
			break;
		case 'k':
			disk.seek_us = parse_number(optarg, 1000);
			break;
		case 'f':
			disk.flush_us = parse_number(optarg, 1000);
			break;
		case 'l':
			/* Appended to, so that a test can empty it meanwhile. */
			unlink(optarg);
			disk.log = fopen(optarg, "ae");
			if (!disk.log) {
				fprintf(stderr, "slowdisk: cannot write log '%s': %s\n", optarg,
					strerror(errno));
				exit(1);
			}
			setvbuf(disk.log, NULL, _IOLBF, 0);
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		default:
			exit(2);
		}
	}
	if (optind != argc - 1 || !disk.size_bytes || disk.size_bytes % BLOCK_BYTES) {
		fprintf(stderr, "slowdisk: wants one mount point and a --size that is a multiple "
				"of 4096 (see --help)\n");
		exit(2);
	}
	return argv[optind];
}

static int disk_create(void)
{
	disk.fd = memfd_create("slowdisk", MFD_CLOEXEC);
	if (disk.fd < 0 || ftruncate(disk.fd, disk.size_bytes)) {
		fprintf(stderr, "slowdisk: cannot make a disk of %" PRIu64 " bytes: %s\n",
			disk.size_bytes, strerror(errno));
		return -1;
	}
	disk.buf = malloc(MAX_REQUEST_BYTES);
	return disk.buf ? 0 : -1;
}

int main(int argc, char **argv)
{
	const char *mountpoint = options_parse(argc, argv);
	char *fuse_argv[] = { argv[0], "-o", "fsname=slowdisk,subtype=slowdisk", NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, fuse_argv);
	struct fuse_session *session;
	int err;

	/* The default slack of 50 us would be a sixth of a seek. */
	prctl(PR_SET_TIMERSLACK, 1);
	if (disk_create())
		return 1;
	session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (!session)
		return 1;
	if (fuse_set_signal_handlers(session) || fuse_session_mount(session, mountpoint)) {
		fprintf(stderr, "slowdisk: cannot mount on '%s': see above\n", mountpoint);
		fuse_session_destroy(session);
		return 1;
	}
	/* One thread: the queue of the kernel is the queue of the disk. */
	err = fuse_session_loop(session);
	fuse_session_unmount(session);
	fuse_remove_signal_handlers(session);
	fuse_session_destroy(session);
	return err < 0;
}
