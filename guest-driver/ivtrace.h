/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ivtrace.ko: what its files share.
 *
 *	ivtrace_pci.c		finds and binds the device, loads and unloads
 *	ivtrace_map.c		maps the region write-back, measures the mapping
 *	ivtrace_ring.c		one writer per CPU: open, flush, close, panic
 *	ivtrace_control.c	does what the reader's page asks for
 *	ivtrace_doorbell.c	wakes the host, is interrupted by it
 *	ivtrace_shake.c		answers the host's question for the time
 *	ivtrace_probe.c		tracepoints -> records
 *	ivtrace_filter.c	whose events are recorded
 *	ivtrace_stack.c		user call chains behind events
 *	ivtrace_ftrace.c	what the guest's tracefs has enabled -> records
 *	ivtrace_tracefs.c	what tracefs says of its events
 *	ivtrace_dump.c		the state that was there before the recording
 *	ivtrace_mark.c		/dev/ivtrace
 *	ivtrace_stap.c		what SystemTap's scripts call
 *	ivtrace_status.c	/sys/class/misc/ivtrace/
 *
 * One region at a time.  Order of life: map, doorbell_start, ring_start,
 * control_start; control_stop, ring_stop, doorbell_stop, unmap.
 */
#ifndef IVTRACE_H
#define IVTRACE_H

#include <linux/irq_work.h>
#include <linux/jump_label.h>
#include <linux/kcsan-checks.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <ivring/ring.h>
#include <ivring/events.h>
#include <ivring/mark.h>
#include "compat.h"

struct attribute_group;
struct pci_dev;

/* How the region is mapped. */
enum ivtrace_how {
	IVTRACE_BY_PFN,	 /* vmap_pfn() */
	IVTRACE_BY_PAGE, /* memremap_pages() and vmap() */
	IVTRACE_BY_MEMREMAP,
};

/* The bound region.  Geometry is in @sb, a private and validated copy; of the
 * superblock in the region only magic and host_epoch are looked at again. */
struct ivtrace_region {
	void *base; /* the mapping, up to the last channel that is used */
	size_t bytes;
	enum ivtrace_how how;
	u32 map_type; /* IVRING_MAP_* */
	struct ivring_superblock sb;
	u64 epoch; /* guest_epoch of this binding */
};

static inline struct ivring_guest_page *ivtrace_guest_page(const struct ivtrace_region *r)
{
	return r->base + IVRING_GUEST_OFF;
}

static inline struct ivring_reader_page *ivtrace_reader_page(const struct ivtrace_region *r)
{
	return r->base + r->sb.reader_off;
}

/* The host formatted the region anew: what we know of it no longer holds. */
static inline bool ivtrace_region_is_stale(const struct ivtrace_region *r)
{
	const struct ivring_superblock *sb = r->base;

	return ivring_load(&sb->magic) != r->sb.magic ||
	       ivring_load(&sb->host_epoch) != r->sb.host_epoch;
}

/* ---- map: process context ------------------------------------------------ */

/* Copy the superblock at the start of @pdev's BAR 2, once.  0; -ENOMEM. */
int ivtrace_map_peek(struct pci_dev *pdev, struct ivring_superblock *ret);

/* Map BAR 2 as @r->sb says, measure, fill base, bytes and map_type.
 * 0; -ENOMEM.  ivtrace_unmap() undoes it. */
int ivtrace_map(struct ivtrace_region *r, struct pci_dev *pdev);
void ivtrace_unmap(struct ivtrace_region *r);

/* IVRING_GUEST_*: what of the reader's wishes this driver obeys. */
u32 ivtrace_features(void);

/* ---- ring ------------------------------------------------------------------ */

struct ivtrace_cpu {
	struct ivring_writer w;
	bool is_open; /* w may be written, by this CPU with preemption off */
	bool is_online;
	bool is_parked; /* the flush timer does not run; only on this CPU */
	u32 idle_ticks;
	unsigned long published_at; /* by timer or kick; jiffies */
	int kick_pending;	    /* kick is queued or runs */
	call_single_data_t kick;
	struct hrtimer flush;
	u64 ring_at; /* published that far, the doorbell is due */
	u64 n_rings;
	struct irq_work ring;
};

