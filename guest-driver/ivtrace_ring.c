// SPDX-License-Identifier: GPL-2.0-only
/*
 * One ring writer per CPU.
 *
 * A writer publishes whole grains by itself; what is left on a quiet CPU is
 * published by that CPU's flush timer.  The timer must not keep an idle vCPU
 * awake and cannot be started from a tracepoint (that may be inside the timer
 * code, or hold a run queue's lock).  So it parks when it finds nothing for a
 * while, and the control timer, which runs on one CPU only, looks at the
 * parked ones and restarts theirs ("kick").  The CPU that it runs on needs no
 * second timer where the control timer comes often enough: what is there is
 * published on the spot.  A guest with one vCPU is woken half as often so.
 *
 * Where wake-ups themselves are recorded (timer interrupts, idle states) each
 * look at an idle CPU would find the records of the last one.  There, what is no
 * more than a wake-up makes neither keeps the timer running nor brings a kick
 * more than once a second.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/panic_notifier.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/utsname.h>
#include <linux/workqueue.h>
#include <asm/tsc.h>
#include "ivtrace.h"

#define IVTRACE_ACK_MS	   1000
#define IVTRACE_CLEAR_STEP (1u << 20)
#define IVTRACE_PARK_TICKS 10
#define IVTRACE_OWN_BYTES  256 /* that waking an idle CPU adds to its ring, at most */

static unsigned int flush_ms = 10;
module_param(flush_ms, uint, 0444);
MODULE_PARM_DESC(flush_ms,
		 "Longest time (1..1000 ms) that a record stays unpublished on a quiet CPU (10)");

DEFINE_PER_CPU(struct ivtrace_cpu, ivtrace_cpus);

static struct ivtrace_region *ivtrace_panic_region;
static u64 ivtrace_frozen_tsc; /* when the guest went to sleep */
static int ivtrace_hp_online = -1;
static int ivtrace_hp_dead = -1;

static ktime_t ivtrace_flush_period(void)
{
	return ms_to_ktime(clamp(flush_ms, 1u, 1000u));
}

/* ---- flush ------------------------------------------------------------------ */

/* Is there more to publish than what our looking made? */
static bool ivtrace_has_news(const struct ivtrace_cpu *c)
{
	u64 bytes = ivring_load(&c->w.resv) - ivring_load(&c->w.pub);

	return ivring_needs_flush(&c->w) &&
	       (bytes > IVTRACE_OWN_BYTES || !ivtrace_probe_sees_wakeups());
}

/* On the ring's CPU, or where that writes no more. */
static void ivtrace_flush(struct ivtrace_cpu *c)
{
	kcsan_nestable_atomic_begin(); /* as in ivtrace_write_two() */
	ivring_flush(&c->w);
	kcsan_nestable_atomic_end();
}

static void ivtrace_publish(struct ivtrace_cpu *c)
{
	ivtrace_flush(c);
	WRITE_ONCE(c->published_at, jiffies);
}

static enum hrtimer_restart ivtrace_flush_timer(struct hrtimer *timer)
{
	struct ivtrace_cpu *c = container_of(timer, struct ivtrace_cpu, flush);

	if (c != this_cpu_ptr(&ivtrace_cpus) || !READ_ONCE(c->is_open) ||
	    !READ_ONCE(c->is_online)) {
		WRITE_ONCE(c->is_parked, true);
		return HRTIMER_NORESTART;
	}
	c->idle_ticks = ivtrace_has_news(c) ? 0 : c->idle_ticks + 1;
	if (ivring_needs_flush(&c->w))
		ivtrace_publish(c);
	if (c->idle_ticks >= IVTRACE_PARK_TICKS) {
		WRITE_ONCE(c->is_parked, true);
		return HRTIMER_NORESTART;
	}
	hrtimer_forward_now(timer, ivtrace_flush_period());
	return HRTIMER_RESTART;
}

/* On the CPU that is kicked, interrupts off. */
static void ivtrace_kicked(void *arg)
{
	struct ivtrace_cpu *c = arg;

	if (READ_ONCE(c->is_open) && READ_ONCE(c->is_online)) {
		bool has_news = ivtrace_has_news(c);

		ivtrace_publish(c);
		c->idle_ticks = 0;
		if (c->is_parked && has_news) {
			WRITE_ONCE(c->is_parked, false);
			hrtimer_start(&c->flush, ivtrace_flush_period(),
				      HRTIMER_MODE_REL_PINNED_HARD);
		}
	}
	smp_store_release(&c->kick_pending, 0); /* the last that is done with c->kick */
}

