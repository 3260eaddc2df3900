/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How each event of events.h is filled from its kernel tracepoint: one text for
 * the guest's kernel module and for the host's eBPF programs.  No include
 * guard: the includer defines
 *
 *	IVT_PROBE(event, tracepoint, IVT_PROTO(...), assignments to e->...)
 *	IVT_PROBE_STR(event, tracepoint, IVT_PROTO(...), assignments, field, source)
 *
 * and, once, how its side reads what the kernel does not hand over:
 *
 *	IVT_COMM(dst, task)	copy a task's name
 *	IVT_TASK_CPU(task)	CPU of a task (at waking: where it ran last or will run)
 *	IVT_CURRENT_TID(), IVT_CURRENT_COMM(dst)
 *	IVT_ENUM(type, name)	value of an enumerator in the running kernel
 *	IVT_BLK_ERROR(status)	blk_status_t to -errno
 *	IVT_EXIT_PROTO		arguments of sched_process_exit in this kernel
 *	IVT_PLAIN_FLAGS(flags)	(optional) a request's flags as a number, for sparse
 *
 * A prototype may stop after the last argument that it uses only where the
 * includer's side permits it (eBPF does; the module spells all of them).
 */

#define IVT_PROTO(...) __VA_ARGS__

#ifndef IVRING_PROBES_ONCE
#define IVRING_PROBES_ONCE

/* The kernel's report of a task's state: 0 running, else one bit; the order of
 * bits is TASK_REPORT's (include/linux/sched.h, __task_state_index()). */
static __always_inline __s64 ivt_prev_state(bool preempt, unsigned int state)
{
	unsigned int report = state & 0x7f;

	if (preempt)
		return IVT_STATE_PREEMPTED;
	if ((state & 0x402) == 0x402) /* TASK_IDLE: uninterruptible, no load */
		return 0x80;
	if (report & 0x40)
		return 0x40;
	if (report & 0x20)
		return 0x20;
	if (report & 0x10)
		return 0x10;
	if (report & 0x08)
		return 0x08;
	if (report & 0x04)
		return 0x04;
	return report & 0x02 ? 0x02 : report & 0x01;
}

#ifndef IVT_PLAIN_FLAGS
#define IVT_PLAIN_FLAGS(flags) (flags)
#endif

#define IVT_RWBS_IF(flags, bit, rwbs) \
	((flags) & (1ULL << IVT_ENUM(enum req_flag_bits, bit)) ? (rwbs) : 0)

static __always_inline __u32 ivt_rwbs(__u64 cmd_flags)
{
	unsigned int op = cmd_flags & 0xff; /* REQ_OP_MASK */
	__u32 rwbs = 0;

	if (op == IVT_ENUM(enum req_op, REQ_OP_WRITE))
		rwbs = IVT_RWBS_WRITE;
	else if (op == IVT_ENUM(enum req_op, REQ_OP_READ))
		rwbs = IVT_RWBS_READ;
	else if (op == IVT_ENUM(enum req_op, REQ_OP_DISCARD))
		rwbs = IVT_RWBS_DISCARD;
	else if (op == IVT_ENUM(enum req_op, REQ_OP_SECURE_ERASE))
		rwbs = IVT_RWBS_DISCARD | IVT_RWBS_SECURE;
	else if (op == IVT_ENUM(enum req_op, REQ_OP_FLUSH))
		rwbs = IVT_RWBS_FLUSH;
	return rwbs | IVT_RWBS_IF(cmd_flags, __REQ_RAHEAD, IVT_RWBS_READAHEAD) |
	       IVT_RWBS_IF(cmd_flags, __REQ_SYNC, IVT_RWBS_SYNC) |
	       IVT_RWBS_IF(cmd_flags, __REQ_META, IVT_RWBS_META) |
	       IVT_RWBS_IF(cmd_flags, __REQ_FUA, IVT_RWBS_FUA) |
	       IVT_RWBS_IF(cmd_flags, __REQ_PREFLUSH, IVT_RWBS_PREFLUSH);
}

#define IVT_DISK_DEV(disk) ((disk) ? (__u32)(disk)->major << 20 | (__u32)(disk)->first_minor : 0)

#endif /* IVRING_PROBES_ONCE */

IVT_PROBE(sched_switch, sched_switch,
	  IVT_PROTO(bool preempt, struct task_struct *prev, struct task_struct *next,
		    unsigned int prev_state),
	  {
		  IVT_COMM(e->prev_comm, prev);
		  e->prev_tid = prev->pid;
		  e->prev_prio = prev->prio - 100;
		  e->prev_state = ivt_prev_state(preempt, prev_state | prev->exit_state);
		  IVT_COMM(e->next_comm, next);
		  e->next_tid = next->pid;
		  e->next_prio = next->prio - 100;
	  })

