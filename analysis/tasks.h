/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who a thread is: process and name of each tid of each machine over time, and
 * which VM a thread of the host works for.
 *
 * Feed all events in ascending time first, ask afterwards: the list of tasks
 * that a recording starts with may arrive later than the first event of a task,
 * and speaks for the time before it too.
 */
#ifndef IVT_ANALYSIS_TASKS_H
#define IVT_ANALYSIS_TASKS_H

#include "trace/trace_reader.h"

#define IVT_TASKS_NO_VM	  (UINT32_MAX - 1) /* known, and not a VM's thread */
#define IVT_TASKS_UNKNOWN UINT32_MAX	   /* never seen */

struct ivt_tasks;

/* @info must outlive the result. 0 or -ENOMEM; *ret for ivt_tasks_destroy(). */
int ivt_tasks_create(const struct ivt_trace_info *info, struct ivt_tasks **ret);
void ivt_tasks_destroy(struct ivt_tasks *t);

/* Learn from one event (those of no interest are ignored). 0 or -ENOMEM. */
int ivt_tasks_feed(struct ivt_tasks *t, const struct ivt_event *ev);

/* Process (tgid) of a thread at a time; -1 when unknown. */
int32_t ivt_tasks_tgid(const struct ivt_tasks *t, uint32_t machine, int32_t tid, uint64_t at_ns);
/* Its name; "" when unknown.  Lent: valid until the next feed or destroy. */
const char *ivt_tasks_comm(const struct ivt_tasks *t, uint32_t machine, int32_t tid,
			   uint64_t at_ns);

/*
 * The guest (machine number) whose QEMU the host's thread belongs to, or
 * IVT_TASKS_NO_VM, IVT_TASKS_UNKNOWN.  Where one QEMU ran several guests one
 * after another (epochs), the one that had begun to write records last.
 */
uint32_t ivt_tasks_vm(const struct ivt_tasks *t, int32_t host_tid, uint64_t at_ns);

#endif /* IVT_ANALYSIS_TASKS_H */
