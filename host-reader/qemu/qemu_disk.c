// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "host-reader/qemu/qemu_args.h"
#include "host-reader/qemu/qemu_disk.h"

#define SECTOR_BYTES 512
#define MAX_DISKS    64
#define MAX_EXTENTS  65536
#define FIEMAP_BATCH 256

struct disks {
	struct ivt_disk *disk;
	size_t n;
};

/* ---- a block device: its whole disk and where it begins there --------------------- */

static bool read_sys(dev_t dev, const char *file, char *ret, int bytes)
{
	char path[128];
	bool is_read;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major(dev), minor(dev), file);
	f = fopen(path, "re");
	if (!f)
		return false;
	is_read = fgets(ret, bytes, f) != NULL;
	fclose(f);
	return is_read;
}

/* A partition is placed on its disk; anything else begins at 0 of itself. */
static uint32_t whole_disk(dev_t dev, uint64_t *ret_start)
{
	unsigned int major_nr, minor_nr;
	char start[32], disk[32];

	*ret_start = 0;
	if (!read_sys(dev, "start", start, sizeof(start)) ||
	    !read_sys(dev, "../dev", disk, sizeof(disk)) ||
	    sscanf(disk, "%u:%u", &major_nr, &minor_nr) != 2)
		return major(dev) << 20 | minor(dev);
	*ret_start = strtoull(start, NULL, 10);
	return major_nr << 20 | minor_nr;
}

/* ---- extents ------------------------------------------------------------------------ */

/* Append a run, or lengthen the last one. */
static int add_extent(struct ivt_disk *disk, uint64_t guest, uint64_t host, uint64_t sectors)
{
	struct ivt_extent *e = disk->n_extents ? &disk->extents[disk->n_extents - 1] : NULL;

	if (!sectors || disk->n_extents >= MAX_EXTENTS)
		return 0;
	if (e && e->guest_sector + e->sectors == guest && e->host_sector + e->sectors == host) {
		e->sectors += sectors;
		return 0;
	}
	if (disk->n_extents % FIEMAP_BATCH == 0) {
		e = realloc(disk->extents, (disk->n_extents + FIEMAP_BATCH) * sizeof(*e));
		if (!e)
			return -ENOMEM;
		disk->extents = e;
	}
	disk->extents[disk->n_extents++] = (struct ivt_extent){ guest, host, sectors };
	return 0;
}

/* The part of a file's run [@logical, +@length) that lies in the drive's window. */
static int add_file_run(struct ivt_disk *disk, const struct qemu_drive *drive, uint64_t start,
			uint64_t logical, uint64_t physical, uint64_t length)
{
	uint64_t from = drive->offset_bytes, to = from + disk->sectors * SECTOR_BYTES;
	uint64_t end = logical + length;

	if (logical < from) {
		if (end <= from)
			return 0;
		physical += from - logical;
		logical = from;
	}
	if (end > to)
		end = to;
	if (logical >= end)
		return 0;
	return add_extent(disk, (logical - from) / SECTOR_BYTES, start + physical / SECTOR_BYTES,
			  (end - logical) / SECTOR_BYTES);
}

/* Without FIEMAP_FLAG_SYNC: to look must not write.  What the file system has
 * not placed yet is not in the list. */
static int map_file(int fd, dev_t dev, const struct qemu_drive *drive, struct ivt_disk *disk)
{
	const uint32_t unplaced = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC |
				  FIEMAP_EXTENT_ENCODED | FIEMAP_EXTENT_DATA_INLINE;
	size_t bytes = sizeof(struct fiemap) + FIEMAP_BATCH * sizeof(struct fiemap_extent);
	struct fiemap *map = malloc(bytes);
	uint64_t start, next = 0;
	bool is_last = false;
	int err = 0;

	if (!map)
		return -ENOMEM;
	disk->host_dev = whole_disk(dev, &start);
	while (!err && !is_last && disk->n_extents < MAX_EXTENTS) {
		uint32_t i;

		memset(map, 0, bytes);
		map->fm_start = next;
		map->fm_length = FIEMAP_MAX_OFFSET - next;
		map->fm_extent_count = FIEMAP_BATCH;
		if (ioctl(fd, FS_IOC_FIEMAP, map) || !map->fm_mapped_extents)
			break;
		for (i = 0; !err && i < map->fm_mapped_extents; i++) {
			const struct fiemap_extent *e = &map->fm_extents[i];

			next = e->fe_logical + e->fe_length;
			is_last = e->fe_flags & FIEMAP_EXTENT_LAST;
			if (!(e->fe_flags & unplaced))
				err = add_file_run(disk, drive, start, e->fe_logical,
						   e->fe_physical, e->fe_length);
		}
	}
	free(map);
	return err;
}

static int map_device(int fd, dev_t dev, const struct qemu_drive *drive, struct ivt_disk *disk)
{
	uint64_t start, bytes = 0;

	disk->host_dev = whole_disk(dev, &start);
	if (!disk->sectors && !ioctl(fd, BLKGETSIZE64, &bytes) && bytes > drive->offset_bytes)
		disk->sectors = (bytes - drive->offset_bytes) / SECTOR_BYTES;
	return add_extent(disk, 0, start + drive->offset_bytes / SECTOR_BYTES, disk->sectors);
}

