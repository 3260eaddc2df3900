/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A writer's inside, for trace_writer.c and trace_resume.c.
 */
#ifndef IVT_TRACE_WRITER_STATE_H
#define IVT_TRACE_WRITER_STATE_H

#include "trace/sync_log.h"
#include "trace/trace_writer.h"

struct stream {
	int fd; /* -1: no such stream, or it has no file */
	bool is_in_memory;
	uint64_t offset_bytes;
	uint64_t packets;
	size_t info; /* index into the machine's streams */
};

struct machine {
	int dirfd;
	struct stream *streams; /* by CPU */
	size_t n_streams;
	bool has_line;	    /* metadata says a clock line of the log */
	bool has_handshake; /* the log in memory has one; sync.bin has all */
};

struct ivt_trace_writer {
	char path[4096];
	int dirfd;
	int sync_fd;
	int reserve_fd; /* a file without a name: room on a disk that got full */
	uint64_t sync_bytes;
	uint64_t bytes;
	struct ivt_trace_info info;
	struct machine machines[IVT_MAX_MACHINES];
	struct ivt_sync_log log;
	size_t n_clocks_written;	 /* of the log's, in sync.bin; the rest found no room yet */
	struct ivt_trace_memory *memory; /* NULL: it has a directory, and files */
};

/* Room for stream @cpu of @machine; new ones are closed.  0 or -ENOMEM. */
int ivt_writer_streams_grow(struct machine *machine, uint32_t cpu);
/* Try to have room for the end of a trace on a disk that gets full. */
void ivt_writer_reserve_make(struct ivt_trace_writer *w);
/* The host kernel's boot, as text; empty where it cannot be told. */
void ivt_writer_boot_id(char *ret, size_t ret_bytes);
/* Close and free everything; nothing is written. */
void ivt_writer_free(struct ivt_trace_writer *w);

#endif /* IVT_TRACE_WRITER_STATE_H */
