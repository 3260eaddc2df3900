// SPDX-License-Identifier: GPL-2.0-only
/*
 * What existed before the recording began: tasks and disks.  Without it a task
 * that never forks or switches has no name in the trace.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blkdev.h>
#include <linux/device.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include "ivtrace.h"

#define IVTRACE_MAX_DEPTH 8

/* ---- tasks ------------------------------------------------------------------------ */

static void ivtrace_dump_fill(struct ivt_ev_lttng_statedump_process_state *e, struct task_struct *t)
{
	e->tid = t->pid;
	e->pid = t->tgid;
	e->ppid = rcu_dereference(t->real_parent)->tgid;
	memcpy(e->name, t->comm, sizeof(e->name));
	e->type = t->flags & PF_KTHREAD ? IVT_TASK_KERNEL : IVT_TASK_USER;
	e->mode = IVT_TASK_MODE_UNKNOWN;
	e->submode = 0;
	e->status = task_is_running(t) ? IVT_TASK_STATUS_RUN : IVT_TASK_STATUS_WAIT;
	e->cpu = task_cpu(t);
}

static size_t ivtrace_dump_count(void)
{
	struct task_struct *process, *t;
	size_t n = 0;

	rcu_read_lock();
	for_each_process_thread (process, t)
		n++;
	rcu_read_unlock();
	return n;
}

/* The tasks as they are now; NULL: no memory.  To be freed with kvfree(). */
static struct ivt_ev_lttng_statedump_process_state *ivtrace_dump_copy(size_t *ret_n)
{
	struct ivt_ev_lttng_statedump_process_state *tasks;
	size_t room = ivtrace_dump_count() + 64, n = 0;
	struct task_struct *process, *t;

	tasks = kvmalloc_array(room, sizeof(*tasks), GFP_KERNEL);
	if (!tasks)
		return NULL;
	rcu_read_lock();
	for_each_process_thread (process, t)
		if (n < room)
			ivtrace_dump_fill(&tasks[n++], t);
	rcu_read_unlock();
	*ret_n = n;
	return tasks;
}

/*
 * A copy first, then the records: a small ring may be full in between, and to
 * wait for its reader is not allowed under RCU.
 */
static void ivtrace_dump_tasks(void)
{
	struct ivt_ev_lttng_statedump_process_state *tasks;
	bool is_read = true;
	size_t n, i;

	tasks = ivtrace_dump_copy(&n);
	if (!tasks) {
		pr_warn("no memory for a state dump: tasks that do nothing have no name in the "
			"trace\n");
		return;
	}
	for (i = 0; i < n; i++) {
		if (is_read && i % 16 == 0)
			is_read = ivtrace_ring_wait_room();
		ivtrace_emit(IVT_TYPE_lttng_statedump_process_state, &tasks[i], sizeof(tasks[i]));
	}
	kvfree(tasks);
}

/* ---- disks ------------------------------------------------------------------------- */

static int ivtrace_dump_disk(struct device *dev, void *arg)
{
	union {
		struct ivt_ev_lttng_statedump_block_device fixed;
		char bytes[sizeof(struct ivt_ev_lttng_statedump_block_device) + IVT_STR_BYTES];
	} e;
	const u32 offset = offsetof(struct ivt_ev_lttng_statedump_block_device, diskname);
	struct gendisk *disk;

	if (!dev->type || !dev->type->name || strcmp(dev->type->name, "disk"))
		return 0;
	disk = dev_to_disk(dev);
	e.fixed.sectors = get_capacity(disk);
	e.fixed.dev = (u32)disk->major << 20 | (u32)disk->first_minor;
	ivtrace_emit(IVT_TYPE_lttng_statedump_block_device, &e,
		     offset + ivtrace_copy_text(e.bytes + offset, disk->disk_name));
	return 0;
}

struct ivtrace_search {
	const struct class *class;
	int depth;
};

/* 1 ends the search. */
static int ivtrace_search_block(struct device *dev, void *arg)
{
	struct ivtrace_search *s = arg;
	int ret = 0;

	if (dev->class && !strcmp(dev->class->name, "block")) {
		s->class = dev->class;
		return 1;
	}
	if (s->depth < IVTRACE_MAX_DEPTH) {
		s->depth++;
		ret = device_for_each_child(dev, s, ivtrace_search_block);
		s->depth--;
	}
	return ret;
}

/*
 * block_class is not exported to modules, but each disk leads to it: look for
 * one below the PCI and platform devices.  A guest whose only disks are
 * virtual ones (loop, zram) has none there, and nothing is dumped.
 */
static const struct class *ivtrace_find_block_class(void)
{
	struct ivtrace_search s = { NULL, 0 };
	struct pci_dev *pdev = NULL;

	while (!s.class && (pdev = pci_get_device(PCI_ANY_ID, PCI_ANY_ID, pdev)))
		device_for_each_child(&pdev->dev, &s, ivtrace_search_block);
	pci_dev_put(pdev);
	if (!s.class)
		device_for_each_child(&platform_bus, &s, ivtrace_search_block);
	return s.class;
}

void ivtrace_dump_state(void)
{
	const struct class *class = ivtrace_find_block_class();

	ivtrace_emit(IVT_TYPE_lttng_statedump_start, "", 0);
	ivtrace_dump_tasks();
	if (class)
		class_for_each_device((struct class *)class, NULL, NULL, ivtrace_dump_disk);
	ivtrace_emit(IVT_TYPE_lttng_statedump_end, "", 0);
}