/* Formats in which the guest's sectors are not the file's. */
static bool is_other_format(int fd)
{
	static const char *const magic[] = { "QFI\373",	 "KDMV", "<<< ",
					     "conectix", "QED",	 "vhdxfile" };
	char head[16] = "";
	size_t i;

	if (pread(fd, head, sizeof(head) - 1, 0) < 8)
		return false;
	for (i = 0; i < sizeof(magic) / sizeof(magic[0]); i++)
		if (!memcmp(head, magic[i], strlen(magic[i])))
			return true;
	return false;
}

static int place_disk(const char *path, const struct stat *st, const struct qemu_drive *drive,
		      struct ivt_disk *disk)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;

	disk->sectors = drive->size_bytes / SECTOR_BYTES;
	if (fd < 0)
		return 0; /* the disk is there; where it lies is not known */
	if (S_ISBLK(st->st_mode)) {
		err = map_device(fd, st->st_rdev, drive, disk);
	} else if (!is_other_format(fd)) {
		uint64_t bytes = (uint64_t)st->st_size;

		if (!disk->sectors && bytes > drive->offset_bytes)
			disk->sectors = (bytes - drive->offset_bytes) / SECTOR_BYTES;
		if (major(st->st_dev))
			err = map_file(fd, st->st_dev, drive, disk);
	}
	close(fd);
	return err;
}

/* ---- which files ---------------------------------------------------------------------- */

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode))
		return a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_mode == b->st_mode;
}

/* Is @st open in the process?  Then *ret_path is the way to it. */
static bool is_open_file(pid_t pid, const struct stat *st, char *ret_path, size_t bytes)
{
	char dir_path[64];
	struct dirent *entry;
	bool is_found = false;
	DIR *dir;

	snprintf(dir_path, sizeof(dir_path), "/proc/%d/fd", (int)pid);
	dir = opendir(dir_path);
	while (dir && !is_found && (entry = readdir(dir))) {
		struct stat other;

		snprintf(ret_path, bytes, "%s/%.32s", dir_path, entry->d_name);
		is_found = isdigit((unsigned char)entry->d_name[0]) && !stat(ret_path, &other) &&
			   is_same_file(st, &other);
	}
	if (dir)
		closedir(dir);
	return is_found;
}

/* The file that the process calls @name. */
static int stat_named(pid_t pid, const char *name, struct stat *ret)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d/%s/%s", (int)pid, *name == '/' ? "root" : "cwd",
		 name);
	if (stat(path, ret))
		return -errno;
	return S_ISBLK(ret->st_mode) || S_ISREG(ret->st_mode) ? 0 : -EINVAL;
}

static int add_disk(struct disks *d, const char *name, const char *path, const struct stat *st,
		    const struct qemu_drive *drive)
{
	struct ivt_disk *grown = realloc(d->disk, (d->n + 1) * sizeof(*grown)), *disk;
	int err;

	if (!grown)
		return -ENOMEM;
	d->disk = grown;
	disk = &grown[d->n];
	memset(disk, 0, sizeof(*disk));
	snprintf(disk->path, sizeof(disk->path), "%s", name);
	err = place_disk(path, st, drive, disk);
	if (err) {
		free(disk->extents);
		return err;
	}
	d->n++;
	return 0;
}

static int add_named_drives(pid_t pid, struct disks *d)
{
	struct qemu_args args;
	struct qemu_drive drive;
	size_t pos = 0;
	int err = qemu_args_read(pid, &args);

	if (err)
		return err;
	while (!err && d->n < MAX_DISKS && qemu_args_next_drive(&args, &pos, &drive)) {
		char path[128];
		struct stat st;

		if (!stat_named(pid, drive.file, &st) && is_open_file(pid, &st, path, sizeof(path)))
			err = add_disk(d, drive.file, path, &st, &drive);
	}
	qemu_args_free(&args);
	return err;
}

static bool has_device(const struct disks *d, dev_t dev)
{
	uint64_t start;
	uint32_t whole = whole_disk(dev, &start);
	size_t i;

	for (i = 0; i < d->n; i++)
		if (d->disk[i].host_dev == whole)
			return true;
	return false;
}

/* Devices that the command line does not name: plugged later, or handed over. */
static int add_open_devices(pid_t pid, struct disks *d)
{
	static const struct qemu_drive all;
	char dir_path[64], path[128], name[256];
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	snprintf(dir_path, sizeof(dir_path), "/proc/%d/fd", (int)pid);
	dir = opendir(dir_path);
	if (!dir)
		return -errno;
	while (!err && d->n < MAX_DISKS && (entry = readdir(dir))) {
		struct stat st;
		ssize_t n;

		snprintf(path, sizeof(path), "%s/%.32s", dir_path, entry->d_name);
		if (stat(path, &st) || !S_ISBLK(st.st_mode) || has_device(d, st.st_rdev))
			continue;
		n = readlink(path, name, sizeof(name) - 1);
		name[n > 0 ? n : 0] = '\0';
		err = add_disk(d, name, path, &st, &all);
	}
	closedir(dir);
	return err;
}

int qemu_disks_read(pid_t pid, struct ivt_disk **ret, size_t *ret_n)
{
	struct disks d = { NULL, 0 };
	int err = add_named_drives(pid, &d);

	if (!err)
		err = add_open_devices(pid, &d);
	if (err) {
		qemu_disks_free(d.disk, d.n);
		return err;
	}
	*ret = d.disk;
	*ret_n = d.n;
	return 0;
}

void qemu_disks_free(struct ivt_disk *disks, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(disks[i].extents);
	free(disks);
}
