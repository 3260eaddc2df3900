// SPDX-License-Identifier: GPL-2.0-or-later
#include "host-reader/region/region_note.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "host-reader/base/run_dir.h"
#include "host-reader/qemu/qemu.h"

#define PREFIX	  "region-"
#define MAX_BYTES 16384

static void note_path(char *ret, size_t ret_bytes, dev_t dev, ino_t ino)
{
	snprintf(ret, ret_bytes, "%s/" PREFIX "%llx-%llx", run_dir_path(), (unsigned long long)dev,
		 (unsigned long long)ino);
}

uint64_t region_unread(const struct ivring_region *region)
{
	uint64_t bytes = 0;
	uint32_t i;

	if (!ivring_load(&ivring_region_reader_page(region)->reader_epoch))
		return 0;
	for (i = 0; i < region->sb.nr_channels; i++) {
		struct ivring_reader r;
		uint64_t tail;

		ivring_region_reader(region, i, &r);
		tail = ivring_load(&r.line->r_tail);
		if (tail <= r.head && r.head - tail <= r.size)
			bytes += r.head - tail;
	}
	return bytes;
}

/* ---- one note --------------------------------------------------------------------- */

/* What the file says, for json_object_put(); NULL: nothing that can be read. */
static struct json_object *note_read(int fd)
{
	char text[MAX_BYTES];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return NULL;
	text[n] = '\0';
	return json_tokener_parse(text);
}

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *value;

	return o && json_object_object_get_ex(o, key, &value) ? json_object_get_string(value)
							      : NULL;
}

static bool is_made_by(struct json_object *o)
{
	struct json_object *value;

	return o && json_object_object_get_ex(o, "made", &value) && json_object_get_boolean(value);
}

void region_note_open(struct region_note *note, const struct ivring_region *region,
		      const char *path, bool is_made)
{
	char name[PATH_MAX];
	struct json_object *o;
	const char *trace;

	*note = (struct region_note){ .fd = -1, .is_made = is_made };
	if (run_dir_make(NULL))
		return;
	note_path(name, sizeof(name), region->dev, region->ino);
	note->fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (note->fd < 0)
		return;
	o = note_read(note->fd);
	trace = text_of(o, "trace");
	note->trace = trace ? strdup(trace) : NULL;
	note->is_made = is_made || is_made_by(o);
	json_object_put(o);
	if (is_made)
		region_note_write(note, path, NULL);
}

static void add_path(struct json_object *o, const char *key, const char *path)
{
	char whole[PATH_MAX];

	json_object_object_add(o, key,
			       json_object_new_string(realpath(path, whole) ? whole : path));
}

/* By one write(): who reads half of it knows nothing. */
void region_note_write(const struct region_note *note, const char *path, const char *trace)
{
	struct json_object *o = note->fd >= 0 ? json_object_new_object() : NULL;
	const char *text;

	if (!o)
		return;
	add_path(o, "path", path);
	json_object_object_add(o, "made", json_object_new_boolean(note->is_made));
	if (trace)
		add_path(o, "trace", trace);
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							 JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text && !ftruncate(note->fd, 0) && pwrite(note->fd, text, strlen(text), 0) < 0)
		message("WARNING: cannot note in '%s' what is recorded: %s", run_dir_path(),
			strerror(errno));
	json_object_put(o);
}

static bool is_same_file(const char *path, dev_t dev, ino_t ino)
{
	struct stat st;

	return !lstat(path, &st) && st.st_dev == dev && st.st_ino == ino;
}

/* Of a region that is locked: nobody else may decide the same. */
static bool region_remove(const struct ivring_region *region, const char *path)
{
	pid_t pid;

	return qemu_find(region->dev, region->ino, &pid) == -ENOENT &&
	       is_same_file(path, region->dev, region->ino) && !unlink(path);
}

void region_note_end(struct region_note *note, const struct ivring_region *region, const char *path)
{
	char name[PATH_MAX];

	if (note->is_made && !region_remove(region, path)) {
		region_note_write(note, path, NULL); /* when its VM is gone */
	} else if (note->fd >= 0) {
		note_path(name, sizeof(name), region->dev, region->ino);
		unlink(name);
	}
	region_note_close(note);
}

void region_note_close(struct region_note *note)
{
	if (note->fd >= 0)
		close(note->fd);
	free(note->trace);
	*note = (struct region_note){ .fd = -1 };
}

/* ---- what others left ---------------------------------------------------------------- */

/* The region @path is a dead recorder's: is it needed by anybody?  True: it is gone. */
static bool leftover_remove(const char *path, const char *trace)
{
	struct ivring_region region;
	uint64_t unread;
	bool is_gone = false;

	if (ivring_region_open(path, IVRING_REGION_READER, &region))
		return false;
	if (!ivring_region_lock(&region, NULL)) {
		unread = region_unread(&region);
		is_gone = !unread && region_remove(&region, path);
		if (is_gone)
			message("removed '%s', which a recorder that died had made", path);
		else if (unread && trace && !access(trace, F_OK))
			message("'%s' holds %" PRIu64
				" bytes that the recorder of '%s' did not take, which died "
				"(record --resume -o %s takes them)",
				path, unread, trace, trace);
	}
	ivring_region_close(&region);
	return is_gone;
}

static void clean_one(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	unsigned long long dev, ino;
	struct json_object *o;
	const char *path;

	if (fd < 0 || sscanf(name, PREFIX "%llx-%llx", &dev, &ino) != 2) {
		if (fd >= 0)
			close(fd);
		return;
	}
	o = note_read(fd);
	path = text_of(o, "path");
	if (path && (!is_same_file(path, (dev_t)dev, (ino_t)ino) ||
		     (is_made_by(o) && leftover_remove(path, text_of(o, "trace")))))
		unlinkat(dirfd, name, 0);
	json_object_put(o);
	close(fd);
}

void region_notes_clean(void)
{
	DIR *dir = opendir(run_dir_path());
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, PREFIX, strlen(PREFIX)))
			clean_one(dirfd(dir), entry->d_name);
	if (dir)
		closedir(dir);
}