DECLARE_PER_CPU(struct ivtrace_cpu, ivtrace_cpus);

/* Process context.  Start a new epoch in @r: wait for the reader to drain the
 * old one (1 s at most), clear, open one writer per CPU, state READY. 0; -errno. */
int ivtrace_ring_start(struct ivtrace_region *r);
/* Process context; no tracepoint of ours is registered any more.  Waits for
 * writers that are still inside, publishes all that was committed; state DOWN.
 * A stale region is left alone. */
void ivtrace_ring_stop(struct ivtrace_region *r);

/* Process context: devices go to sleep or wake up, or the reader asks for it (then
 * the control work calls); between the two nothing is written.  freeze publishes all
 * that was committed, state FROZEN.  thaw goes on in the same epoch, or where the
 * clock or the rings went back begins a new one; state READY. */
void ivtrace_ring_freeze(struct ivtrace_region *r);
void ivtrace_ring_thaw(struct ivtrace_region *r);

/* Interrupts off.  Have each CPU publish what its reader cannot see yet: those whose
 * flush timer is parked, or (@all) every one.  @period_ms: this CPU calls again after
 * that time; 0: it may not. */
void ivtrace_ring_kick(bool all, u32 period_ms);

/* What was written and lost since the region was bound, and how often the host
 * was woken, all CPUs.  Any context. */
struct ivtrace_counts {
	u64 records;
	u64 lost_full;
	u64 lost_nested;
	u64 lost_big;
	u64 rings;
};
void ivtrace_ring_count(struct ivtrace_counts *ret);

/* An online CPU that has a ring, for queue_work_on(); any context. */
int ivtrace_ring_cpu(void);

/* Process context: sleep (250 ms at most) until the current CPU's ring is less
 * than half full.  False: it is not, its reader does not read. */
bool ivtrace_ring_wait_room(void);

/* ---- doorbell ------------------------------------------------------------- */

/* The bound device has one. */
DECLARE_STATIC_KEY_FALSE(ivtrace_has_doorbell);

/* Process context.  Take the registers and the interrupt of @pdev, whose memory is
 * @r; a device without them, or that does not give them, is used without. */
void ivtrace_doorbell_start(struct ivtrace_region *r, struct pci_dev *pdev);
/* Process context; nobody writes any more.  Undoes it; twice does no harm. */
void ivtrace_doorbell_stop(struct pci_dev *pdev);
/* The first sub-buffer that @c's writer completes is news.  Before @c is open. */
void ivtrace_doorbell_prepare(struct ivtrace_cpu *c);
/* Any context, on @c's CPU: a sub-buffer is complete.  If the host sleeps, wake it,
 * by and by. */
void ivtrace_doorbell_due(struct ivtrace_cpu *c);
/* Interrupts of the host since the device was bound.  Any context. */
u64 ivtrace_doorbell_interrupts(void);

static __always_inline u32 ivtrace_ctx(void)
{
	u32 exec = IVRING_EXEC_TASK;

	if (in_nmi())
		exec = IVRING_EXEC_NMI;
	else if (in_hardirq())
		exec = IVRING_EXEC_HARDIRQ;
	else if (in_serving_softirq())
		exec = IVRING_EXEC_SOFTIRQ;
	return ((u32)current->pid & IVRING_CTX_TID_MASK) | exec << IVRING_CTX_EXEC_SHIFT;
}

/* Any context.  Record @head and, behind it, @body.  1 when recorded, 0 when lost or
 * when this CPU has no ring; without a look at filter and call chains. */
