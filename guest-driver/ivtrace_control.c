// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host controls the guest through the reader's page: which events, whose
 * recording.  A timer looks at it, in an interrupt that no tracepoint reports,
 * so that watching adds nothing to the trace; only a change queues work.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hrtimer.h>
#include <linux/moduleparam.h>
#include <linux/spinlock.h>
#include <linux/sysfs.h>
#include <linux/workqueue.h>
#include <asm/tsc.h>
#include "ivtrace.h"

#define IVTRACE_IDLE_MS	 100
#define IVTRACE_APPLY_MS 100 /* shortest time between two changes of the probes */

#define IVTRACE_CHAIN_WORD (IVT_TYPE_CHAIN / 64) /* of the bitmap; up to its end */

static unsigned int poll_ms = 10;
module_param(poll_ms, uint, 0444);
MODULE_PARM_DESC(
	poll_ms,
	"How often (1..1000 ms) the reader's page is looked at while there is a reader (10)");

static bool host_control = true;
module_param(host_control, bool, 0644);
MODULE_PARM_DESC(host_control, "Record what the host asks for (Y); N records nothing");

static struct {
	struct ivtrace_region *region;
	struct hrtimer timer;
	struct work_struct work;
	u64 reader_epoch;		 /* as applied */
	u64 bitmap[IVRING_BITMAP_WORDS]; /* as applied; all zero without a reader */
	bool is_frozen;			 /* by the reader */
	ktime_t applied_at;
	u32 beat_ms; /* since the last ivtrace_beat record */
	bool is_stopping;
} ivtrace_control;

/* The timer's look and that of the host's interrupt: one at a time; is_watching. */
static DEFINE_RAW_SPINLOCK(ivtrace_look_lock);
static bool ivtrace_is_watching;

bool ivtrace_type_is_enabled(u16 type)
{
	return ivtrace_bit(ivtrace_control.bitmap, type);
}

bool ivtrace_control_is_timer(const struct hrtimer *timer)
{
	return timer == &ivtrace_control.timer;
}

bool ivtrace_control_is_recording(void)
{
	return READ_ONCE(ivtrace_control.reader_epoch);
}

bool ivtrace_control_is_frozen(void)
{
	return READ_ONCE(ivtrace_control.is_frozen);
}

ssize_t ivtrace_control_print_types(char *page)
{
	return sysfs_emit(page, "%*pbl\n", IVT_TYPE_CHAIN, ivtrace_control.bitmap);
}

ssize_t ivtrace_control_print_chains(char *page)
{
	return sysfs_emit(page, "%*pbl\n", IVT_TYPE_CHAIN,
			  ivtrace_control.bitmap + IVTRACE_CHAIN_WORD);
}

u32 ivtrace_features(void)
{
	return IVRING_GUEST_FILTERS | IVRING_GUEST_CHAINS | IVRING_GUEST_FREEZES |
	       (READ_ONCE(host_control) ? 0 : IVRING_GUEST_FORBIDS) |
	       (IVTRACE_HAS_FTRACE ? IVRING_GUEST_FTRACE : 0) |
	       (static_key_enabled(&ivtrace_has_doorbell) ? IVRING_GUEST_RINGS : 0);
}

/* The reader that is there, or 0: none, or the guest's owner wants none. */
static u64 ivtrace_control_reader(const struct ivring_reader_page *page)
{
	return READ_ONCE(host_control) ? ivring_load(&page->reader_epoch) : 0;
}

/* Each change patches code on all CPUs: a host that dithers must not stop the guest. */
static bool ivtrace_control_may_apply(void)
{
	return ktime_ms_delta(ktime_get(), READ_ONCE(ivtrace_control.applied_at)) >=
	       IVTRACE_APPLY_MS;
}

static bool ivtrace_control_wants_freeze(const struct ivring_reader_page *page, u64 reader_epoch)
{
	return reader_epoch && ivring_load(&page->flags) & IVRING_READER_FREEZE;
}