void ivtrace_ring_kick(bool all, u32 period_ms)
{
	int cpu, here = period_ms && period_ms <= flush_ms ? smp_processor_id() : -1;

	for_each_online_cpu (cpu) {
		struct ivtrace_cpu *c = per_cpu_ptr(&ivtrace_cpus, cpu);

		if (!READ_ONCE(c->is_open) || !READ_ONCE(c->is_online) ||
		    !(all || READ_ONCE(c->is_parked)) || !ivring_needs_flush(&c->w))
			continue;
		if (!all && !ivtrace_has_news(c) &&
		    time_before(jiffies, READ_ONCE(c->published_at) + HZ))
			continue;
		if (cpu == here) {
			ivtrace_publish(c);
			continue;
		}
		/* Only the control timer kicks: nobody else sets the flag; pairs with the
		 * kick's end. */
		if (smp_load_acquire(&c->kick_pending))
			continue;
		WRITE_ONCE(c->kick_pending, 1);
		if (smp_call_function_single_async(cpu, &c->kick))
			WRITE_ONCE(c->kick_pending, 0);
	}
}

int ivtrace_ring_cpu(void)
{
	int cpu;

	for_each_online_cpu (cpu)
		if (READ_ONCE(per_cpu_ptr(&ivtrace_cpus, cpu)->is_open))
			return cpu;
	return WORK_CPU_UNBOUND;
}

void ivtrace_ring_count(struct ivtrace_counts *ret)
{
	int cpu;

	memset(ret, 0, sizeof(*ret));
	for_each_possible_cpu (cpu) {
		const struct ivtrace_cpu *c = per_cpu_ptr(&ivtrace_cpus, cpu);

		if (!READ_ONCE(c->w.data)) /* a ring that is frozen counts, too */
			continue;
		ret->records += ivring_load(&c->w.events);
		ret->lost_full += ivring_load(&c->w.lost_full);
		ret->lost_nested += ivring_load(&c->w.lost_nested);
		ret->lost_big += ivring_load(&c->w.lost_big);
		ret->rings += READ_ONCE(c->n_rings);
	}
}

bool ivtrace_ring_wait_room(void)
{
	int tries;

	for (tries = 0; tries < 50; tries++) {
		struct ivtrace_cpu *c = get_cpu_ptr(&ivtrace_cpus);
		u64 used = 0, tail;

		if (READ_ONCE(c->is_open) && !c->w.is_overwrite) {
			tail = ivring_load(&c->w.reader->r_tail);
			used = ivring_load(&c->w.resv) - max(tail, c->w.base);
			if (used > c->w.size) /* nonsense, or an old reader's tail */
				used = 0;
		}
		put_cpu_ptr(&ivtrace_cpus);
		if (used <= c->w.size / 2)
			return true;
		usleep_range(5000, 6000);
	}
	return false;
}

/* ---- CPUs come and go ---------------------------------------------------------- */

static int ivtrace_cpu_online(unsigned int cpu)
{
	WRITE_ONCE(per_cpu_ptr(&ivtrace_cpus, cpu)->is_online, true);
	return 0;
}

/* Still on the CPU: it goes on writing for a moment. */
static int ivtrace_cpu_offline(unsigned int cpu)
{
	struct ivtrace_cpu *c = per_cpu_ptr(&ivtrace_cpus, cpu);

	WRITE_ONCE(c->is_online, false);
	hrtimer_cancel(&c->flush);
	WRITE_ONCE(c->is_parked, true);
	return 0;
}

/* On another CPU: this one is dead, so its last records can be published here. */
static int ivtrace_cpu_dead(unsigned int cpu)
{
	struct ivtrace_cpu *c = per_cpu_ptr(&ivtrace_cpus, cpu);

	if (READ_ONCE(c->is_open))
		ivtrace_flush(c);
	return 0;
}

static int ivtrace_hotplug_start(void)
{
	int ret;

	ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "ivtrace:dead", NULL,
					ivtrace_cpu_dead);
	if (ret < 0)
		return ret;
	ivtrace_hp_dead = ret;
	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "ivtrace:online", ivtrace_cpu_online,
				ivtrace_cpu_offline);
	if (ret < 0) {
		cpuhp_remove_state_nocalls(ivtrace_hp_dead);
		return ret;
	}
	ivtrace_hp_online = ret;
	return 0;
}

static void ivtrace_hotplug_stop(void)
{
	cpuhp_remove_state(ivtrace_hp_online);
	cpuhp_remove_state_nocalls(ivtrace_hp_dead);
}

/* ---- panic ----------------------------------------------------------------------- */

/* The host salvages what was reserved and not published: tell it how far. */
static int ivtrace_panic(struct notifier_block *nb, unsigned long event, void *data)
{
	struct ivtrace_region *r = READ_ONCE(ivtrace_panic_region);
	int cpu;

	if (!r)
		return NOTIFY_DONE;
	for_each_possible_cpu (cpu) {
		struct ivtrace_cpu *c = per_cpu_ptr(&ivtrace_cpus, cpu);

		if (!READ_ONCE(c->is_open))
			continue;
		WRITE_ONCE(c->is_open, false);
		ivring_store(&c->w.shared->w_resv_hint, ivring_load(&c->w.resv));
	}
	ivring_store_release(&ivtrace_guest_page(r)->state, IVRING_GUEST_DEAD);
	return NOTIFY_DONE;
}