static __always_inline int ivtrace_write_two(u16 type, const void *head, u32 head_bytes,
					     const void *body, u32 body_bytes)
{
	struct ivtrace_cpu *c;
	int ret = 0;

	preempt_disable_notrace();
	kcsan_nestable_atomic_begin(); /* only interrupts of this CPU come between, and nest */
	c = raw_cpu_ptr(&ivtrace_cpus);
	if (likely(READ_ONCE(c->is_open))) {
		ret = ivring_emit_two(&c->w, type, ivtrace_ctx(), head, head_bytes, body,
				      body_bytes);
		if (static_branch_unlikely(&ivtrace_has_doorbell) &&
		    unlikely(ivring_load(&c->w.pub) >= ivring_load(&c->ring_at)))
			ivtrace_doorbell_due(c);
	}
	kcsan_nestable_atomic_end();
	preempt_enable_notrace();
	return ret;
}

/* The same with a payload of one piece. */
static __always_inline int ivtrace_write(u16 type, const void *payload, u32 bytes)
{
	return ivtrace_write_two(type, payload, bytes, NULL, 0);
}

/* ---- filter and call chains: any context -------------------------------------- */

/* There is a filter, or some event is to have a call chain. */
DECLARE_STATIC_KEY_FALSE(ivtrace_is_special);

/* Does an event of current and, where not NULL, of @one and @other pass? */
bool ivtrace_filter_passes(const struct task_struct *one, const struct task_struct *other);

/* The call chain of current behind an event of @type that was just recorded, if
 * one is asked for. */
void ivtrace_stack_follow(u16 type);

/* The slow halves of the two below. */
int ivtrace_emit_chained(u16 type, const void *payload, u32 bytes);
int ivtrace_emit_picked(u16 type, const void *payload, u32 bytes, const struct task_struct *one,
			const struct task_struct *other);

/* Record what no filter holds back: marks, state, the driver's own. */
static __always_inline int ivtrace_emit(u16 type, const void *payload, u32 bytes)
{
	if (static_branch_unlikely(&ivtrace_is_special))
		return ivtrace_emit_chained(type, payload, bytes);
	return ivtrace_write(type, payload, bytes);
}

/* Record an event that concerns current and, where not NULL, @one and @other. */
static __always_inline int ivtrace_emit_of(u16 type, const void *payload, u32 bytes,
					   const struct task_struct *one,
					   const struct task_struct *other)
{
	if (static_branch_unlikely(&ivtrace_is_special))
		return ivtrace_emit_picked(type, payload, bytes, one, other);
	return ivtrace_write(type, payload, bytes);
}

/* ---- what the reader's filter says: process context, one caller at a time ----- */

/* Any context: is there another filter than the one that is applied? */
bool ivtrace_filter_is_news(const struct ivring_filter *shared);
/* Take @shared over, unless it is being changed; NULL: no filter.  A new reader's
 * replaces the old one's even then. */
void ivtrace_filter_apply(const struct ivring_filter *shared, bool is_new_reader);
bool ivtrace_filter_is_on(void);
/* Into @page (PAGE_SIZE bytes): numbers with commas between; a name per line.  The
 * bytes written. */
ssize_t ivtrace_filter_print_pids(char *page);
ssize_t ivtrace_filter_print_comms(char *page);

/* ---- control --------------------------------------------------------------- */

/* Process context.  Watch @r's reader page until stopped; after stop no
 * tracepoint of ours is registered.  start cannot fail. */
void ivtrace_control_start(struct ivtrace_region *r);
void ivtrace_control_stop(void);
/* Process context, between the two: what the reader wants is done on return. */
void ivtrace_control_hurry(void);
/* Hardirq: look at the reader's page now; nothing where control is stopped. */
void ivtrace_control_look(void);

/* Is this type wanted by the present reader?  Any context. */
bool ivtrace_type_is_enabled(u16 type);
/* Is there a reader, and is it listened to?  Any context. */
bool ivtrace_control_is_recording(void);
/* Does the reader want nothing to be written for now?  Any context. */
bool ivtrace_control_is_frozen(void);
/* The wanted types, and those that call chains are wanted for, as a list of ranges
 * into @page (PAGE_SIZE bytes), with a newline; the bytes written. */
ssize_t ivtrace_control_print_types(char *page);
ssize_t ivtrace_control_print_chains(char *page);

