/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints that are not the same in all supported kernels.  Kbuild asks the
 * kernel's headers, not its version: stable and distribution kernels take over
 * later changes.  Included behind trace/events/.
 */
#ifndef IVTRACE_COMPAT_TRACEPOINTS_H
#define IVTRACE_COMPAT_TRACEPOINTS_H

/* Tracepoints that the headers lack: the probe is built and never registered. */
#define IVTRACE_LACKS(tracepoint, ...)                                                             \
	static inline void check_trace_callback_type_##tracepoint(void (*cb)(void *, __VA_ARGS__)) \
	{                                                                                          \
	}

/* 6.4 added them; ends with 6.4. */
#ifndef IVTRACE_HAS_IPI_SEND_CPU
IVTRACE_LACKS(ipi_send_cpu, const unsigned int, unsigned long, void *)
#endif
#ifndef IVTRACE_HAS_IPI_SEND_CPUMASK
IVTRACE_LACKS(ipi_send_cpumask, const struct cpumask *, unsigned long, void *)
#endif

/* 6.3 added them; ends with 6.3. */
#ifndef IVTRACE_HAS_SOCK_LENGTH
IVTRACE_LACKS(sock_send_length, struct sock *, int, int)
IVTRACE_LACKS(sock_recv_length, struct sock *, int, int)
#endif

/* Not in a kernel for one CPU only, which 6.17 ended. */
#ifndef CONFIG_SMP
IVTRACE_LACKS(reschedule_entry, int)
IVTRACE_LACKS(reschedule_exit, int)
IVTRACE_LACKS(call_function_entry, int)
IVTRACE_LACKS(call_function_exit, int)
IVTRACE_LACKS(call_function_single_entry, int)
IVTRACE_LACKS(call_function_single_exit, int)
#endif
#ifndef CONFIG_IRQ_WORK
IVTRACE_LACKS(irq_work_entry, int)
IVTRACE_LACKS(irq_work_exit, int)
#endif

/* A later kernel gave hrtimer_start its third argument; 6.1's stable series has it. */
#ifdef IVTRACE_HAS_WAS_ARMED
#define IVT_HRTIMER_START_PROTO \
	IVT_PROTO(struct hrtimer *hrtimer, enum hrtimer_mode mode, bool was_armed)
#else
#define IVT_HRTIMER_START_PROTO IVT_PROTO(struct hrtimer *hrtimer, enum hrtimer_mode mode)
#endif

/* After 6.18 hrtimer_expire_entry got the time itself; ends with the first that did. */
#ifdef IVTRACE_HAS_NOW_BY_VALUE
#define IVT_HRTIMER_EXPIRE_PROTO IVT_PROTO(struct hrtimer *hrtimer, ktime_t now)
#define IVT_HRTIMER_NOW(now)	 (now)
#else
#define IVT_HRTIMER_EXPIRE_PROTO IVT_PROTO(struct hrtimer *hrtimer, ktime_t *now)
#define IVT_HRTIMER_NOW(now)	 (*(now))
#endif

/* 6.8 replaced the arguments that the timer has, too; ends with 6.8. */
#ifdef IVTRACE_HAS_BUCKET_EXPIRY
#define IVT_TIMER_START_PROTO IVT_PROTO(struct timer_list *timer, unsigned long bucket_expiry)
#else
#define IVT_TIMER_START_PROTO \
	IVT_PROTO(struct timer_list *timer, unsigned long expires, unsigned int flags)
#endif

#endif /* IVTRACE_COMPAT_TRACEPOINTS_H */
