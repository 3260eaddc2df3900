// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracepoints to records.  The assignments are in ivring/probes.h, shared with
 * the host's tracer; here they become one probe and one table line each.  A
 * probe is registered only while its event is wanted: otherwise it costs what
 * an unused tracepoint costs, nothing.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/binfmts.h>
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/interrupt.h>
#include <linux/kprobes.h>
#include <linux/tracepoint.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <asm/syscall.h>
#include <asm/trace/irq_vectors.h>
#include <trace/events/block.h>
#include <trace/events/ipi.h>
#include <trace/events/irq.h>
#include <trace/events/net.h>
#include <trace/events/power.h>
#include <trace/events/sched.h>
#include <trace/events/sock.h>
#include <trace/events/syscalls.h>
#include <trace/events/tcp.h>
#include <trace/events/timer.h>
#include <trace/events/workqueue.h>
#ifdef IVTRACE_HAS_TRACE_EXCEPTIONS /* 6.16 moved it; ends with 6.16 */
#include <trace/events/exceptions.h>
#else
#include <asm/trace/exceptions.h>
#endif
#include "compat_tracepoints.h"
#include "ivtrace.h"

#define IVT_COMM(dst, task)	     memcpy(dst, (task)->comm, 16)
#define IVT_TASK_CPU(task)	     task_cpu(task)
#define IVT_CURRENT_TID()	     (current->pid)
#define IVT_CURRENT_COMM(dst)	     IVT_COMM(dst, current)
#define IVT_ENUM(type, name)	     ((__force unsigned int)(name))
#define IVT_BLK_ERROR(status)	     blk_status_to_errno(status)
#define IVT_PLAIN(type, value)	     ((__force type)(value))
#define IVT_SOCK_AS(type, sk, field) READ_ONCE(((const struct type *)(sk))->field)
#define IVT_JIFFIES()		     jiffies
#define IVT_HRTIMER_FUNCTION(timer)  ACCESS_PRIVATE(timer, function)

#define IVT_READ(dst, bytes, src) (memcpy(dst, src, bytes), 0)

#define IVT_READ_SKB ivtrace_read_skb

/* Drivers may leave even the headers in pages (virtio_net does). */
static __always_inline int ivtrace_read_skb(void *dst, u32 bytes, const struct sk_buff *skb,
					    u32 offset)
{
	const void *at = skb_header_pointer(skb, offset, bytes, dst);

	if (!at)
		return -EFAULT;
	if (at != dst)
		memcpy(dst, at, bytes);
	return 0;
}

#if IS_ENABLED(CONFIG_IPV6)
#define IVT_SOCK_IP6(dst, sk, field) memcpy(dst, &(sk)->__sk_common.field, 16)
#else
#define IVT_SOCK_IP6(dst, sk, field) ((void)0)
#endif

/* The ring's own timers would fill it with themselves. */
#define IVT_SKIP_OWN_TIMER(timer)                \
	do {                                     \
		if (ivtrace_timer_is_own(timer)) \
			return;                  \
	} while (0)

static __always_inline bool ivtrace_timer_is_own(const struct hrtimer *timer)
{
	return timer == &raw_cpu_ptr(&ivtrace_cpus)->flush || ivtrace_control_is_timer(timer);
}

/* ---- one function per event ---------------------------------------------------- */

/* Whom an event concerns besides current: its filter looks at them, too. */
#define IVTRACE_WHO_sched_switch       , prev, next
#define IVTRACE_WHO_sched_waking       , p, NULL
#define IVTRACE_WHO_sched_wakeup       , p, NULL
#define IVTRACE_WHO_sched_wakeup_new   , p, NULL
#define IVTRACE_WHO_sched_migrate_task , p, NULL
#define IVTRACE_WHO_sched_process_fork , parent, child
#define IVTRACE_WHO_sched_process_exec , p, NULL
#define IVTRACE_WHO_sched_process_exit , p, NULL

/* "one, other" of the lines above; of an event without a line "NULL, NULL". */
#define IVTRACE_WHO_PICK(none, one, other, ...) one, other
#define IVTRACE_WHO_OF(...)			IVTRACE_WHO_PICK(__VA_ARGS__, NULL, NULL, NULL)
#define IVTRACE_WHO(event)			IVTRACE_WHO_OF(IVTRACE_WHO_##event)

