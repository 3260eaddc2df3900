/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IVRing: what differs between kernel and user space, and the only place that
 * does: single loads and stores, ordering, and operations that are atomic
 * against interrupts (signals) of their own CPU (thread) only.
 *
 * Define IVRING_CLOCK() before the first include to replace the time stamp
 * counter (tests, host channels in nanoseconds).
 */
#ifndef IVRING_PORT_H
#define IVRING_PORT_H

#include <ivring/abi.h>

#ifdef __KERNEL__

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <asm/barrier.h>
#include <asm/cmpxchg.h>
#ifndef IVRING_CLOCK
#include <asm/tsc.h>
#define IVRING_CLOCK() rdtsc()
#endif

#define ivring_inline		   static __always_inline
#define ivring_barrier()	   barrier()
#define ivring_load(p)		   READ_ONCE(*(p))
#define ivring_store(p, v)	   WRITE_ONCE(*(p), v)
#define ivring_load_acquire(p)	   smp_load_acquire(p)
#define ivring_store_release(p, v) smp_store_release(p, v)
#define ivring_wmb()		   smp_wmb()
#define ivring_rmb()		   smp_rmb()
#define ivring_unlikely(x)	   unlikely(x)

#else /* user space */

#include <errno.h>
#include <stdint.h>
#include <string.h>
#ifndef IVRING_CLOCK
#include <x86intrin.h>
#define IVRING_CLOCK() __rdtsc()
#endif

#define ivring_inline		   static inline __attribute__((always_inline, unused))
#define ivring_barrier()	   __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define ivring_load(p)		   __atomic_load_n(p, __ATOMIC_RELAXED)
#define ivring_store(p, v)	   __atomic_store_n(p, v, __ATOMIC_RELAXED)
#define ivring_load_acquire(p)	   __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define ivring_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define ivring_wmb()		   __atomic_thread_fence(__ATOMIC_RELEASE)
#define ivring_rmb()		   __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define ivring_unlikely(x)	   __builtin_expect(!!(x), 0)

#endif

/*
 * Compare and swap on memory that only this CPU writes: no LOCK prefix, hence
 * atomic against this CPU's interrupts and nothing else.  Returns 1 when
 * swapped; else 0, and *old is what was found.
 */
ivring_inline int ivring_cmpxchg_local(__u64 *p, __u64 *old, __u64 new_value)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
	unsigned char swapped;

	__asm__ volatile("cmpxchgq %3, %1"
			 : "=@ccz"(swapped), "+m"(*p), "+a"(*old)
			 : "r"(new_value)
			 : "memory");
	return swapped;
#else
	return __atomic_compare_exchange_n(p, old, new_value, 0, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED);
#endif
}

/* One increment that an interrupt of this CPU cannot split. */
ivring_inline void ivring_inc_local(__u64 *p)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
	__asm__ volatile("incq %0" : "+m"(*p));
#else
	__atomic_fetch_add(p, 1, __ATOMIC_RELAXED);
#endif
}

#endif /* IVRING_PORT_H */