static struct notifier_block ivtrace_panic_block = {
	.notifier_call = ivtrace_panic,
	.priority = INT_MAX, /* before those that reset the machine */
};

/* ---- start and stop ---------------------------------------------------------------- */

static void ivtrace_announce(struct ivtrace_region *r)
{
	struct ivring_guest_page *g = ivtrace_guest_page(r);

	do
		r->epoch = get_random_u64();
	while (!r->epoch || r->epoch == ivring_load(&g->guest_epoch));
	ivring_store(&g->state, IVRING_GUEST_INIT);
	ivring_wmb();
	g->nr_cpus = num_present_cpus();
	g->tsc_khz = tsc_khz;
	g->map_type = r->map_type;
	g->features = ivtrace_features();
	memset(g->release, 0, sizeof(g->release));
	memcpy(g->release, init_utsname()->release,
	       strnlen(init_utsname()->release, sizeof(g->release) - 1));
	ivring_store(&g->heartbeat, 0);
	ivring_store_release(&g->guest_epoch, r->epoch);
}

/* A reader that is there drains what the previous boot left. */
static void ivtrace_wait_ack(struct ivtrace_region *r)
{
	struct ivring_reader_page *page = ivtrace_reader_page(r);
	int ms;

	for (ms = 0; ms < IVTRACE_ACK_MS; ms += 5) {
		if (!ivring_load(&page->reader_epoch) ||
		    ivring_load_acquire(&page->ack_epoch) == r->epoch)
			return;
		usleep_range(5000, 6000);
	}
	pr_warn("the reader did not answer within %d ms; its last records of the previous boot may "
		"be lost\n",
		IVTRACE_ACK_MS);
}

static void ivtrace_clear(u8 *data, u64 bytes)
{
	while (bytes) {
		u64 step = min_t(u64, bytes, IVTRACE_CLEAR_STEP);

		memset(data, 0, step);
		data += step;
		bytes -= step;
		cond_resched();
	}
}

static void ivtrace_cpu_setup(int cpu)
{
	struct ivtrace_cpu *c = per_cpu_ptr(&ivtrace_cpus, cpu);

	c->is_open = false;
	c->is_online = false;
	c->is_parked = true;
	c->idle_ticks = 0;
	c->published_at = jiffies;
	c->kick_pending = 0;
	INIT_CSD(&c->kick, ivtrace_kicked, c);
	ivtrace_hrtimer_setup(&c->flush, ivtrace_flush_timer, HRTIMER_MODE_REL_PINNED_HARD);
}

/* The host may keep channels for other ends than a CPU's records. */
static bool ivtrace_chan_is_ours(struct ivtrace_region *r, int cpu)
{
	struct ivring_chan *chan;

	if (cpu >= r->sb.nr_channels)
		return false;
	chan = r->base + ivring_chan_desc_off(cpu);
	return ivring_load(&chan->host.kind) == IVRING_KIND_GUEST_VCPU &&
	       ivring_load(&chan->host.mode) <= IVRING_MODE_OVERWRITE;
}

static void ivtrace_open_all(struct ivtrace_region *r)
{
	unsigned int n_without = 0;
	int cpu;

	for_each_possible_cpu (cpu) {
		struct ivtrace_cpu *c = per_cpu_ptr(&ivtrace_cpus, cpu);

		ivtrace_cpu_setup(cpu);
		if (!ivtrace_chan_is_ours(r, cpu)) {
			n_without += cpu_present(cpu);
			continue;
		}
		ivtrace_clear(r->base + ivring_chan_data_off(&r->sb, cpu),
			      ivring_chan_bytes(&r->sb));
		ivring_writer_init(&c->w, r->base, &r->sb, cpu, r->epoch);
		ivtrace_doorbell_prepare(c);
		/* After the writer: interrupts of this CPU may use it at once. */
		smp_store_release(&c->is_open, true);
	}
	if (n_without)
		pr_warn("%u of %u CPUs have no ring (the region has %u channels): their events are "
			"not recorded\n",
			n_without, num_present_cpus(), r->sb.nr_channels);
}

/* After this no writer is inside and no timer of ours runs. */
static void ivtrace_quiesce(void)
{
	int cpu;

	for_each_possible_cpu (cpu)
		WRITE_ONCE(per_cpu_ptr(&ivtrace_cpus, cpu)->is_open, false);
	synchronize_rcu(); /* writers have preemption off */
	for_each_possible_cpu (cpu) {
		struct ivtrace_cpu *c = per_cpu_ptr(&ivtrace_cpus, cpu);

		while (smp_load_acquire(&c->kick_pending)) /* pairs with the kick's end */
			usleep_range(1000, 2000);
		hrtimer_cancel(&c->flush);
	}
}

