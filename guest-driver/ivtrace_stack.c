// SPDX-License-Identifier: GPL-2.0-only
/*
 * The call chain in user space behind an event: the current task's, by frame
 * pointers.  A page that is not there ends the chain; nothing is waited for.
 * Kernel threads, tasks that end, 32-bit tasks and NMIs have none.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kprobes.h>
#include <linux/percpu.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>
#include <asm/ptrace.h>
#include "ivtrace.h"

#define IVTRACE_CHAIN_IPS 64

/* 6.4 replaced the worker's flag by one for all threads without a program of their
 * own; ends with 6.4. */
#ifdef PF_USER_WORKER
#define IVTRACE_NO_PROGRAM (PF_KTHREAD | PF_EXITING | PF_USER_WORKER | PF_IO_WORKER)
#else
#define IVTRACE_NO_PROGRAM (PF_KTHREAD | PF_EXITING | PF_IO_WORKER)
#endif

DEFINE_STATIC_KEY_FALSE(ivtrace_is_special);

/* Which contexts of this CPU are reading a stack: each reads one at a time. */
static DEFINE_PER_CPU(u8[IVRING_EXEC_NMI], ivtrace_reading);

struct ivtrace_frame {
	unsigned long next;
	unsigned long ret;
};

/* Frames lie one above the other, above the stack pointer. */
static u32 ivtrace_stack_walk(const struct pt_regs *regs, u64 *ips)
{
	unsigned long below = regs->sp, at = regs->bp;
	struct ivtrace_frame frame;
	u32 n = 0;

	ips[n++] = regs->ip;
	while (n < IVTRACE_CHAIN_IPS && at >= below && at % sizeof(long) == 0 &&
	       !copy_from_user_nofault(&frame, (const void __user *)at, sizeof(frame)) &&
	       frame.ret && frame.ret < TASK_SIZE_MAX) {
		ips[n++] = frame.ret;
		below = at + sizeof(frame);
		at = frame.next;
	}
	return n;
}
NOKPROBE_SYMBOL(ivtrace_stack_walk);

static const struct pt_regs *ivtrace_stack_regs(void)
{
	struct pt_regs *regs = task_pt_regs(current);

	if (current->flags & IVTRACE_NO_PROGRAM || !current->mm || !user_64bit_mode(regs))
		return NULL;
	return regs;
}
NOKPROBE_SYMBOL(ivtrace_stack_regs);

static void ivtrace_stack_emit(u16 type)
{
	struct {
		struct ivt_ev_ivtrace_user_stack head;
		u64 ips[IVTRACE_CHAIN_IPS];
	} e;
	const struct pt_regs *regs = ivtrace_stack_regs();

	if (!regs)
		return;
	e.head.event = type;
	e.head.ips_length = ivtrace_stack_walk(regs, e.ips);
	ivtrace_write(IVT_TYPE_ivtrace_user_stack, &e,
		      sizeof(e.head) + e.head.ips_length * sizeof(e.ips[0]));
}
NOKPROBE_SYMBOL(ivtrace_stack_emit);

static u32 ivtrace_exec(void)
{
	return (ivtrace_ctx() & IVRING_CTX_EXEC_MASK) >> IVRING_CTX_EXEC_SHIFT;
}
NOKPROBE_SYMBOL(ivtrace_exec);

void ivtrace_stack_follow(u16 type)
{
	u32 exec;
	u8 *reading;

	if (type >= IVT_TYPE_CHAIN || type == IVT_TYPE_ivtrace_user_stack ||
	    !ivtrace_type_is_enabled(IVT_TYPE_CHAIN + type))
		return;
	preempt_disable_notrace();
	exec = ivtrace_exec();
	if (exec < IVRING_EXEC_NMI) {
		reading = raw_cpu_ptr(&ivtrace_reading[exec]);
		if (!*reading) { /* else this is a fault of ours */
			WRITE_ONCE(*reading, 1);
			barrier(); /* against our own faults */
			ivtrace_stack_emit(type);
			barrier();
			WRITE_ONCE(*reading, 0);
		}
	}
	preempt_enable_notrace();
}
NOKPROBE_SYMBOL(ivtrace_stack_follow);

/* A fault that comes of reading a stack is no event of the guest's. */
static bool ivtrace_is_own_fault(u16 type)
{
	u32 exec = ivtrace_exec();
	bool ret;

	if (type != IVT_TYPE_x86_exceptions_page_fault_kernel || exec >= IVRING_EXEC_NMI)
		return false;
	preempt_disable_notrace();
	ret = *raw_cpu_ptr(&ivtrace_reading[exec]);
	preempt_enable_notrace();
	return ret;
}
NOKPROBE_SYMBOL(ivtrace_is_own_fault);

int ivtrace_emit_chained(u16 type, const void *payload, u32 bytes)
{
	int ret = ivtrace_is_own_fault(type) ? 0 : ivtrace_write(type, payload, bytes);

	if (ret)
		ivtrace_stack_follow(type);
	return ret;
}
NOKPROBE_SYMBOL(ivtrace_emit_chained);
