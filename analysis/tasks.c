// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Per thread a list of rows, each in force from its time on.  A row that was
 * born (fork) says nothing about the time before it: the tid was another
 * task's; any other first row holds from the beginning.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ivring/events.h>
#include "analysis/map.h"
#include "analysis/tasks.h"

struct task_row {
	uint64_t from_ns;
	int32_t tgid; /* -1 unknown */
	bool is_born;
	char comm[16];
};

struct task {
	struct task_row *rows;
	size_t n_rows;
	size_t capacity;
};

struct ivt_tasks {
	const struct ivt_trace_info *info;
	struct ivt_map by_tid; /* (machine, tid) -> task */
	struct task *tasks;
	size_t n_tasks;
	size_t capacity;
	uint64_t *begin_ns; /* first record of each machine; UINT64_MAX none yet */
};

int ivt_tasks_create(const struct ivt_trace_info *info, struct ivt_tasks **ret)
{
	struct ivt_tasks *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->info = info;
	t->begin_ns = malloc((info->n_machines + 1) * sizeof(*t->begin_ns));
	if (!t->begin_ns) {
		free(t);
		return -ENOMEM;
	}
	memset(t->begin_ns, 0xff, (info->n_machines + 1) * sizeof(*t->begin_ns));
	*ret = t;
	return 0;
}

void ivt_tasks_destroy(struct ivt_tasks *t)
{
	size_t i;

	if (!t)
		return;
	for (i = 0; i < t->n_tasks; i++)
		free(t->tasks[i].rows);
	free(t->tasks);
	free(t->begin_ns);
	ivt_map_deinit(&t->by_tid);
	free(t);
}

static struct task *task_get(struct ivt_tasks *t, uint32_t machine, int32_t tid)
{
	size_t i = ivt_map_get(&t->by_tid, machine, (uint32_t)tid);

	if (i != IVT_MAP_NONE)
		return &t->tasks[i];
	if (ivt_array_reserve(&t->tasks, &t->capacity, t->n_tasks + 1, sizeof(*t->tasks)) ||
	    ivt_map_set(&t->by_tid, machine, (uint32_t)tid, t->n_tasks))
		return NULL;
	t->tasks[t->n_tasks] = (struct task){ 0 };
	return &t->tasks[t->n_tasks++];
}

static int task_append(struct task *task, uint64_t ns, int32_t tgid, const char comm[16],
		       bool is_born)
{
	struct task_row *row;

	if (ivt_array_reserve(&task->rows, &task->capacity, task->n_rows + 1, sizeof(*row)))
		return -ENOMEM;
	row = &task->rows[task->n_rows++];
	row->from_ns = ns;
	row->tgid = tgid;
	row->is_born = is_born;
	memcpy(row->comm, comm, sizeof(row->comm));
	row->comm[sizeof(row->comm) - 1] = '\0';
	return 0;
}

/* The process is a fact of the task's whole life: set it back to its birth. */
static void task_set_tgid(struct task *task, int32_t tgid)
{
	size_t i = task->n_rows;

	while (i--) {
		if (task->rows[i].tgid != -1)
			break;
		task->rows[i].tgid = tgid;
		if (task->rows[i].is_born)
			break;
	}
}

/* tgid -1: this event does not say. */
static int task_learn(struct ivt_tasks *t, const struct ivt_event *ev, int32_t tid, int32_t tgid,
		      const char comm[16])
{
	struct task_row *last;
	struct task *task;

	if (tid <= 0)
		return 0;
	task = task_get(t, ev->machine, tid);
	if (!task)
		return -ENOMEM;
	if (!task->n_rows)
		return task_append(task, ev->host_ns, tgid, comm, false);
	last = &task->rows[task->n_rows - 1];
	if (tgid != -1 && last->tgid == -1)
		task_set_tgid(task, tgid);
	if (tgid == -1)
		tgid = last->tgid;
	if (tgid == last->tgid && !strncmp(last->comm, comm, sizeof(last->comm) - 1))
		return 0;
	return task_append(task, ev->host_ns, tgid, comm, false);
}

static int feed_switch(struct ivt_tasks *t, const struct ivt_event *ev)
{
	struct ivt_ev_sched_switch e;
	int err;

	memcpy(&e, ev->payload, sizeof(e));
	err = task_learn(t, ev, e.prev_tid, -1, e.prev_comm);
	return err ? err : task_learn(t, ev, e.next_tid, -1, e.next_comm);
}

