// SPDX-License-Identifier: GPL-2.0-or-later
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>
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