/* Is it the timer that watches the reader's page?  Any context. */
bool ivtrace_control_is_timer(const struct hrtimer *timer);

/* The region was formatted anew under us: bind again.  Hardirq (pci.c). */
void ivtrace_pci_rebind(void);

/* What is bound, all zero when nothing is.  Process context. */
struct ivtrace_binding {
	bool is_bound;
	char device[32]; /* PCI address */
	u64 epoch;
	u64 channel_bytes;
	u32 channels;
	u32 map_type;
	bool has_doorbell;
	u64 interrupts;
	struct ivtrace_counts counts;
};
void ivtrace_pci_binding(struct ivtrace_binding *ret);

/* ---- handshake: bounds the TSC's offset ------------------------------------ */

/* Process context.  Ready for calls, and done with them. */
void ivtrace_shake_start(struct ivtrace_region *r);
void ivtrace_shake_stop(void);
/* Hardirq, one caller at a time: has the host called? */
void ivtrace_shake_look(const struct ivring_reader_page *page);

/* ---- probes: process context, one caller at a time ------------------------- */

/* Look the tracepoints up.  One that this kernel lacks is logged, once, when its
 * events are asked for. */
void ivtrace_probe_init(void);
/* Register the probes whose bit is set in @bitmap (IVRING_BITMAP_WORDS words,
 * read again by the system call probes: it must outlive them), unregister the
 * others.  After a call with no bit set no probe runs. */
void ivtrace_probe_apply(const u64 *bitmap);

/* Does a CPU that is woken write records of just that?  Any context. */
bool ivtrace_probe_sees_wakeups(void);

/* Process context: tasks and disks as they are now, as lttng_statedump_*. */
void ivtrace_dump_state(void);

/* ---- ftrace's events: process context, one caller at a time ----------------- */

/* Whether this kernel's events can be exported at all. */
#define IVTRACE_HAS_FTRACE IS_ENABLED(CONFIG_TRACING)

/* Record what tracefs has enabled, with formats from the beginning of each
 * @recording (the reader's epoch), or leave off.  After a call with @is_wanted
 * false nothing of it runs. */
void ivtrace_ftrace_apply(bool is_wanted, u64 recording);

/* A mount of our own for the reads.  0; -errno. */
int ivtrace_tracefs_open(void);
void ivtrace_tracefs_close(void);
/* All of the file @name below tracefs, NUL-terminated; kvfree() it.  ERR_PTR(). */
char *ivtrace_tracefs_read(const char *name);

/* /dev/ivtrace.  0; -errno. */
int ivtrace_mark_init(void);
void ivtrace_mark_exit(void);

/* What a mark becomes, but for a text, which has no number. */
struct ivtrace_mark {
	u64 number;
	char text[IVT_STR_BYTES];
};

/* Any context.  Record @mark, of @kind (IVRING_MARK_*), whose text has @bytes
 * (IVT_STR_BYTES - 1 at most) without NUL and is cleaned here.  1 when recorded, 0
 * when lost or not wanted. */
int ivtrace_mark_emit(u32 kind, struct ivtrace_mark *mark, u32 bytes);

/* The same for a SystemTap script, @text NUL-terminated. */
int ivtrace_stap_record(unsigned int kind, u64 number, const char *text);

/* Of /dev/ivtrace's device. */
extern const struct attribute_group *ivtrace_status_groups[];

/* Bounded copy of @text (NULL: empty) to @dst of IVT_STR_BYTES; the length with
 * the NUL.  Any context. */
static __always_inline u32 ivtrace_copy_text(char *dst, const char *text)
{
	u32 n = 0;

	if (text)
		while (n < IVT_STR_BYTES - 1 && text[n]) {
			dst[n] = text[n];
			n++;
		}
	dst[n++] = '\0';
	return n;
}

static inline bool ivtrace_bit(const u64 *bitmap, u32 type)
{
	return READ_ONCE(bitmap[type / 64]) >> (type % 64) & 1;
}

#endif /* IVTRACE_H */
