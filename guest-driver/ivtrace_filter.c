// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose events are recorded.  Of the reader's filter a checked copy is kept; two
 * of them take turns, so that a probe never sees one that changes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kprobes.h>
#include <linux/rcupdate.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include "ivtrace.h"

#define IVTRACE_COMM_BYTES 16

struct ivtrace_filter {
	u32 nr_pids; /* ascending */
	u32 nr_comms;
	u32 pids[IVRING_FILTER_PIDS];
	char comms[IVRING_FILTER_COMMS][IVTRACE_COMM_BYTES];
};

static struct ivtrace_filter ivtrace_filters[2];
static struct ivtrace_filter *ivtrace_filter; /* one of them; NULL: all events pass */
static u32 ivtrace_filter_seq = 1;	      /* of the reader's; odd: none was taken yet */

/* ---- what passes: any context ------------------------------------------------------ */

static bool ivtrace_filter_has_pid(const struct ivtrace_filter *f, u32 pid)
{
	u32 low = 0, high = f->nr_pids;

	while (low < high) {
		u32 mid = (low + high) / 2;

		if (f->pids[mid] == pid)
			return true;
		if (f->pids[mid] < pid)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}
NOKPROBE_SYMBOL(ivtrace_filter_has_pid);

static bool ivtrace_filter_has(const struct ivtrace_filter *f, const struct task_struct *t)
{
	u32 i;

	if (ivtrace_filter_has_pid(f, t->tgid))
		return true;
	for (i = 0; i < f->nr_comms; i++)
		if (!strncmp(f->comms[i], t->comm, IVTRACE_COMM_BYTES))
			return true;
	return false;
}
NOKPROBE_SYMBOL(ivtrace_filter_has);

bool ivtrace_filter_passes(const struct task_struct *one, const struct task_struct *other)
{
	const struct ivtrace_filter *f;
	bool ret;

	preempt_disable_notrace();
	f = READ_ONCE(ivtrace_filter);
	ret = !f || ivtrace_filter_has(f, current) || (one && ivtrace_filter_has(f, one)) ||
	      (other && ivtrace_filter_has(f, other));
	preempt_enable_notrace();
	return ret;
}
NOKPROBE_SYMBOL(ivtrace_filter_passes);

int ivtrace_emit_picked(u16 type, const void *payload, u32 bytes, const struct task_struct *one,
			const struct task_struct *other)
{
	return ivtrace_filter_passes(one, other) ? ivtrace_emit_chained(type, payload, bytes) : 0;
}
NOKPROBE_SYMBOL(ivtrace_emit_picked);

/* ---- what the reader says ------------------------------------------------------------ */

bool ivtrace_filter_is_news(const struct ivring_filter *shared)
{
	u32 seq = ivring_load(&shared->seq);

	return !(seq & 1) && seq != READ_ONCE(ivtrace_filter_seq);
}

static int ivtrace_filter_compare(const void *a, const void *b)
{
	u32 one = *(const u32 *)a, other = *(const u32 *)b;

	return one < other ? -1 : one > other;
}

/* Each word is loaded once; whatever it says, the copy is a filter. */
static void ivtrace_filter_copy(struct ivtrace_filter *f, const struct ivring_filter *shared)
{
	u32 i, k;

	f->nr_pids = min_t(u32, ivring_load(&shared->nr_pids), IVRING_FILTER_PIDS);
	f->nr_comms = min_t(u32, ivring_load(&shared->nr_comms), IVRING_FILTER_COMMS);
	for (i = 0; i < f->nr_pids; i++)
		f->pids[i] = ivring_load(&shared->pids[i]);
	for (i = 0; i < f->nr_comms; i++) {
		for (k = 0; k < IVTRACE_COMM_BYTES - 1; k++)
			f->comms[i][k] = ivring_load(&shared->comms[i][k]);
		f->comms[i][k] = '\0';
	}
	sort(f->pids, f->nr_pids, sizeof(f->pids[0]), ivtrace_filter_compare, NULL);
}

/* Into the one that no probe looks at.  False: it changed meanwhile. */
static bool ivtrace_filter_take(struct ivtrace_filter *f, const struct ivring_filter *shared)
{
	u32 seq = ivring_load_acquire(&shared->seq);

	if (seq & 1)
		return false;
	ivtrace_filter_copy(f, shared);
	ivring_rmb(); /* the copy before seq is looked at again */
	if (ivring_load(&shared->seq) != seq)
		return false;
	WRITE_ONCE(ivtrace_filter_seq, seq);
	return true;
}

static void ivtrace_filter_use(struct ivtrace_filter *f)
{
	if (f == ivtrace_filter)
		return;
	smp_store_release(&ivtrace_filter, f); /* after what it holds */
	synchronize_rcu();		       /* probes have preemption off */
}

void ivtrace_filter_apply(const struct ivring_filter *shared, bool is_new_reader)
{
	struct ivtrace_filter *spare = ivtrace_filter == &ivtrace_filters[0] ? &ivtrace_filters[1]
									     : &ivtrace_filters[0];

	if (!shared || is_new_reader) /* what another reader wanted is over */
		WRITE_ONCE(ivtrace_filter_seq, 1);
	if (!shared)
		ivtrace_filter_use(NULL);
	else if (!ivtrace_filter_is_news(shared) || !ivtrace_filter_take(spare, shared))
		ivtrace_filter_use(is_new_reader ? NULL : ivtrace_filter);
	else
		ivtrace_filter_use(spare->nr_pids || spare->nr_comms ? spare : NULL);
}

bool ivtrace_filter_is_on(void)
{
	return READ_ONCE(ivtrace_filter);
}

/* ---- for the guest's owner ------------------------------------------------------------ */

static int ivtrace_filter_put_pids(const struct ivtrace_filter *f, char *page)
{
	int n = 0;
	u32 i;

	for (i = 0; i < f->nr_pids; i++)
		n += sysfs_emit_at(page, n, "%s%u", i ? "," : "", f->pids[i]);
	return n + sysfs_emit_at(page, n, "\n");
}

static int ivtrace_filter_put_comms(const struct ivtrace_filter *f, char *page)
{
	int n = 0;
	u32 i;

	for (i = 0; i < f->nr_comms; i++)
		n += sysfs_emit_at(page, n, "%*pE\n", (int)strlen(f->comms[i]), f->comms[i]);
	return n;
}

static ssize_t ivtrace_filter_print(char *page,
				    int (*put)(const struct ivtrace_filter *f, char *page))
{
	const struct ivtrace_filter *f;
	ssize_t n;

	rcu_read_lock();
	f = READ_ONCE(ivtrace_filter);
	n = f ? put(f, page) : 0;
	rcu_read_unlock();
	return n;
}

ssize_t ivtrace_filter_print_pids(char *page)
{
	return ivtrace_filter_print(page, ivtrace_filter_put_pids);
}

ssize_t ivtrace_filter_print_comms(char *page)
{
	return ivtrace_filter_print(page, ivtrace_filter_put_comms);
}
