// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM's own numbers, as files: <debugfs>/kvm/PID-FD/vcpuN/tsc-offset, and where
 * the hardware scales tsc-scaling-ratio and tsc-scaling-ratio-frac-bits.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tsc-sync/sources/snapshot.h"
#include "tsc-sync/sources/tsc_source.h"

#define KVM_DIR	  "/sys/kernel/debug/kvm"
#define RESET_TSC (1ULL << 28) /* 0.1 s: a reset gives all vCPUs the time of the first */

struct last_seen {
	bool is_known;
	uint64_t host_tsc;  /* right before it was read: what comes later may be another */
	uint64_t exact_tsc; /* in force from here on at the latest; 0: was told */
	struct tsc_sync_scale scale;
};

struct debugfs_source {
	struct tsc_source source;
	char dir[PATH_MAX]; /* .../PID-FD */
	struct last_seen *last;
	uint32_t n_last;
};

/* A file that holds one decimal number, signed or not. */
static int read_number(const char *dir, uint32_t vcpu, const char *name, uint64_t *ret)
{
	char path[PATH_MAX + 64], text[64], *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/vcpu%u/%s", dir, vcpu, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return n < 0 ? -EIO : -ENODATA;
	text[n] = '\0';
	errno = 0;
	*ret = text[0] == '-' ? (uint64_t)strtoll(text, &end, 10) : strtoull(text, &end, 10);
	if (errno || end == text || (*end && *end != '\n'))
		return -ENODATA;
	return 0;
}

static int read_scale(const char *dir, uint32_t vcpu, struct tsc_sync_scale *ret)
{
	struct tsc_sync_scale scale;
	uint64_t offset, ratio, frac;
	int err;

	err = read_number(dir, vcpu, "tsc-offset", &offset);
	if (err)
		return err;
	scale = tsc_sync_scale_unscaled((int64_t)offset);
	/* Both or none: the hardware scales or it does not. */
	err = read_number(dir, vcpu, "tsc-scaling-ratio", &ratio);
	if (!err)
		err = read_number(dir, vcpu, "tsc-scaling-ratio-frac-bits", &frac);
	if (err && err != -ENOENT)
		return err;
	if (!err) {
		if (!ratio || frac > 63)
			return -ENODATA;
		scale.ratio = ratio;
		scale.frac_bits = (uint32_t)frac;
	}
	*ret = scale;
	return 0;
}

/* The directory of @pid's VM: "PID-FD"; a process has one VM. */
static int find_vm(const char *root, pid_t pid, char *ret, size_t bytes)
{
	char kvm[PATH_MAX / 2], prefix[32];
	struct dirent *entry;
	int err = -ENOENT;
	DIR *dir;

	snprintf(kvm, sizeof(kvm), "%s%s", root, KVM_DIR);
	snprintf(prefix, sizeof(prefix), "%d-", (int)pid);
	dir = opendir(kvm);
	if (!dir)
		return -errno;
	while (err && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, prefix, strlen(prefix))) {
			snprintf(ret, bytes, "%s/%s", kvm, entry->d_name);
			err = 0;
		}
	closedir(dir);
	return err;
}

static void debugfs_close(struct tsc_source *source)
{
	struct debugfs_source *s = (struct debugfs_source *)source;

	if (!s)
		return;
	free(s->last);
	free(s);
}

static int debugfs_open(const char *root, pid_t pid, struct tsc_source **ret)
{
	struct debugfs_source *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->source.ops = &tsc_source_debugfs;
	err = find_vm(root, pid, s->dir, sizeof(s->dir));
	if (err) {
		debugfs_close(&s->source);
		return err;
	}
	*ret = &s->source;
	return 0;
}