static bool ivtrace_control_changed(const struct ivring_reader_page *page, u64 reader_epoch)
{
	bool wants_freeze = ivtrace_control_wants_freeze(page, reader_epoch);
	int i;

	if (wants_freeze != READ_ONCE(ivtrace_control.is_frozen))
		return true;
	if (wants_freeze) /* all else when it is over */
		return false;
	if (reader_epoch != READ_ONCE(ivtrace_control.reader_epoch))
		return true;
	if (!reader_epoch)
		return false;
	if (ivtrace_filter_is_news(&page->filter))
		return true;
	for (i = 0; i < IVRING_BITMAP_WORDS; i++)
		if (ivring_load(&page->enable_bitmap[i]) != READ_ONCE(ivtrace_control.bitmap[i]))
			return true;
	return false;
}

static void ivtrace_control_beat(u32 period_ms)
{
	struct ivring_guest_page *g = ivtrace_guest_page(ivtrace_control.region);

	ivring_store(&g->features, ivtrace_features()); /* the owner may have decided anew */
	ivring_store(&g->heartbeat, ivring_load(&g->heartbeat) + 1);
	ivtrace_control.beat_ms += period_ms;
	if (ivtrace_control.beat_ms < 1000)
		return;
	ivtrace_control.beat_ms = 0;
	ivring_store(&g->tsc_khz, tsc_khz); /* refined a second after boot */
	if (ivtrace_type_is_enabled(IVT_TYPE_ivtrace_beat))
		ivtrace_emit(IVT_TYPE_ivtrace_beat, "", 0);
}

/* Under the lock.  Is there a reader?  @period_ms: as for ivtrace_ring_kick(). */
static bool ivtrace_control_look_locked(u32 period_ms)
{
	const struct ivring_reader_page *page = ivtrace_reader_page(ivtrace_control.region);
	u64 reader_epoch = ivtrace_control_reader(page);
	u32 flags = ivring_load(&page->flags);

	if (ivtrace_region_is_stale(ivtrace_control.region)) {
		ivtrace_pci_rebind();
		return reader_epoch;
	}
	if (ivtrace_control_may_apply() && ivtrace_control_changed(page, reader_epoch))
		queue_work_on(ivtrace_ring_cpu(), system_long_wq, &ivtrace_control.work);
	if (reader_epoch)
		ivtrace_shake_look(page);
	ivtrace_ring_kick(flags & IVRING_READER_FLUSH_REQ, period_ms);
	return reader_epoch;
}

void ivtrace_control_look(void)
{
	unsigned long irqs;

	raw_spin_lock_irqsave(&ivtrace_look_lock, irqs);
	if (ivtrace_is_watching)
		ivtrace_control_look_locked(0);
	raw_spin_unlock_irqrestore(&ivtrace_look_lock, irqs);
}

static enum hrtimer_restart ivtrace_control_timer(struct hrtimer *timer)
{
	unsigned long irqs;
	bool has_reader;
	u32 period_ms = clamp(poll_ms, 1u, 1000u);

	raw_spin_lock_irqsave(&ivtrace_look_lock, irqs);
	has_reader = ivtrace_control_look_locked(period_ms);
	raw_spin_unlock_irqrestore(&ivtrace_look_lock, irqs);
	if (!has_reader)
		period_ms = IVTRACE_IDLE_MS;
	if (!ivtrace_region_is_stale(ivtrace_control.region))
		ivtrace_control_beat(period_ms);
	hrtimer_forward_now(timer, ms_to_ktime(period_ms));
	return HRTIMER_RESTART;
}

static bool ivtrace_control_has_chains(void)
{
	int i;

	for (i = IVTRACE_CHAIN_WORD; i < IVRING_BITMAP_WORDS; i++)
		if (ivtrace_control.bitmap[i])
			return true;
	return false;
}

