/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tasks of all machines, by machine and tid.
 */
#ifndef IVT_VIEW_TASK_TABLE_H
#define IVT_VIEW_TASK_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define IVT_NO_TASK UINT32_MAX

struct ivt_task {
	uint32_t machine;
	int32_t tid;
	uint32_t owner; /* host tasks: machine whose QEMU this belongs to; else own machine */
	int32_t vcpu;	/* host tasks: vCPU of owner that this thread is; -1 none */
	char comm[16];	/* terminated, printable */
};

struct ivt_task_table {
	struct ivt_task *task;
	size_t n;
	size_t cap;
	uint32_t *bucket; /* task number + 1, 0 = free */
	size_t n_buckets; /* a power of two */
};

void ivt_task_table_init(struct ivt_task_table *tab);
void ivt_task_table_deinit(struct ivt_task_table *tab);

/* Number of a task, IVT_NO_TASK when it is not there. */
uint32_t ivt_task_table_find(const struct ivt_task_table *tab, uint32_t machine, int32_t tid);
/* The same, added when it is new (owner @machine, no comm).  0 or -ENOMEM. */
int ivt_task_table_get(struct ivt_task_table *tab, uint32_t machine, int32_t tid, uint32_t *ret);

/* Take over a kernel's text16, terminated and with control bytes as '?'. */
void ivt_task_name(struct ivt_task *task, const char comm[16]);

#endif /* IVT_VIEW_TASK_TABLE_H */
