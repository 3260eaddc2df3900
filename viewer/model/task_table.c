// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/model/task_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void ivt_task_table_init(struct ivt_task_table *tab)
{
	memset(tab, 0, sizeof(*tab));
}

void ivt_task_table_deinit(struct ivt_task_table *tab)
{
	free(tab->task);
	free(tab->bucket);
	memset(tab, 0, sizeof(*tab));
}

static size_t slot_of(const struct ivt_task_table *tab, uint32_t machine, int32_t tid)
{
	uint64_t key = (uint64_t)machine << 32 | (uint32_t)tid;
	size_t i = (key * 0x9e3779b97f4a7c15ULL) >> 32;

	for (;; i++) {
		uint32_t entry = tab->bucket[i & (tab->n_buckets - 1)];

		if (!entry ||
		    (tab->task[entry - 1].tid == tid && tab->task[entry - 1].machine == machine))
			return i & (tab->n_buckets - 1);
	}
}

uint32_t ivt_task_table_find(const struct ivt_task_table *tab, uint32_t machine, int32_t tid)
{
	uint32_t entry;

	if (!tab->n_buckets)
		return IVT_NO_TASK;
	entry = tab->bucket[slot_of(tab, machine, tid)];
	return entry ? entry - 1 : IVT_NO_TASK;
}

static int grow(struct ivt_task_table *tab)
{
	size_t cap = tab->cap ? tab->cap * 2 : 64;
	struct ivt_task *task = realloc(tab->task, cap * sizeof(*task));
	uint32_t *bucket;

	if (!task)
		return -ENOMEM;
	tab->task = task;
	bucket = calloc(cap * 2, sizeof(*bucket));
	if (!bucket)
		return -ENOMEM;
	free(tab->bucket);
	tab->bucket = bucket;
	tab->n_buckets = cap * 2;
	tab->cap = cap;
	for (size_t i = 0; i < tab->n; i++)
		bucket[slot_of(tab, task[i].machine, task[i].tid)] = (uint32_t)i + 1;
	return 0;
}

int ivt_task_table_get(struct ivt_task_table *tab, uint32_t machine, int32_t tid, uint32_t *ret)
{
	uint32_t found = ivt_task_table_find(tab, machine, tid);
	int err;

	if (found == IVT_NO_TASK) {
		if (tab->n == tab->cap) {
			err = grow(tab);
			if (err)
				return err;
		}
		found = (uint32_t)tab->n++;
		tab->task[found] = (struct ivt_task){
			.machine = machine, .tid = tid, .owner = machine, .vcpu = -1
		};
		tab->bucket[slot_of(tab, machine, tid)] = found + 1;
	}
	*ret = found;
	return 0;
}

void ivt_task_name(struct ivt_task *task, const char comm[16])
{
	size_t i;

	for (i = 0; i < sizeof(task->comm) - 1 && comm[i]; i++) {
		unsigned char c = (unsigned char)comm[i];

		task->comm[i] = c < ' ' || c >= 127 ? '?' : (char)c;
	}
	task->comm[i] = '\0';
}
