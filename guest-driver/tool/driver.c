// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "guest-driver/tool/tool.h"

#define STATUS_DIR "/sys/class/misc/ivtrace/"
#define PARAM_DIR  "/sys/module/ivtrace/parameters/"

/* One value without its newline.  Bytes, or -errno. */
static ssize_t read_value(const char *path, char *ret, size_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, ret, bytes - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return n;
	while (n && ret[n - 1] == '\n')
		n--;
	ret[n] = '\0';
	return n;
}

static int read_number(const char *path, uint64_t *ret)
{
	char text[32];
	ssize_t n = read_value(path, text, sizeof(text));

	if (n < 0)
		return (int)n;
	*ret = strtoull(text, NULL, 10);
	return 0;
}

/* The texts, and whether the host is let in. */
static int read_texts(struct tool_driver *d)
{
	char allowed[8];
	ssize_t n = read_value(STATUS_DIR "device", d->device, sizeof(d->device));

	if (n >= 0)
		n = read_value(STATUS_DIR "state", d->state, sizeof(d->state));
	if (n >= 0)
		n = read_value(STATUS_DIR "memory", d->memory, sizeof(d->memory));
	if (n >= 0)
		n = read_value(PARAM_DIR "host_control", allowed, sizeof(allowed));
	if (n < 0)
		return (int)n;
	d->is_allowed = allowed[0] == 'Y';
	return 0;
}

/* A driver of another version may not have it: empty. */
static int read_optional(const char *path, char *ret, size_t bytes)
{
	ssize_t n = read_value(path, ret, bytes);

	if (n == -ENOENT)
		*ret = '\0';
	return n < 0 && n != -ENOENT ? (int)n : 0;
}

static int read_filter(struct tool_driver *d)
{
	int err = read_optional(STATUS_DIR "filter_pids", d->filter_pids, sizeof(d->filter_pids));

	return err ? err
		   : read_optional(STATUS_DIR "filter_comms", d->filter_comms,
				   sizeof(d->filter_comms));
}

static int read_numbers(struct tool_driver *d)
{
	const struct {
		const char *path;
		uint64_t *to;
	} files[] = {
		{ STATUS_DIR "channels", &d->channels },
		{ STATUS_DIR "channel_bytes", &d->channel_bytes },
		{ STATUS_DIR "records", &d->records },
		{ STATUS_DIR "lost_full", &d->lost_full },
		{ STATUS_DIR "lost_nested", &d->lost_nested },
		{ STATUS_DIR "lost_big", &d->lost_big },
	};
	size_t i;
	int ret = 0;

	for (i = 0; i < sizeof(files) / sizeof(files[0]) && !ret; i++)
		ret = read_number(files[i].path, files[i].to);
	return ret;
}

int driver_read(struct tool_driver *ret)
{
	struct tool_driver d = { .device = "none", .state = "unbound", .memory = "unknown" };
	int err = 0;

	d.is_loaded = !access(STATUS_DIR, F_OK);
	if (d.is_loaded)
		err = read_texts(&d);
	if (d.is_loaded && !err)
		err = read_filter(&d);
	if (d.is_loaded && !err)
		err = read_numbers(&d);
	if (err)
		return err;
	*ret = d;
	return 0;
}

/* "1-6,16": the kernel's way to print a bitmap. */
static int parse_bitmap(char *at, uint64_t *types)
{
	memset(types, 0, TOOL_TYPES / 8);
	while (*at) {
		unsigned long first = strtoul(at, &at, 10), last = first;

		if (*at == '-')
			last = strtoul(at + 1, &at, 10);
		if (last >= TOOL_TYPES || (*at && *at != ','))
			return -EPROTO;
		for (; first <= last; first++)
			types[first / 64] |= 1ULL << (first % 64);
		at += *at == ',';
	}
	return 0;
}

int driver_read_types(uint64_t *types, uint64_t *chains)
{
	static char text[4096];
	ssize_t n = read_value(STATUS_DIR "types", text, sizeof(text));
	int err = n < 0 ? (int)n : parse_bitmap(text, types);

	if (!err)
		err = read_optional(STATUS_DIR "chains", text, sizeof(text));
	return err ? err : parse_bitmap(text, chains);
}

const char *driver_advice(const struct tool_driver *d)
{
	if (!d->is_loaded)
		return "the driver is not loaded (ivtrace-guest load)";
	if (!strcmp(d->state, "unbound"))
		return "the driver has no device: the host has not formatted its memory (on the "
		       "host: ivtrace-host qemu-args or record; dmesg here says more)";
	if (!d->is_allowed)
		return "this guest forbids recording (echo Y "
		       ">/sys/module/ivtrace/parameters/host_control)";
	return NULL;
}