#define IVT_ASSIGN_WAKE()                \
	IVT_COMM(e->comm, p);            \
	e->tid = p->pid;                 \
	e->prio = p->prio - 100;         \
	e->target_cpu = IVT_TASK_CPU(p); \
	e->_pad = 0

/* In the waker's context: the cause of a wake-up is current. */
IVT_PROBE(sched_waking, sched_waking, IVT_PROTO(struct task_struct *p), { IVT_ASSIGN_WAKE(); })

IVT_PROBE(sched_wakeup, sched_wakeup, IVT_PROTO(struct task_struct *p), { IVT_ASSIGN_WAKE(); })

IVT_PROBE(sched_wakeup_new, sched_wakeup_new, IVT_PROTO(struct task_struct *p),
	  { IVT_ASSIGN_WAKE(); })

IVT_PROBE(sched_migrate_task, sched_migrate_task, IVT_PROTO(struct task_struct *p, int dest_cpu), {
	IVT_COMM(e->comm, p);
	e->tid = p->pid;
	e->prio = p->prio - 100;
	e->orig_cpu = IVT_TASK_CPU(p);
	e->dest_cpu = dest_cpu;
})

IVT_PROBE(sched_process_fork, sched_process_fork,
	  IVT_PROTO(struct task_struct *parent, struct task_struct *child), {
		  IVT_COMM(e->parent_comm, parent);
		  e->parent_tid = parent->pid;
		  e->parent_pid = parent->tgid;
		  IVT_COMM(e->child_comm, child);
		  e->child_tid = child->pid;
		  e->child_pid = child->tgid;
	  })

IVT_PROBE_STR(
	sched_process_exec, sched_process_exec,
	IVT_PROTO(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm),
	{
		e->tid = p->pid;
		e->old_tid = old_pid;
	},
	filename, bprm->filename)

IVT_PROBE(sched_process_exit, sched_process_exit, IVT_EXIT_PROTO, {
	IVT_COMM(e->comm, p);
	e->tid = p->pid;
	e->prio = p->prio - 100;
})

IVT_PROBE_STR(
	irq_handler_entry, irq_handler_entry, IVT_PROTO(int irq, struct irqaction *action),
	{ e->irq = irq; }, name, action->name)

IVT_PROBE(irq_handler_exit, irq_handler_exit, IVT_PROTO(int irq, struct irqaction *action, int ret),
	  {
		  e->irq = irq;
		  e->ret = ret;
	  })

IVT_PROBE(irq_softirq_entry, softirq_entry, IVT_PROTO(unsigned int vec), {
	e->vec = vec;
	e->_pad = 0;
})

IVT_PROBE(irq_softirq_exit, softirq_exit, IVT_PROTO(unsigned int vec), {
	e->vec = vec;
	e->_pad = 0;
})

#define IVT_ASSIGN_RQ()                                              \
	e->sector = rq->__sector == (sector_t)-1 ? 0 : rq->__sector; \
	e->rq = (__u64)(unsigned long)rq;                            \
	e->dev = IVT_DISK_DEV(rq->q->disk);                          \
	e->rwbs = ivt_rwbs(IVT_PLAIN_FLAGS(rq->cmd_flags))

#define IVT_ASSIGN_RQ_OWNER()               \
	e->nr_sector = rq->__data_len >> 9; \
	e->bytes = rq->__data_len;          \
	e->tid = IVT_CURRENT_TID();         \
	IVT_CURRENT_COMM(e->comm);          \
	e->_pad = 0

IVT_PROBE(block_rq_insert, block_rq_insert, IVT_PROTO(struct request *rq), {
	IVT_ASSIGN_RQ();
	IVT_ASSIGN_RQ_OWNER();
})

IVT_PROBE(block_rq_issue, block_rq_issue, IVT_PROTO(struct request *rq), {
	IVT_ASSIGN_RQ();
	IVT_ASSIGN_RQ_OWNER();
})

IVT_PROBE(block_rq_complete, block_rq_complete,
	  IVT_PROTO(struct request *rq, blk_status_t error, unsigned int nr_bytes), {
		  IVT_ASSIGN_RQ();
		  e->nr_sector = nr_bytes >> 9;
		  e->error = IVT_BLK_ERROR(error);
	  })

/* After the partition's start was added: the device is the whole disk. */
IVT_PROBE(block_bio_queue, block_bio_queue, IVT_PROTO(struct bio *bio), {
	e->sector = bio->bi_iter.bi_sector;
	e->dev = IVT_DISK_DEV(bio->bi_bdev->bd_disk);
	e->nr_sector = bio->bi_iter.bi_size >> 9;
	e->rwbs = ivt_rwbs(IVT_PLAIN_FLAGS(bio->bi_opf));
	e->tid = IVT_CURRENT_TID();
	IVT_CURRENT_COMM(e->comm);
})

#undef IVT_ASSIGN_WAKE
#undef IVT_ASSIGN_RQ
#undef IVT_ASSIGN_RQ_OWNER
#undef IVT_PROTO
