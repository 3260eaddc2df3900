// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>
#include <ivring/region.h>

#define DEFAULT_SUBBUF_SHIFT 16
#define SCAN_BYTES	     (256u << 10)

/* A caller of another version may know fewer options, or more. */
static struct ivring_region_options region_options(const struct ivring_region_options *opt)
{
	struct ivring_region_options o = { .struct_bytes = sizeof(o) };

	if (opt)
		memcpy(&o, opt, opt->struct_bytes < sizeof(o) ? opt->struct_bytes : sizeof(o));
	return o;
}

/* The superblock that @opt describes, for a file of @file_bytes (0: to be made). */
static int region_layout(const struct ivring_region_options *opt, uint64_t file_bytes,
			 struct ivring_superblock *ret)
{
	uint64_t bytes = opt->region_bytes;
	uint32_t channels = opt->nr_channels ? opt->nr_channels : IVRING_REGION_DEFAULT_CHANNELS;
	uint32_t shift = opt->subbuf_shift ? opt->subbuf_shift : DEFAULT_SUBBUF_SHIFT;
	uint32_t lowest = opt->subbuf_shift ? shift : IVRING_MIN_SUBBUF_SHIFT;
	int err;

	if (opt->mode > IVRING_MODE_OVERWRITE)
		return -EDOM;
	if (!bytes)
		bytes = file_bytes ? file_bytes : IVRING_REGION_DEFAULT_BYTES;
	if (file_bytes && bytes > file_bytes)
		return -EMSGSIZE;
	if (file_bytes && bytes != file_bytes)
		return -EDOM;
	do
		err = ivring_layout(bytes, channels, shift, ret);
	while (err == -ENOSPC && shift-- > lowest);
	return err ? -EDOM : 0;
}

/* What mappings of the file are made of: pages, or huge ones. */
static uint64_t map_grain(int fd)
{
	struct statfs fs;

	if (!fstatfs(fd, &fs) && fs.f_type == HUGETLBFS_MAGIC)
		return (uint64_t)fs.f_bsize;
	return IVRING_PAGE_BYTES;
}

static uint64_t round_up(uint64_t bytes, uint64_t grain)
{
	return (bytes + grain - 1) & ~(grain - 1);
}

/* Everything but the magic, then the magic: a guest that polls for it sees a
 * whole region.  The file is zero. */
static int region_write(int fd, struct ivring_superblock *sb, uint32_t mode)
{
	struct ivring_superblock *shared;
	struct timespec now;
	uint64_t bytes = round_up(sb->data_off, map_grain(fd));
	unsigned char *base;
	uint32_t i;
	int err;

	err = posix_fallocate(fd, 0, (off_t)sb->region_size);
	if (err)
		return -err;
	base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	clock_gettime(CLOCK_REALTIME, &now);
	sb->host_epoch = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	if (getrandom(sb->guest_uuid, sizeof(sb->guest_uuid), 0) < 0)
		memset(sb->guest_uuid, 0, sizeof(sb->guest_uuid));
	sb->crc32c = ivring_superblock_crc(sb);
	for (i = 0; i < sb->nr_channels; i++) {
		struct ivring_chan *chan = (struct ivring_chan *)(base + ivring_chan_desc_off(i));

		memset(chan, 0, sizeof(*chan));
		chan->host.cpu = i;
		chan->host.kind = IVRING_KIND_GUEST_VCPU;
		chan->host.mode = (uint16_t)mode;
		chan->host.data_off = ivring_chan_data_off(sb, i);
		chan->host.size = ivring_chan_bytes(sb);
		chan->host.clock_id = IVRING_CLOCK_TSC;
	}
	shared = (struct ivring_superblock *)base;
	sb->magic = 0;
	memcpy(shared, sb, sizeof(*sb));
	sb->magic = IVRING_MAGIC;
	ivring_store_release(&shared->magic, sb->magic);
	munmap(base, bytes);
	return 0;
}

static bool is_zero(const unsigned char *p, size_t bytes)
{
	return !bytes || (!p[0] && !memcmp(p, p + 1, bytes - 1));
}

/* 0: the file holds only zeros (or nothing); -EMEDIUMTYPE: it does not.  Holes
 * are passed over; read() rather than a mapping, so that a file that shrinks
 * meanwhile is no fault. */
static int region_is_blank(int fd)
{
	unsigned char *buf = malloc(SCAN_BYTES);
	off_t pos = 0;
	int err = 0;

	if (!buf)
		return -ENOMEM;
	for (;;) {
		off_t data = lseek(fd, pos, SEEK_DATA);
		ssize_t n;

		if (data < 0 && errno == ENXIO)
			break;
		if (data > pos)
			pos = data;
		n = pread(fd, buf, SCAN_BYTES, pos);
		if (n < 0)
			err = -errno;
		else if (n > 0 && !is_zero(buf, (size_t)n))
			err = -EMEDIUMTYPE;
		if (n <= 0 || err)
			break;
		pos += n;
	}
	free(buf);
	return err;
}