static void ivtrace_close_all(bool publish)
{
	int cpu;

	ivtrace_quiesce();
	for_each_possible_cpu (cpu) {
		struct ivtrace_cpu *c = per_cpu_ptr(&ivtrace_cpus, cpu);

		if (c->w.data && publish)
			ivtrace_flush(c);
		c->w.data = NULL;
	}
}

int ivtrace_ring_start(struct ivtrace_region *r)
{
	int ret;

	ivtrace_announce(r);
	ivtrace_wait_ack(r);
	ivtrace_open_all(r);
	ret = ivtrace_hotplug_start();
	if (ret) {
		ivtrace_close_all(false);
		ivring_store_release(&ivtrace_guest_page(r)->state, IVRING_GUEST_DOWN);
		return ret;
	}
	WRITE_ONCE(ivtrace_panic_region, r);
	atomic_notifier_chain_register(&panic_notifier_list, &ivtrace_panic_block);
	ivring_store_release(&ivtrace_guest_page(r)->state, IVRING_GUEST_READY);
	return 0;
}

void ivtrace_ring_stop(struct ivtrace_region *r)
{
	bool is_stale;

	atomic_notifier_chain_unregister(&panic_notifier_list, &ivtrace_panic_block);
	WRITE_ONCE(ivtrace_panic_region, NULL);
	ivtrace_hotplug_stop();
	is_stale = ivtrace_region_is_stale(r);
	ivtrace_close_all(!is_stale);
	if (is_stale)
		return;
	ivring_store_release(&ivtrace_guest_page(r)->state, IVRING_GUEST_FROZEN);
	ivring_store_release(&ivtrace_guest_page(r)->state, IVRING_GUEST_DOWN);
}

/* ---- sleep ------------------------------------------------------------------------- */

/*
 * After sleep the rings go on where they ended, unless that would break a rule:
 * a clock that some hypervisors begin anew would go back, or we are an older
 * image of this kernel, restored, and somebody wrote here since.
 */
static bool ivtrace_ring_may_go_on(struct ivtrace_region *r)
{
	int cpu;

	if (rdtsc_ordered() < ivtrace_frozen_tsc ||
	    ivring_load(&ivtrace_guest_page(r)->guest_epoch) != r->epoch)
		return false;
	for_each_possible_cpu (cpu) {
		struct ivtrace_cpu *c = per_cpu_ptr(&ivtrace_cpus, cpu);

		if (c->w.data && ivring_load(&c->w.shared->w_head) != c->w.pub)
			return false;
	}
	return true;
}

static void ivtrace_reopen_all(void)
{
	int cpu;

	for_each_possible_cpu (cpu) {
		struct ivtrace_cpu *c = per_cpu_ptr(&ivtrace_cpus, cpu);

		if (!c->w.data)
			continue;
		c->is_parked = true;
		c->idle_ticks = 0;
		/* After the writer, as in ivtrace_open_all(). */
		smp_store_release(&c->is_open, true);
	}
}

static void ivtrace_ring_renew(struct ivtrace_region *r)
{
	int cpu;

	ivtrace_announce(r);
	ivtrace_wait_ack(r);
	cpus_read_lock(); /* a reader ends its freeze when it likes */
	ivtrace_open_all(r);
	for_each_online_cpu (cpu)
		WRITE_ONCE(per_cpu_ptr(&ivtrace_cpus, cpu)->is_online, true);
	cpus_read_unlock();
	pr_info_ratelimited(
		"the clock or the rings went back while nothing was written: epoch %llx\n",
		r->epoch);
}

void ivtrace_ring_freeze(struct ivtrace_region *r)
{
	int cpu;

	ivtrace_quiesce();
	ivtrace_frozen_tsc = rdtsc_ordered();
	if (ivtrace_region_is_stale(r))
		return;
	for_each_possible_cpu (cpu) {
		struct ivtrace_cpu *c = per_cpu_ptr(&ivtrace_cpus, cpu);

		if (c->w.data)
			ivtrace_flush(c);
	}
	ivring_store_release(&ivtrace_guest_page(r)->state, IVRING_GUEST_FROZEN);
}

void ivtrace_ring_thaw(struct ivtrace_region *r)
{
	if (ivtrace_region_is_stale(r)) /* it will be bound anew */
		return;
	if (ivtrace_ring_may_go_on(r))
		ivtrace_reopen_all();
	else
		ivtrace_ring_renew(r);
	ivring_store_release(&ivtrace_guest_page(r)->state, IVRING_GUEST_READY);
}
