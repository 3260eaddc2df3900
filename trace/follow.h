/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Follows a trace that is being recorded: hands out its records in host time as
 * they come.  Only what is new is read, and only whole packets; the checks are
 * those of trace_reader.h.
 *
 * The order holds by a watermark, the last clock snapshot less IVT_FOLLOW_HOLD_NS:
 * the recorder writes one after it has taken what there was, so it is the
 * recorder's progress, not this machine's time, that lets records go.  What comes
 * later all the same (a guest's CPU that did not run for a while) is handed out
 * out of order and counted.  A guest whose clock is not known yet has no times:
 * its records wait for it, the others for a second at most.
 *
 * The trace ends when its recorder closes it or dies.  Not followed: a guest that
 * sets its own TSC back; its times are right once the trace is closed.
 * One thread at a time.
 */
#ifndef IVT_TRACE_FOLLOW_H
#define IVT_TRACE_FOLLOW_H

#include "trace/trace_reader.h"

/* A record is in its file within 80 ms (host-reader/vm/vm_drain.c). */
#define IVT_FOLLOW_HOLD_NS 100000000u

struct ivt_follow;

struct ivt_follow_stats {
	uint64_t records; /* handed out */
	uint64_t late;	  /* of them: before one that was handed out earlier */
	uint64_t lost;	  /* by all streams, as far as their packets say */
	uint64_t refused_bytes;
	uint32_t n_unplaced; /* streams that wait for their guest's clock */
};

/*
 * Open the trace @path; @from_now: leave out most of what it holds already.
 * 0; as ivt_trace_open().
 */
int ivt_follow_open(const char *path, bool from_now, struct ivt_follow **ret,
		    struct ivt_error *err);
void ivt_follow_close(struct ivt_follow *f); /* NULL is allowed */

/* Look what is new; to be called every few ms.  0; -errno: it cannot be followed
 * any more. */
int ivt_follow_poll(struct ivt_follow *f, struct ivt_error *err);

/* 1 with *ret, whose payload is valid until the next call; 0: none before the next
 * poll. */
int ivt_follow_next(struct ivt_follow *f, struct ivt_event *ret);

/* Was everything handed out, and nothing will come? */
bool ivt_follow_is_over(const struct ivt_follow *f);
/* Did the recorder die?  Once it is over. */
bool ivt_follow_was_killed(const struct ivt_follow *f);

/* Machines are added meanwhile; valid until the next poll. */
const struct ivt_trace_info *ivt_follow_info(const struct ivt_follow *f);
void ivt_follow_stats(const struct ivt_follow *f, struct ivt_follow_stats *ret);
/* For ivt_ftrace_event() alone: it has the formats that came by. */
struct ivt_trace *ivt_follow_trace(struct ivt_follow *f);

#endif /* IVT_TRACE_FOLLOW_H */