/* A format that was interrupted before the magic leaves all of the superblock
 * but that: it is ours to do again. */
static bool is_unfinished(const struct ivring_superblock *sb)
{
	struct ivring_superblock whole = *sb;

	if (sb->magic || !sb->crc32c)
		return false;
	whole.magic = IVRING_MAGIC;
	return !ivring_superblock_check(&whole, UINT64_MAX);
}

static int region_examine(int fd, struct ivring_superblock *ret, uint64_t *ret_bytes)
{
	struct ivring_superblock sb;
	struct stat st;
	ssize_t n;
	int err;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENXIO;
	*ret_bytes = (uint64_t)st.st_size;
	memset(&sb, 0, sizeof(sb));
	n = pread(fd, &sb, sizeof(sb), 0);
	if (n < 0)
		return -errno;
	if (sb.magic != IVRING_MAGIC) {
		if (is_unfinished(&sb))
			return -ENODATA;
		err = region_is_blank(fd);
		return err ? err : -ENODATA;
	}
	err = ivring_superblock_check(&sb, (uint64_t)st.st_size);
	if (!err && ret)
		*ret = sb;
	return err;
}

int ivring_region_probe(const char *path, struct ivring_superblock *ret)
{
	uint64_t bytes;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;

	if (fd < 0)
		return -errno;
	err = region_examine(fd, ret, &bytes);
	close(fd);
	return err;
}

int ivring_region_create(const char *path, const struct ivring_region_options *opt)
{
	struct ivring_region_options o = region_options(opt);
	struct ivring_superblock sb;
	int fd, err;

	err = region_layout(&o, 0, &sb);
	if (err)
		return err;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = region_write(fd, &sb, o.mode);
	if (err)
		unlink(path);
	close(fd);
	return err;
}

int ivring_region_format(const char *path, const struct ivring_region_options *opt)
{
	struct ivring_region_options o = region_options(opt);
	struct ivring_superblock sb;
	uint64_t bytes;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK), err;

	if (fd < 0)
		return errno == EISDIR ? -ENXIO : -errno;
	err = region_examine(fd, NULL, &bytes);
	if (!err)
		err = -EEXIST;
	else if (err == -ENODATA)
		err = bytes ? region_layout(&o, bytes, &sb) : -EDOM;
	if (!err)
		err = region_write(fd, &sb, o.mode);
	close(fd);
	return err;
}

/* The guest can write where modes stand: each is loaded once. */
static int region_mode(const struct ivring_region *region, uint32_t *ret)
{
	const char *base = region->base;
	uint32_t i, mode = 0;

	for (i = 0; i < region->sb.nr_channels; i++) {
		const struct ivring_chan *chan =
			(const struct ivring_chan *)(base + ivring_chan_desc_off(i));
		uint32_t its = ivring_load(&chan->host.mode);

		if (its > IVRING_MODE_OVERWRITE || (i && its != mode))
			return -EINVAL;
		mode = its;
	}
	*ret = mode;
	return 0;
}

/* What is wiped, the guest's own page too: it comes as to a new region. */
static int region_wipe(const struct ivring_region *region)
{
	size_t bytes = round_up((uint64_t)region->sb.reader_off + region->sb.reader_len,
				map_grain(region->fd));
	unsigned char *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, region->fd, 0);

	if (base == MAP_FAILED)
		return -errno;
	ivring_store_release(&((struct ivring_superblock *)base)->magic, 0);
	memset(base + IVRING_GUEST_OFF, 0, IVRING_PAGE_BYTES);
	memset(base + region->sb.reader_off, 0, region->sb.reader_len);
	munmap(base, bytes);
	return 0;
}

int ivring_region_reformat(struct ivring_region *region, uint32_t mode)
{
	struct ivring_superblock sb = region->sb;
	int err = mode > IVRING_MODE_OVERWRITE ? -EDOM : region_wipe(region);

	if (!err)
		err = region_write(region->fd, &sb, mode);
	if (err)
		return err;
	region->sb = sb;
	region->mode = mode;
	return 0;
}

/* The reader area; with what lies around it in the same huge page. */
static void *map_reader_area(int fd, const struct ivring_superblock *sb, int prot)
{
	uint64_t grain = map_grain(fd), start = sb->reader_off & ~(grain - 1);
	uint64_t end = round_up((uint64_t)sb->reader_off + sb->reader_len, grain);
	unsigned char *at = mmap(NULL, end - start, prot, MAP_SHARED, fd, (off_t)start);

	return at == MAP_FAILED ? MAP_FAILED : at + (sb->reader_off - start);
}

