// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "ivring/src/guest_map.h"

#define VENDOR	    0x1af4
#define DEVICE	    0x1110
#define TEST_OFF    2048 /* in the guest page: ours, and nothing lies there */
#define TEST_LOOP   64
#define TEST_LINES  16
#define TEST_RUNS   8
#define SLOW_NS	    20
#define SLOW_FACTOR 8

/* ---- is it as quick as memory? ------------------------------------------------ */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The quickest of some runs of 64 store+load pairs, a line apart. */
static uint64_t time_pairs_ns(__u64 *words)
{
	uint64_t best = UINT64_MAX, begin, ns;
	unsigned int run, i;

	for (run = 0; run < TEST_RUNS; run++) {
		begin = now_ns();
		for (i = 0; i < TEST_LOOP; i++) {
			ivring_store(&words[i % TEST_LINES * 8], i);
			(void)ivring_load(&words[i % TEST_LINES * 8]);
		}
		ns = now_ns() - begin;
		if (ns < best)
			best = ns;
	}
	for (i = 0; i < TEST_LINES; i++)
		ivring_store(&words[i * 8], 0);
	return best;
}

/* Loads tell: they are slow from uncached and from write-combining memory.
 * Compared with ordinary memory as well, as all is slow under emulation. */
static uint32_t measure(void *base)
{
	__u64 plain[TEST_LINES * 8] __attribute__((aligned(64))) = { 0 };
	uint64_t here, there;

	here = time_pairs_ns((__u64 *)((char *)base + IVRING_GUEST_OFF + TEST_OFF));
	there = time_pairs_ns(plain);
	if (here > SLOW_NS * TEST_LOOP && here > there * SLOW_FACTOR)
		return IVRING_MAP_UNCACHED;
	return IVRING_MAP_WB;
}

/* ---- one file ------------------------------------------------------------------ */

/* Record locks, unlike flock(), which readers of a file take. */
static int lock_guest_page(int fd)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = IVRING_GUEST_OFF,
		.l_len = IVRING_PAGE_BYTES,
	};

	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return 0;
	return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

/* Map all of @fd and check what is there; @m->fd is not touched. */
static int map_fd(int fd, struct guest_map *m)
{
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENXIO;
	if ((uint64_t)st.st_size < IVRING_DATA_ALIGN) /* also a doorbell without memory yet */
		return -ENODATA;
	m->bytes = (size_t)st.st_size;
	m->base = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m->base == MAP_FAILED)
		return -errno;
	memcpy(&m->sb, m->base, sizeof(m->sb));
	err = ivring_superblock_check(&m->sb, m->bytes);
	if (err)
		munmap(m->base, m->bytes);
	return err == -ENOENT ? -ENODATA : err;
}

static int open_file(const char *path, struct guest_map *ret)
{
	struct guest_map m = { .fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK),
			       .map_type = IVRING_MAP_WB };
	int err;

	if (m.fd < 0)
		return -errno;
	err = lock_guest_page(m.fd);
	if (!err)
		err = map_fd(m.fd, &m);
	if (err) {
		close(m.fd);
		return err;
	}
	*ret = m;
	return 0;
}

/* ---- a device ------------------------------------------------------------------- */

static int open_in(const char *dir, const char *name, int flags)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	flags = open(path, flags | O_CLOEXEC);
	return flags < 0 ? -errno : flags;
}

/* The number in a file of sysfs; -errno. */
static long number_in(const char *dir, const char *name)
{
	char text[32] = "";
	int fd = open_in(dir, name, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 ? strtol(text, NULL, 0) : -EIO;
}

/* Its memory answers once it is enabled.  It stays so: firmware leaves it so, and
 * a program that is killed could not undo it. */
static int enable_device(const char *dir)
{
	int fd, err = 0;

	if (number_in(dir, "enable") != 0)
		return 0;
	fd = open_in(dir, "enable", O_WRONLY);
	if (fd < 0)
		return fd;
	if (write(fd, "1", 1) != 1)
		err = -errno;
	close(fd);
	return err;
}

/* Try resource2_wc.  Write-combining indeed (slow loads) would be out of order. */
static int map_combining(const char *dir, struct guest_map *m)
{
	int fd = open_in(dir, "resource2_wc", O_RDWR), err;

	if (fd < 0)
		return fd;
	err = map_fd(fd, m);
	close(fd);
	if (err)
		return err;
	m->map_type = measure(m->base);
	if (m->map_type == IVRING_MAP_WB)
		return 0;
	munmap(m->base, m->bytes);
	return -EOPNOTSUPP;
}

static int open_device(const char *dir, struct guest_map *ret)
{
	struct guest_map m = { .fd = -1 };
	int fd, err;

	fd = open_in(dir, "driver", O_PATH);
	if (fd >= 0) {
		close(fd);
		return -EBUSY;
	}
	err = enable_device(dir);
	if (err)
		return err;
	m.fd = open_in(dir, "resource2", O_RDWR);
	if (m.fd < 0)
		return m.fd == -ENOENT ? -ENODATA : m.fd;
	err = lock_guest_page(m.fd);
	if (err)
		goto err_close;
	if (map_combining(dir, &m)) {
		err = map_fd(m.fd, &m);
		if (err)
			goto err_close;
		m.map_type = measure(m.base);
	}
	*ret = m;
	return 0;
err_close:
	close(m.fd);
	return err;
}

int guest_map_open(const char *path, struct guest_map *ret)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	return S_ISDIR(st.st_mode) ? open_device(path, ret) : open_file(path, ret);
}

/* Which of two devices' errors says more: one that is in use is the one that was
 * meant; a blank one may be another program's. */
static int worse(int a, int b)
{
	if (a == -ENODEV || b == -EBUSY)
		return b;
	if (a == -ENODATA && b != -ENODEV)
		return b;
	return a;
}

int guest_map_find(const char *pci, struct guest_map *ret)
{
	struct dirent **names;
	int n = scandir(pci, &names, NULL, alphasort), i, err = -ENODEV, one;
	char dir[PATH_MAX];

	if (n < 0)
		return -ENODEV;
	for (i = 0; i < n; i++) {
		snprintf(dir, sizeof(dir), "%s/%s", pci, names[i]->d_name);
		free(names[i]);
		if (!err || number_in(dir, "vendor") != VENDOR ||
		    number_in(dir, "device") != DEVICE)
			continue;
		one = open_device(dir, ret);
		err = one ? worse(err, one) : 0;
	}
	free(names);
	return err;
}

void guest_map_close(struct guest_map *m)
{
	munmap(m->base, m->bytes);
	close(m->fd);
}
