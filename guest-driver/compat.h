/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that are supported: 6.1 and later.  Each
 * entry names the change, and the baseline that ends it.
 */
#ifndef IVTRACE_COMPAT_H
#define IVTRACE_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "ivtrace needs Linux 6.1 or later"
#endif
#ifndef CONFIG_X86_64
#error "ivtrace supports x86-64 guests only"
#endif

/* 6.13 added hrtimer_setup(), 6.15 removed hrtimer_init(); ends with 6.13. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define ivtrace_hrtimer_setup(timer, fn, mode) hrtimer_setup(timer, fn, CLOCK_MONOTONIC, mode)
#else
#define ivtrace_hrtimer_setup(timer, fn, mode)              \
	do {                                                \
		hrtimer_init(timer, CLOCK_MONOTONIC, mode); \
		(timer)->function = (fn);                   \
	} while (0)
#endif

/* 6.16 gave sched_process_exit its second argument; ends with 6.16. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#define IVT_EXIT_PROTO IVT_PROTO(struct task_struct *p, bool group_dead)
#else
#define IVT_EXIT_PROTO IVT_PROTO(struct task_struct *p)
#endif

#endif /* IVTRACE_COMPAT_H */
