// SPDX-License-Identifier: GPL-2.0-or-later
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "tsc-sync/sources/bpf_programs.h"

#define LOOK_NS	  5000000
#define MAX_LOOKS 2000 /* 10 s: a busy host's grace periods take their time */

void bpf_programs_note(const struct bpf_object *obj, struct bpf_programs *ret)
{
	struct bpf_program *prog;

	ret->n = 0;
	bpf_object__for_each_program(prog, obj)
	{
		struct bpf_prog_info info = { 0 };
		uint32_t bytes = sizeof(info);

		if (ret->n < BPF_PROGRAMS_MAX && bpf_program__fd(prog) >= 0 &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &bytes))
			ret->ids[ret->n++] = info.id;
	}
}

/* The id of the program whose descriptor is @name in folder @dir; 0: it is none. */
static uint32_t own_id(int dir, const char *name)
{
	char text[1024], *at;
	ssize_t n;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, "\nprog_id:");
	/* A link tells its program's id, too. */
	return at ? (uint32_t)strtoul(at + strlen("\nprog_id:"), NULL, 10) : 0;
}

static bool is_noted(const struct bpf_programs *programs, uint32_t id)
{
	size_t i;

	for (i = 0; i < programs->n; i++)
		if (programs->ids[i] == id)
			return true;
	return false;
}

void bpf_programs_note_own(struct bpf_programs *ret)
{
	DIR *dir = opendir("/proc/self/fdinfo");
	struct dirent *entry;
	uint32_t id;

	ret->n = 0;
	while (dir && ret->n < BPF_PROGRAMS_MAX && (entry = readdir(dir))) {
		id = own_id(dirfd(dir), entry->d_name);
		if (id && !is_noted(ret, id))
			ret->ids[ret->n++] = id;
	}
	if (dir)
		closedir(dir);
}

static bool is_loaded(uint32_t id)
{
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

void bpf_programs_await_end(const struct bpf_programs *programs)
{
	const struct timespec look = { .tv_nsec = LOOK_NS };
	size_t i = 0;
	int n;

	for (n = 0; i < programs->n && n < MAX_LOOKS; n++) {
		while (i < programs->n && !is_loaded(programs->ids[i]))
			i++;
		if (i < programs->n)
			nanosleep(&look, NULL);
	}
}