#define IVT_PROBE(event, tracepoint, proto, assign)                                   \
	static void ivtrace_probe_##event(void *data, proto)                          \
	{                                                                             \
		struct ivt_ev_##event payload, *const e = &payload;                   \
                                                                                      \
		assign;                                                               \
		ivtrace_emit_of(IVT_TYPE_##event, e, sizeof(*e), IVTRACE_WHO(event)); \
	}                                                                             \
	NOKPROBE_SYMBOL(ivtrace_probe_##event);                                       \
	static void __maybe_unused ivtrace_check_##event(void)                        \
	{                                                                             \
		check_trace_callback_type_##tracepoint(ivtrace_probe_##event);        \
	}

#define IVT_PROBE_PLAIN IVT_PROBE

#define IVT_PROBE_STR(event, tracepoint, proto, assign, field, source)                      \
	static void ivtrace_probe_##event(void *data, proto)                                \
	{                                                                                   \
		union {                                                                     \
			struct ivt_ev_##event fixed;                                        \
			char bytes[sizeof(struct ivt_ev_##event) + IVT_STR_BYTES];          \
		} payload;                                                                  \
		struct ivt_ev_##event *const e = &payload.fixed;                            \
		const u32 offset = offsetof(struct ivt_ev_##event, field);                  \
                                                                                            \
		assign;                                                                     \
		ivtrace_emit_of(IVT_TYPE_##event, e,                                        \
				offset + ivtrace_copy_text(payload.bytes + offset, source), \
				IVTRACE_WHO(event));                                        \
	}                                                                                   \
	NOKPROBE_SYMBOL(ivtrace_probe_##event);                                             \
	static void __maybe_unused ivtrace_check_##event(void)                              \
	{                                                                                   \
		check_trace_callback_type_##tracepoint(ivtrace_probe_##event);              \
	}

#include <ivring/probes.h>

#undef IVT_PROBE
#undef IVT_PROBE_STR

/* ---- system calls ---------------------------------------------------------------- */

#define IVTRACE_NOT_LISTED 0xff

#define IVT_N0(nr, ...) [nr] = 0 + 1,
#define IVT_N1(nr, ...) [nr] = 1 + 1,
#define IVT_N2(nr, ...) [nr] = 2 + 1,
#define IVT_N3(nr, ...) [nr] = 3 + 1,
#define IVT_N4(nr, ...) [nr] = 4 + 1,
#define IVT_N5(nr, ...) [nr] = 5 + 1,
#define IVT_N6(nr, ...) [nr] = 6 + 1,

/* Number of arguments + 1; 0: the number is not in the table. */
static const u8 ivtrace_n_args[] = { IVT_SYSCALLS(IVT_N0, IVT_N1, IVT_N2, IVT_N3, IVT_N4, IVT_N5,
						  IVT_N6) };

static const u64 *ivtrace_bitmap; /* the control file's */

static __always_inline u8 ivtrace_args_of(long id)
{
	if (in_ia32_syscall() || id < 0 || id >= (long)ARRAY_SIZE(ivtrace_n_args))
		return IVTRACE_NOT_LISTED;
	return ivtrace_n_args[id] - 1; /* 0 - 1 is IVTRACE_NOT_LISTED */
}

/* Calls that are not listed, apart: the others need no room for this. */
static noinline void ivtrace_enter_unknown(long id, const unsigned long *args)
{
	struct ivt_ev_syscall_entry_unknown e = {
		.id = id,
		.arg0 = args[0],
		.arg1 = args[1],
		.arg2 = args[2],
		.arg3 = args[3],
		.arg4 = args[4],
		.arg5 = args[5],
	};

	ivtrace_emit_of(IVT_TYPE_syscall_entry_unknown, &e, sizeof(e), NULL, NULL);
}
NOKPROBE_SYMBOL(ivtrace_enter_unknown);

static void ivtrace_probe_sys_enter(void *data, struct pt_regs *regs, long id)
{
	unsigned long args[6];
	u8 n = ivtrace_args_of(id);
	u16 type = n == IVTRACE_NOT_LISTED ? IVT_TYPE_syscall_entry_unknown
					   : IVT_TYPE_SYSCALL_ENTRY + id;

	if (!ivtrace_bit(ivtrace_bitmap, type))
		return;
	syscall_get_arguments(current, regs, args);
	if (n == IVTRACE_NOT_LISTED)
		ivtrace_enter_unknown(id, args);
	else
		ivtrace_emit_of(type, args, n * sizeof(args[0]), NULL, NULL);
}
NOKPROBE_SYMBOL(ivtrace_probe_sys_enter);

static noinline void ivtrace_exit_unknown(long id, long ret)
{
	struct ivt_ev_syscall_exit_unknown e = { .id = id, .ret = ret };

	ivtrace_emit_of(IVT_TYPE_syscall_exit_unknown, &e, sizeof(e), NULL, NULL);
}
NOKPROBE_SYMBOL(ivtrace_exit_unknown);

static void ivtrace_probe_sys_exit(void *data, struct pt_regs *regs, long ret)
{
	long id = syscall_get_nr(current, regs);
	u8 n = ivtrace_args_of(id);
	u16 type = n == IVTRACE_NOT_LISTED ? IVT_TYPE_syscall_exit_unknown
					   : IVT_TYPE_SYSCALL_EXIT + id;

	if (!ivtrace_bit(ivtrace_bitmap, type))
		return;
	if (n == IVTRACE_NOT_LISTED)
		ivtrace_exit_unknown(id, ret);
	else
		ivtrace_emit_of(type, &ret, sizeof(ret), NULL, NULL);
}
NOKPROBE_SYMBOL(ivtrace_probe_sys_exit);

static void __maybe_unused ivtrace_check_syscalls(void)
{
	check_trace_callback_type_sys_enter(ivtrace_probe_sys_enter);
	check_trace_callback_type_sys_exit(ivtrace_probe_sys_exit);
}

/* ---- the table ------------------------------------------------------------------------- */

static struct ivtrace_probe {
	const char *name; /* of the tracepoint */
	void *function;
	u16 first_type; /* wanted when a bit of first..last is set, */
	u16 last_type;
	u16 other_type; /* or this one */
	bool is_on;
	bool is_said; /* that the kernel lacks it */
	struct tracepoint *tp;
} ivtrace_probes[] = {
#define IVTRACE_LINE(event, tracepoint)      \
	{ .name = #tracepoint,               \
	  .function = ivtrace_probe_##event, \
	  .first_type = IVT_TYPE_##event,    \
	  .last_type = IVT_TYPE_##event,     \
	  .other_type = IVT_TYPE_##event },
#define IVT_PROBE(event, tracepoint, proto, assign) IVTRACE_LINE(event, tracepoint)
#define IVT_PROBE_STR(event, tracepoint, proto, assign, field, source) \
	IVTRACE_LINE(event, tracepoint)
#include <ivring/probes.h>
	{ .name = "sys_enter",
	  .function = ivtrace_probe_sys_enter,
	  .first_type = IVT_TYPE_SYSCALL_ENTRY,
	  .last_type = IVT_TYPE_SYSCALL_ENTRY + IVT_MAX_SYSCALL - 1,
	  .other_type = IVT_TYPE_syscall_entry_unknown },
	{ .name = "sys_exit",
	  .function = ivtrace_probe_sys_exit,
	  .first_type = IVT_TYPE_SYSCALL_EXIT,
	  .last_type = IVT_TYPE_SYSCALL_EXIT + IVT_MAX_SYSCALL - 1,
	  .other_type = IVT_TYPE_syscall_exit_unknown },
};

static void ivtrace_probe_lookup(struct tracepoint *tp, void *arg)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ivtrace_probes); i++)
		if (!strcmp(tp->name, ivtrace_probes[i].name))
			ivtrace_probes[i].tp = tp;
}

void ivtrace_probe_init(void)
{
	for_each_kernel_tracepoint(ivtrace_probe_lookup, NULL);
}

static bool ivtrace_probe_is_wanted(const struct ivtrace_probe *p, const u64 *bitmap)
{
	u32 type;

	if (ivtrace_bit(bitmap, p->other_type))
		return true;
	for (type = p->first_type; type <= p->last_type; type++)
		if (ivtrace_bit(bitmap, type))
			return true;
	return false;
}

static bool ivtrace_probe_switch(struct ivtrace_probe *p, bool on)
{
	int ret;

	if (!p->tp && on && !p->is_said) {
		p->is_said = true;
		pr_info("this kernel has no tracepoint '%s': its events are not recorded\n",
			p->name);
	}
	if (!p->tp || p->is_on == on)
		return false;
	ret = on ? tracepoint_probe_register(p->tp, p->function, NULL)
		 : tracepoint_probe_unregister(p->tp, p->function, NULL);
	if (ret)
		pr_warn("cannot switch tracepoint '%s' %s: error %d\n", p->name, on ? "on" : "off",
			ret);
	else
		p->is_on = on;
	return !on;
}

bool ivtrace_probe_sees_wakeups(void)
{
	static const u16 types[] = { IVT_TYPE_x86_irq_vectors_call_function_single_entry,
				     IVT_TYPE_x86_irq_vectors_call_function_single_exit,
				     IVT_TYPE_x86_irq_vectors_local_timer_entry,
				     IVT_TYPE_x86_irq_vectors_local_timer_exit,
				     IVT_TYPE_power_cpu_idle };
	const u64 *bitmap = READ_ONCE(ivtrace_bitmap);
	size_t i;

	for (i = 0; bitmap && i < ARRAY_SIZE(types); i++)
		if (ivtrace_bit(bitmap, types[i]))
			return true;
	return false;
}

void ivtrace_probe_apply(const u64 *bitmap)
{
	bool has_unregistered = false;
	size_t i;

	WRITE_ONCE(ivtrace_bitmap, bitmap);
	for (i = 0; i < ARRAY_SIZE(ivtrace_probes); i++)
		has_unregistered |= ivtrace_probe_switch(
			&ivtrace_probes[i], ivtrace_probe_is_wanted(&ivtrace_probes[i], bitmap));
	if (has_unregistered)
		tracepoint_synchronize_unregister();
}
