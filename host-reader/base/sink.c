// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include "host-reader/base/message.h"
#include "host-reader/base/sink.h"

#define RETRY_NS 500000000u
#define CALM_NS	 3000000000u

/* Once per spell: what happened, what goes on, what to do. */
static int no_room(struct sink *sink, const struct ivt_error *err)
{
	if (!sink->is_full_told)
		message("%s (recording goes on; records are lost and counted until there is room)",
			err->msg);
	sink->is_full_told = true;
	sink->is_full = true;
	sink->was_full = true;
	sink->full_ns = now_ns();
	sink->retry_ns = sink->full_ns + RETRY_NS;
	return -ENOSPC;
}

int sink_take_failure(struct sink *sink, int code, const struct ivt_error *err)
{
	switch (code) {
	case -ENOSPC:
	case -EFBIG:
	case -EDQUOT:
		return no_room(sink, err);
	case -EFAULT:
		return code;
	default:
		message("%s", err->msg);
		sink->is_broken = true;
		return code;
	}
}

bool sink_is_waiting(const struct sink *sink)
{
	return sink->is_full && now_ns() < sink->retry_ns;
}

int sink_open_stream(struct sink *sink, uint32_t machine, uint32_t cpu)
{
	struct ivt_error err = { "" };
	int ret;

	if (sink->is_broken)
		return -EIO;
	if (sink_is_waiting(sink))
		return -ENOSPC;
	if (ivt_trace_writer_has_stream(sink->writer, machine, cpu)) /* it goes on */
		return 0;
	ret = ivt_trace_writer_add_stream(sink->writer, machine, cpu, &err);
	return ret ? sink_take_failure(sink, ret, &err) : 0;
}

int sink_append(struct sink *sink, uint32_t machine, uint32_t cpu, const struct iovec *iov,
		int n_iov, uint64_t lost, uint32_t flags)
{
	struct ivt_error err = { "" };
	int ret;

	if (sink->is_broken)
		return -EIO;
	if (sink_is_waiting(sink))
		return -ENOSPC;
	if (sink->watch && !machine && cpu < IVT_STREAM_SCRIPT)
		sink->watch(sink->watch_arg, iov->iov_base, iov->iov_len);
	ret = ivt_trace_writer_append(sink->writer, machine, cpu, iov, n_iov, lost, flags, &err);
	if (ret)
		return sink_take_failure(sink, ret, &err);
	sink->is_full = false;
	/* A small packet finds room where a large one does not. */
	if (sink->is_full_told && now_ns() - sink->full_ns > CALM_NS) {
		message("there is room on the disk again");
		sink->is_full_told = false;
	}
	return 0;
}

struct ivt_stream_info *sink_stream(struct sink *sink, uint32_t machine, uint32_t cpu)
{
	struct ivt_machine_info *m = ivt_trace_writer_machine(sink->writer, machine);
	size_t i;

	for (i = 0; m && i < m->n_streams; i++)
		if (m->streams[i].cpu == cpu)
			return &m->streams[i];
	return NULL;
}