static int last_of(struct debugfs_source *s, uint32_t vcpu, struct last_seen **ret)
{
	if (vcpu >= s->n_last) {
		uint32_t n = vcpu + 16;
		struct last_seen *last;

		if (vcpu > 65535) /* KVM has no such vCPU */
			return -ENOENT;
		last = realloc(s->last, n * sizeof(*last));
		if (!last)
			return -ENOMEM;
		memset(last + s->n_last, 0, (n - s->n_last) * sizeof(*last));
		s->last = last;
		s->n_last = n;
	}
	*ret = &s->last[vcpu];
	return 0;
}

static bool is_same(const struct tsc_sync_scale *a, const struct tsc_sync_scale *b)
{
	return a->offset_tsc == b->offset_tsc && a->ratio == b->ratio &&
	       a->frac_bits == b->frac_bits;
}

/*
 * A change that had been seen by @now happened somewhere since the last look.  Stamps
 * of that time are placed by the new offset, so they may be wrong by the whole
 * change, and by what lay between: where the TSC is unstable, KVM holds a guest's
 * TSC while its thread waits and later lets it catch up, and we see the sum.  It
 * cannot have been held for longer than we did not look.  Not after a reset: what
 * the guest wrote since it read 0 is all new.
 */
static uint64_t change_bound(const struct last_seen *last, const struct tsc_sync_scale *scale,
			     uint64_t now)
{
	uint64_t old, new, start;

	if (tsc_sync_host_to_guest(&last->scale, now, &old) ||
	    tsc_sync_host_to_guest(scale, now, &new) ||
	    tsc_sync_host_to_guest(scale, last->host_tsc, &start))
		return 0;
	if ((int64_t)(start - RESET_TSC) < 0)
		return 0;
	return (new > old ? new - old : old - new) + (now - last->host_tsc);
}

static void fill_entry(struct tsc_sync_entry *ret, uint32_t vcpu, uint64_t from_host_tsc,
		       const struct tsc_sync_scale *scale, uint64_t bound_tsc)
{
	memset(ret, 0, sizeof(*ret));
	ret->from_host_tsc = from_host_tsc;
	ret->scale = *scale;
	ret->bound_tsc = bound_tsc;
	ret->vcpu = vcpu;
	ret->source = TSC_SYNC_DEBUGFS;
}

/*
 * A change holds from the last look on, with an error, and from this look on
 * without: two entries.  Before the first look the first offset is all there is.
 */
static int debugfs_poll(struct tsc_source *source, uint32_t vcpu, struct tsc_sync_entry *ret)
{
	struct debugfs_source *s = (struct debugfs_source *)source;
	struct tsc_sync_scale scale;
	struct last_seen *last;
	uint64_t now, seen, bound;
	int err;

	err = last_of(s, vcpu, &last);
	if (err)
		return err;
	now = tsc_sync_host_tsc();
	err = read_scale(s->dir, vcpu, &scale);
	if (err)
		return err;
	seen = tsc_sync_host_tsc(); /* it may have changed while it was read */
	if (!last->is_known) {
		*last = (struct last_seen){ .is_known = true, .scale = scale, .host_tsc = now };
		fill_entry(ret, vcpu, now, &scale, 0);
		return 1;
	}
	if (!is_same(&last->scale, &scale)) {
		bound = change_bound(last, &scale, seen);
		fill_entry(ret, vcpu, last->host_tsc + 1, &scale, bound);
		last->scale = scale;
		last->exact_tsc = bound ? seen : 0;
		last->host_tsc = now;
		return 1;
	}
	last->host_tsc = now;
	if (!last->exact_tsc)
		return 0;
	fill_entry(ret, vcpu, last->exact_tsc, &scale, 0);
	last->exact_tsc = 0;
	return 1;
}

static int debugfs_check(struct tsc_source *source, uint64_t guest_tsc)
{
	(void)source;
	(void)guest_tsc;
	return 0; /* KVM's word needs no proof */
}

const struct tsc_source_ops tsc_source_debugfs = {
	.name = "debugfs",
	.what = "KVM's offset in debugfs",
	.open = debugfs_open,
	.poll = debugfs_poll,
	.check = debugfs_check,
	.close = debugfs_close,
};
