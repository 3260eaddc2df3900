// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What -fsanitize=thread makes of subject.c's accesses: a call before each plain
 * one, a call instead of each atomic one.
 */
#include <string.h>
#include "explorer.h"

/* The compiler's names; no header has them. */
#define HOOK_PLAIN(bytes)                                   \
	void __tsan_read##bytes(void *addr);                \
	void __tsan_read##bytes(void *addr)                 \
	{                                                   \
		explorer_access(ACCESS_LOAD, addr, bytes);  \
	}                                                   \
	void __tsan_write##bytes(void *addr);               \
	void __tsan_write##bytes(void *addr)                \
	{                                                   \
		explorer_access(ACCESS_STORE, addr, bytes); \
	}

#define HOOK_ATOMIC(bits)                                                                        \
	uint##bits##_t __tsan_atomic##bits##_load(const uint##bits##_t *addr, int order);        \
	uint##bits##_t __tsan_atomic##bits##_load(const uint##bits##_t *addr, int order)         \
	{                                                                                        \
		uint##bits##_t value;                                                            \
                                                                                                 \
		explorer_access(ACCESS_LOAD, addr, bits / 8);                                    \
		memcpy(&value, explorer_source(addr), bits / 8);                                 \
		if (order == __ATOMIC_ACQUIRE)                                                   \
			explorer_barrier(BARRIER_ACQUIRE);                                       \
		return value;                                                                    \
	}                                                                                        \
	void __tsan_atomic##bits##_store(uint##bits##_t *addr, uint##bits##_t value, int order); \
	void __tsan_atomic##bits##_store(uint##bits##_t *addr, uint##bits##_t value, int order)  \
	{                                                                                        \
		if (order == __ATOMIC_RELEASE)                                                   \
			explorer_barrier(BARRIER_RELEASE);                                       \
		explorer_access(ACCESS_STORE, addr, bits / 8);                                   \
		*addr = value;                                                                   \
	}

HOOK_PLAIN(1)
HOOK_PLAIN(2)
HOOK_PLAIN(4)
HOOK_PLAIN(8)
HOOK_ATOMIC(16)
HOOK_ATOMIC(32)
HOOK_ATOMIC(64)

int __tsan_atomic64_compare_exchange_strong(uint64_t *addr, uint64_t *old, uint64_t value,
					    int order, int order_failed);
int __tsan_atomic64_compare_exchange_strong(uint64_t *addr, uint64_t *old, uint64_t value,
					    int order, int order_failed)
{
	(void)order;
	(void)order_failed;
	explorer_access(ACCESS_UPDATE, addr, 8);
	if (*addr != *old) {
		*old = *addr;
		return 0;
	}
	*addr = value;
	explorer_swapped(addr, value);
	return 1;
}

uint64_t __tsan_atomic64_fetch_add(uint64_t *addr, uint64_t value, int order);
uint64_t __tsan_atomic64_fetch_add(uint64_t *addr, uint64_t value, int order)
{
	uint64_t old;

	(void)order;
	explorer_access(ACCESS_UPDATE, addr, 8);
	old = *addr;
	*addr = old + value;
	return old;
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
	explorer_barrier(BARRIER_COMPILER);
}

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	explorer_barrier(order == __ATOMIC_ACQUIRE ? BARRIER_READS : BARRIER_WRITES);
}

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *caller)
{
	(void)caller;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}