static int feed_fork(struct ivt_tasks *t, const struct ivt_event *ev)
{
	struct ivt_ev_sched_process_fork e;
	struct task *child;
	int err;

	memcpy(&e, ev->payload, sizeof(e));
	err = task_learn(t, ev, e.parent_tid, e.parent_pid, e.parent_comm);
	if (err || e.child_tid <= 0)
		return err;
	child = task_get(t, ev->machine, e.child_tid);
	if (!child)
		return -ENOMEM;
	return task_append(child, ev->host_ns, e.child_pid, e.child_comm, true);
}

/* The name after exec is the file's, as the kernel cuts it. */
static int feed_exec(struct ivt_tasks *t, const struct ivt_event *ev)
{
	struct ivt_ev_sched_process_exec e;
	char file[IVT_STR_BYTES + 1], comm[16] = "";
	const char *base;

	memcpy(&e, ev->payload, sizeof(e));
	ivt_field_text(ev->desc, ev->payload, "filename", file, sizeof(file));
	base = strrchr(file, '/');
	base = base ? base + 1 : file;
	memcpy(comm, base, strnlen(base, sizeof(comm) - 1));
	return task_learn(t, ev, e.tid, -1, comm);
}

static int feed_dump(struct ivt_tasks *t, const struct ivt_event *ev)
{
	struct ivt_ev_lttng_statedump_process_state e;

	memcpy(&e, ev->payload, sizeof(e));
	return task_learn(t, ev, e.tid, e.pid, e.name);
}

int ivt_tasks_feed(struct ivt_tasks *t, const struct ivt_event *ev)
{
	if (ev->machine >= t->info->n_machines)
		return 0;
	if (t->begin_ns[ev->machine] == UINT64_MAX)
		t->begin_ns[ev->machine] = ev->host_ns;
	switch (ev->type) {
	case IVT_TYPE_sched_switch:
		return feed_switch(t, ev);
	case IVT_TYPE_sched_process_fork:
		return feed_fork(t, ev);
	case IVT_TYPE_sched_process_exec:
		return feed_exec(t, ev);
	case IVT_TYPE_lttng_statedump_process_state:
		return feed_dump(t, ev);
	}
	return 0;
}

static const struct task_row *task_at(const struct ivt_tasks *t, uint32_t machine, int32_t tid,
				      uint64_t at_ns)
{
	size_t i = ivt_map_get(&t->by_tid, machine, (uint32_t)tid), low = 0, high;
	const struct task *task;

	if (i == IVT_MAP_NONE || !t->tasks[i].n_rows)
		return NULL;
	task = &t->tasks[i];
	high = task->n_rows;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (task->rows[mid].from_ns <= at_ns)
			low = mid + 1;
		else
			high = mid;
	}
	if (low)
		return &task->rows[low - 1];
	return task->rows[0].is_born ? NULL : &task->rows[0];
}

int32_t ivt_tasks_tgid(const struct ivt_tasks *t, uint32_t machine, int32_t tid, uint64_t at_ns)
{
	const struct task_row *row = task_at(t, machine, tid, at_ns);

	return row ? row->tgid : -1;
}

const char *ivt_tasks_comm(const struct ivt_tasks *t, uint32_t machine, int32_t tid, uint64_t at_ns)
{
	const struct task_row *row = task_at(t, machine, tid, at_ns);

	return row ? row->comm : "";
}

static bool is_vm_thread(const struct ivt_machine_info *m, int32_t tid, int32_t tgid)
{
	size_t i;

	if (m->qemu_pid > 0 && (m->qemu_pid == tid || m->qemu_pid == tgid))
		return true;
	for (i = 0; i < m->n_vcpus; i++)
		if (m->vcpus[i].tid > 0 && m->vcpus[i].tid == tid)
			return true;
	return false;
}

uint32_t ivt_tasks_vm(const struct ivt_tasks *t, int32_t host_tid, uint64_t at_ns)
{
	const struct task_row *row = NULL;
	uint32_t i, found = IVT_TASKS_UNKNOWN;
	int32_t tgid = -1;

	if (host_tid <= 0)
		return IVT_TASKS_UNKNOWN;
	for (i = 0; i < t->info->n_machines && !row; i++)
		if (t->info->machines[i].kind == IVT_HOST)
			row = task_at(t, i, host_tid, at_ns);
	if (row)
		tgid = row->tgid;
	for (i = 0; i < t->info->n_machines; i++) {
		const struct ivt_machine_info *m = &t->info->machines[i];

		if (m->kind != IVT_GUEST || !is_vm_thread(m, host_tid, tgid))
			continue;
		if (found == IVT_TASKS_UNKNOWN || t->begin_ns[i] <= at_ns)
			found = i;
	}
	if (found == IVT_TASKS_UNKNOWN && tgid != -1)
		return IVT_TASKS_NO_VM;
	return found;
}