/* A filter holds before the first probe and until after the last one. */
static void ivtrace_control_apply(u64 reader_epoch)
{
	const struct ivring_reader_page *page = ivtrace_reader_page(ivtrace_control.region);
	int i;

	if (reader_epoch)
		ivtrace_filter_apply(&page->filter, reader_epoch != ivtrace_control.reader_epoch);
	for (i = 0; i < IVRING_BITMAP_WORDS; i++)
		WRITE_ONCE(ivtrace_control.bitmap[i],
			   reader_epoch ? ivring_load(&page->enable_bitmap[i]) : 0);
	if (ivtrace_filter_is_on() || ivtrace_control_has_chains())
		static_branch_enable(&ivtrace_is_special);
	ivtrace_probe_apply(ivtrace_control.bitmap);
	ivtrace_ftrace_apply(ivtrace_type_is_enabled(IVT_TYPE_ivtrace_ftrace), reader_epoch);
	if (!reader_epoch)
		ivtrace_filter_apply(NULL, false);
	if (!ivtrace_filter_is_on() && !ivtrace_control_has_chains())
		static_branch_disable(&ivtrace_is_special);
}

static void ivtrace_control_freeze(bool wants_freeze)
{
	if (wants_freeze == ivtrace_control.is_frozen)
		return;
	WRITE_ONCE(ivtrace_control.is_frozen, wants_freeze);
	if (wants_freeze)
		ivtrace_ring_freeze(ivtrace_control.region);
	else
		ivtrace_ring_thaw(ivtrace_control.region);
}

/* What the reader wants besides waits until it has taken its freeze back. */
static void ivtrace_control_work(struct work_struct *work)
{
	const struct ivring_reader_page *page = ivtrace_reader_page(ivtrace_control.region);
	u64 reader_epoch = ivtrace_control_reader(page);
	bool is_new = reader_epoch && reader_epoch != ivtrace_control.reader_epoch;

	if (READ_ONCE(ivtrace_control.is_stopping))
		return;
	ivtrace_control_freeze(ivtrace_control_wants_freeze(page, reader_epoch));
	if (!ivtrace_control.is_frozen) {
		ivtrace_control_apply(reader_epoch);
		WRITE_ONCE(ivtrace_control.reader_epoch, reader_epoch);
		if (is_new)
			ivtrace_dump_state();
	}
	WRITE_ONCE(ivtrace_control.applied_at, ktime_get());
}

static void ivtrace_control_watch(bool is_wanted)
{
	raw_spin_lock_irq(&ivtrace_look_lock);
	ivtrace_is_watching = is_wanted;
	raw_spin_unlock_irq(&ivtrace_look_lock);
}

void ivtrace_control_start(struct ivtrace_region *r)
{
	ivtrace_control.region = r;
	ivtrace_control.reader_epoch = 0;
	ivtrace_control.applied_at = ktime_sub_ms(ktime_get(), IVTRACE_APPLY_MS);
	ivtrace_control.beat_ms = 0;
	ivtrace_control.is_frozen = false;
	ivtrace_control.is_stopping = false;
	INIT_WORK(&ivtrace_control.work, ivtrace_control_work);
	ivtrace_hrtimer_setup(&ivtrace_control.timer, ivtrace_control_timer, HRTIMER_MODE_REL);
	ivtrace_shake_start(r);
	ivtrace_control_watch(true);
	hrtimer_start(&ivtrace_control.timer, ms_to_ktime(1), HRTIMER_MODE_REL);
}

void ivtrace_control_hurry(void)
{
	queue_work(system_long_wq, &ivtrace_control.work);
	flush_work(&ivtrace_control.work);
}

void ivtrace_control_stop(void)
{
	ivtrace_control_watch(false);
	WRITE_ONCE(ivtrace_control.is_stopping, true);
	hrtimer_cancel(&ivtrace_control.timer);
	ivtrace_shake_stop();
	cancel_work_sync(&ivtrace_control.work);
	ivtrace_control_apply(0);
}