static void unmap_reader_area(const struct ivring_region *r)
{
	uint64_t grain = map_grain(r->fd), start = r->sb.reader_off & ~(grain - 1);
	uint64_t end = round_up((uint64_t)r->sb.reader_off + r->sb.reader_len, grain);

	munmap((unsigned char *)r->reader_area - (r->sb.reader_off - start), end - start);
}

int ivring_region_open(const char *path, enum ivring_region_access access,
		       struct ivring_region *ret)
{
	bool is_observer = access == IVRING_REGION_OBSERVER;
	int prot = access == IVRING_REGION_WRITER ? PROT_READ | PROT_WRITE : PROT_READ;
	struct ivring_region r = {
		.fd = open(path, (is_observer ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK),
	};
	struct stat st;
	uint64_t bytes;
	int err;

	if (r.fd < 0)
		return errno == EISDIR ? -ENXIO : -errno;
	err = region_examine(r.fd, &r.sb, &bytes);
	if (err)
		goto err_close;
	r.base = mmap(NULL, r.sb.region_size, prot, MAP_SHARED, r.fd, 0);
	if (r.base == MAP_FAILED) {
		err = -errno;
		goto err_close;
	}
	r.reader_area =
		map_reader_area(r.fd, &r.sb, is_observer ? PROT_READ : PROT_READ | PROT_WRITE);
	if (r.reader_area == MAP_FAILED || fstat(r.fd, &st)) {
		err = -errno;
		goto err_unmap;
	}
	err = region_mode(&r, &r.mode);
	if (err)
		goto err_unmap;
	r.dev = st.st_dev;
	r.ino = st.st_ino;
	*ret = r;
	return 0;
err_unmap:
	if (r.reader_area != MAP_FAILED)
		unmap_reader_area(&r);
	munmap(r.base, r.sb.region_size);
err_close:
	close(r.fd);
	return err;
}

void ivring_region_close(struct ivring_region *region)
{
	if (!region->base)
		return;
	unmap_reader_area(region);
	munmap(region->base, region->sb.region_size);
	close(region->fd);
	memset(region, 0, sizeof(*region));
	region->fd = -1;
}

/* Who holds the lock, by /proc/locks ("1: FLOCK ADVISORY WRITE pid maj:min:ino"). */
static pid_t lock_owner(const struct ivring_region *region)
{
	FILE *f = fopen("/proc/locks", "re");
	unsigned int major_nr, minor_nr;
	unsigned long long ino;
	pid_t owner = -1;
	char line[256];
	int pid;

	if (!f)
		return -1;
	while (owner < 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*d: FLOCK %*s WRITE %d %x:%x:%llu", &pid, &major_nr, &minor_nr,
			   &ino) == 4 &&
		    ino == region->ino && makedev(major_nr, minor_nr) == region->dev)
			owner = pid;
	fclose(f);
	return owner;
}

int ivring_region_lock(struct ivring_region *region, pid_t *ret_pid)
{
	if (!flock(region->fd, LOCK_EX | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK)
		return -errno;
	if (ret_pid)
		*ret_pid = lock_owner(region);
	return -EBUSY;
}

int ivring_region_check(const struct ivring_region *region)
{
	struct stat st;

	if (fstat(region->fd, &st))
		return -errno;
	return (uint64_t)st.st_size < region->sb.region_size ? -EFAULT : 0;
}

const char *ivring_region_strerror(int err)
{
	switch (err) {
	case 0:
		return "no error";
	case -ENODATA:
		return "it is blank, not formatted yet";
	case -EMEDIUMTYPE:
		return "it holds something that is not a trace region (choose another file, or "
		       "remove this one if nobody needs it)";
	case -EPROTONOSUPPORT:
		return "it was formatted by another version (stop the VM that uses it and remove "
		       "the file)";
	case -EILSEQ:
	case -EINVAL:
		return "its superblock is damaged (stop the VM that uses it and remove the file)";
	case -EMSGSIZE:
		return "the file is smaller than the region (stop the VM that uses it and remove "
		       "the file)";
	case -ENXIO:
		return "not a regular file";
	case -EDOM:
		return "no region can have that size (a power of two, and room for 64 KiB per CPU "
		       "behind the first 2 MiB)";
	case -EACCES:
	case -EPERM:
		return "permission denied (run as root, or as the user whose file it is)";
	case -ENOSPC:
		return "no room in the file system (free some, or ask for a smaller region)";
	default:
		return strerror(-err);
	}
}
