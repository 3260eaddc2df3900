// SPDX-License-Identifier: GPL-2.0-only
/*
 * The handshake: the host bounds the offset between its TSC and ours without
 * help of a hypervisor.  It calls a vCPU; that one looks at a word of the
 * host's for a moment and answers each new number in it with its TSC, which
 * the host knows to have been read between its store and the sight of the
 * answer.
 *
 * A host that calls without end costs little: a call takes 2 ms at most (four
 * times shake_us), in a worker that is preempted and gives way, once in 20 ms (ten
 * times that).
 */
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/smp.h>
#include <linux/workqueue.h>
#include <asm/tsc.h>
#include "ivtrace.h"

#define IVTRACE_SHAKE_US_MAX 20000
#define IVTRACE_SHAKE_CALLS  4	/* times shake_us, in all, for one call */
#define IVTRACE_SHAKE_US_GAP 20 /* between two looks at the time: more is not ours */
#define IVTRACE_SHAKE_MS_END 30
#define IVTRACE_SHAKE_MS     20
#define IVTRACE_SHAKE_LOOKS  32 /* between two looks at the time, preemption off */

static unsigned int shake_us = 500;
module_param(shake_us, uint, 0444);
MODULE_PARM_DESC(shake_us,
		 "How long (50..20000 us) a vCPU that the host called looks for a question, "
		 "since the last one (500; 0: answer no calls). More for slow hosts");

static struct {
	struct ivtrace_region *region;
	struct work_struct work;
	u64 call; /* the last one that was noticed */
	ktime_t called_at;
	bool is_stopping;
} ivtrace_shake;

static struct ivring_answer *ivtrace_shake_answer(void)
{
	return ivtrace_shake.region->base + IVRING_ANSWER_OFF;
}

static u64 ivtrace_shake_ns(void)
{
	return (u64)clamp_t(unsigned int, shake_us, 50, IVTRACE_SHAKE_US_MAX) * NSEC_PER_USEC;
}

static unsigned int ivtrace_shake_cpu(u64 call)
{
	return call & IVRING_SHAKE_VCPU_MASK;
}

/* Answer what comes within a few looks.  1: there was a new number; 0: none;
 * -1: this is not the vCPU that was called. */
static int ivtrace_shake_rounds(unsigned int cpu, u64 *seq)
{
	const struct ivring_reader_page *page = ivtrace_reader_page(ivtrace_shake.region);
	struct ivring_answer *answer = ivtrace_shake_answer();
	int looks, ret = 0;

	preempt_disable();
	if (smp_processor_id() != cpu)
		ret = -1;
	/* No cpu_relax(): a hypervisor may take PAUSE for a reason to exit. */
	for (looks = 0; looks < IVTRACE_SHAKE_LOOKS && ret >= 0; looks++) {
		u64 now = ivring_load_acquire(&page->shake_seq);

		if (now == *seq)
			continue;
		ivring_store(&answer->tsc, rdtsc_ordered());
		ivring_store_release(&answer->seq, now);
		*seq = now;
		ret = 1;
	}
	preempt_enable();
	return ret;
}

/*
 * Only the time that this vCPU looked is counted: it may be the host's thread
 * that took the CPU from us to ask.
 */
static void ivtrace_shake_work(struct work_struct *work)
{
	const struct ivring_reader_page *page = ivtrace_reader_page(ivtrace_shake.region);
	u64 call = READ_ONCE(ivtrace_shake.call), seq = ivring_load(&page->shake_seq);
	u64 begin = ktime_get_ns(), before = begin, now = begin, all = 0, quiet = 0, gap;
	u64 look_ns = ivtrace_shake_ns(), all_ns = look_ns * IVTRACE_SHAKE_CALLS;
	int ret;

	ivring_store_release(&ivtrace_shake_answer()->call, call);
	while (quiet < look_ns && all < all_ns &&
	       now - begin < all_ns + IVTRACE_SHAKE_MS_END * NSEC_PER_MSEC) {
		ret = ivtrace_shake_rounds(ivtrace_shake_cpu(call), &seq);
		if (ret < 0 || READ_ONCE(ivtrace_shake.is_stopping) ||
		    ivring_load(&page->shake_call) != call)
			break;
		cond_resched();
		now = ktime_get_ns();
		gap = min_t(u64, now - before, IVTRACE_SHAKE_US_GAP * NSEC_PER_USEC);
		before = now;
		all += gap;
		quiet = ret ? 0 : quiet + gap;
	}
}

void ivtrace_shake_look(const struct ivring_reader_page *page)
{
	u64 call = ivring_load(&page->shake_call);
	unsigned int cpu = ivtrace_shake_cpu(call);
	ktime_t now;
	u64 rest_ns;

	if (!shake_us || !call || call == ivtrace_shake.call)
		return;
	now = ktime_get();
	rest_ns = max_t(u64, 10 * IVTRACE_SHAKE_CALLS * ivtrace_shake_ns(),
			IVTRACE_SHAKE_MS * NSEC_PER_MSEC);
	if (ktime_to_ns(ktime_sub(now, ivtrace_shake.called_at)) < rest_ns)
		return;
	ivtrace_shake.called_at = now;
	WRITE_ONCE(ivtrace_shake.call, call);
	if (cpu < nr_cpu_ids && cpu_online(cpu))
		queue_work_on(cpu, system_highpri_wq, &ivtrace_shake.work);
}

void ivtrace_shake_start(struct ivtrace_region *r)
{
	ivtrace_shake.region = r;
	ivtrace_shake.call = ivring_load(&ivtrace_reader_page(r)->shake_call);
	ivtrace_shake.called_at = ktime_get();
	ivtrace_shake.is_stopping = false;
	INIT_WORK(&ivtrace_shake.work, ivtrace_shake_work);
	ivring_store(&ivtrace_shake_answer()->version, shake_us ? IVRING_SHAKE_VERSION : 0);
}

void ivtrace_shake_stop(void)
{
	WRITE_ONCE(ivtrace_shake.is_stopping, true);
	cancel_work_sync(&ivtrace_shake.work);
	if (!ivtrace_region_is_stale(ivtrace_shake.region))
		ivring_store(&ivtrace_shake_answer()->version, 0);
}
