/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How each event of events.h is filled from its kernel tracepoint: one text for
 * the guest's kernel module and for the host's eBPF programs.  No include
 * guard: the includer defines
 *
 *	IVT_PROBE(event, tracepoint, IVT_PROTO(...), assignments to e->...)
 *	IVT_PROBE_STR(event, tracepoint, IVT_PROTO(...), assignments, field, source)
 *	IVT_PROBE_PLAIN(...)	as IVT_PROBE, of arguments' values only: nothing
 *				that they point to is read
 *
 * and, once, how its side reads what the kernel does not hand over:
 *
 *	IVT_COMM(dst, task)	copy a task's name
 *	IVT_TASK_CPU(task)	CPU of a task (at waking: where it ran last or will run)
 *	IVT_CURRENT_TID(), IVT_CURRENT_COMM(dst)
 *	IVT_ENUM(type, name)	value of an enumerator in the running kernel
 *	IVT_BLK_ERROR(status)	blk_status_t to -errno
 *	IVT_EXIT_PROTO		arguments of sched_process_exit in this kernel
 *	IVT_TIMER_START_PROTO, IVT_HRTIMER_START_PROTO, IVT_HRTIMER_EXPIRE_PROTO	likewise
 *	IVT_HRTIMER_NOW(now)	ns, of what the last one has
 *	IVT_PLAIN(type, value)	a value with marks for sparse, as a plain number
 *	IVT_READ(dst, bytes, src)	copy kernel memory; 0, else dst is undefined
 *	IVT_READ_SKB(dst, bytes, skb, offset)	likewise, of a packet's data; not 0
 *				if not all of it is there to be read
 *	IVT_HRTIMER_FUNCTION(timer)	its function
 *	IVT_SKIP_OWN_TIMER(timer)	return from the probe if it is the tracer's
 *	IVT_SOCK_AS(type, sk, field)	a field of the structure that begins with @sk
 *	IVT_SOCK_IP6(dst, sk, field)	copy an IPv6 address of a socket
 *	IVT_JIFFIES()		the kernel's tick count
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

#define IVT_BE16(p)	  ((__u32)(p)[0] << 8 | (p)[1])
#define IVT_BE32(p)	  (IVT_BE16(p) << 16 | IVT_BE16((p) + 2))
#define IVT_PROTOCOL_TCP  6
#define IVT_PROTOCOL_UDP  17
#define IVT_TCP_HDR_BYTES 20
#define IVT_UDP_HDR_BYTES 8
#define IVT_IP_HDR_BYTES  20
#define IVT_IP6_HDR_BYTES 40
#define IVT_ETHERTYPE_IP  0x0008 /* as it lies in memory */
#define IVT_ETHERTYPE_IP6 0xdd86
#define IVT_FAMILY_IP	  2
#define IVT_FAMILY_IP6	  10
#define IVT_SOCK_STREAM	  1

static __always_inline void ivt_ip_mapped(__u8 *dst, const __u8 *ip)
{
	__builtin_memset(dst, 0, 10);
	__builtin_memset(dst + 10, 0xff, 2);
	__builtin_memcpy(dst + 12, ip, 4);
}

/*
 * A packet's headers, the first of its @bytes at @offset in @skb.  Whatever they
 * say, nothing outside the packet is read.
 */
static __always_inline void ivt_parse_transport(struct ivt_ev_net_dev_queue *e,
						const struct sk_buff *skb, __u32 offset,
						__u32 bytes)
{
	__u8 h[IVT_TCP_HDR_BYTES];
	__u32 hdr_bytes = IVT_UDP_HDR_BYTES;

	if (e->protocol == IVT_PROTOCOL_TCP) {
		if (IVT_READ_SKB(h, IVT_TCP_HDR_BYTES, skb, offset))
			return;
		e->seq = IVT_BE32(h + 4);
		e->ack_seq = IVT_BE32(h + 8);
		e->flags = h[13];
		hdr_bytes = (h[12] >> 4) * 4;
	} else if (e->protocol != IVT_PROTOCOL_UDP ||
		   IVT_READ_SKB(h, IVT_UDP_HDR_BYTES, skb, offset)) {
		return;
	}
	e->source_port = IVT_BE16(h);
	e->dest_port = IVT_BE16(h + 2);
	e->payload_bytes = bytes > hdr_bytes ? bytes - hdr_bytes : 0;
}

static __always_inline void ivt_parse_ip(struct ivt_ev_net_dev_queue *e, const struct sk_buff *skb,
					 __u32 offset, __u32 bytes)
{
	__u8 h[IVT_IP_HDR_BYTES];
	__u32 hdr_bytes, ip_bytes;

	if (IVT_READ_SKB(h, IVT_IP_HDR_BYTES, skb, offset))
		return;
	hdr_bytes = (h[0] & 15) * 4;
	ip_bytes = IVT_BE16(h + 2); /* 0: a packet that the device is to cut */
	if (ip_bytes && ip_bytes < bytes)
		bytes = ip_bytes; /* the rest fills a short frame */
	ivt_ip_mapped(e->saddr, h + 12);
	ivt_ip_mapped(e->daddr, h + 16);
	e->protocol = h[9];
	if (hdr_bytes < IVT_IP_HDR_BYTES || hdr_bytes > bytes ||
	    IVT_BE16(h + 6) & 0x1fff) /* no first fragment */
		return;
	ivt_parse_transport(e, skb, offset + hdr_bytes, bytes - hdr_bytes);
}

static __always_inline void ivt_parse_ip6(struct ivt_ev_net_dev_queue *e, const struct sk_buff *skb,
					  __u32 offset, __u32 bytes)
{
	__u8 h[IVT_IP6_HDR_BYTES];
	__u32 ip_bytes;

	if (IVT_READ_SKB(h, IVT_IP6_HDR_BYTES, skb, offset))
		return;
	ip_bytes = IVT_BE16(h + 4);
	bytes -= IVT_IP6_HDR_BYTES;
	if (ip_bytes && ip_bytes < bytes)
		bytes = ip_bytes;
	__builtin_memcpy(e->saddr, h + 8, 16);
	__builtin_memcpy(e->daddr, h + 24, 16);
	e->protocol = h[6];
	ivt_parse_transport(e, skb, offset + IVT_IP6_HDR_BYTES, bytes);
}

/* @offset: of the network header in @skb's data. */
static __always_inline void ivt_parse_packet(struct ivt_ev_net_dev_queue *e,
					     const struct sk_buff *skb, unsigned long offset)
{
	__u32 ethertype = IVT_PLAIN(__u16, skb->protocol), bytes = skb->len;

	e->skbaddr = (__u64)(unsigned long)skb;
	e->len = bytes;
	__builtin_memset(e->saddr, 0, sizeof(e->saddr));
	__builtin_memset(e->daddr, 0, sizeof(e->daddr));
	e->protocol = 0;
	e->source_port = 0;
	e->dest_port = 0;
	e->seq = 0;
	e->ack_seq = 0;
	e->flags = 0;
	e->payload_bytes = 0;
	if (offset > bytes)
		return;
	if (ethertype == IVT_ETHERTYPE_IP)
		ivt_parse_ip(e, skb, offset, bytes - offset);
	else if (ethertype == IVT_ETHERTYPE_IP6)
		ivt_parse_ip6(e, skb, offset, bytes - offset);
}

/* A raw socket may carry TCP's number and is none. */
static __always_inline bool ivt_sock_is_tcp(const struct sock *sk)
{
	return sk->sk_protocol == IVT_PROTOCOL_TCP && sk->sk_type == IVT_SOCK_STREAM &&
	       (sk->__sk_common.skc_family == IVT_FAMILY_IP ||
		sk->__sk_common.skc_family == IVT_FAMILY_IP6);
}

static __always_inline void ivt_sock_ips(const struct sock *sk, __u8 *saddr, __u8 *daddr)
{
	__u8 ip[4];

	__builtin_memset(saddr, 0, 16);
	__builtin_memset(daddr, 0, 16);
	if (sk->__sk_common.skc_family == IVT_FAMILY_IP) {
		if (!IVT_READ(ip, 4, &sk->__sk_common.skc_rcv_saddr))
			ivt_ip_mapped(saddr, ip);
		if (!IVT_READ(ip, 4, &sk->__sk_common.skc_daddr))
			ivt_ip_mapped(daddr, ip);
	} else if (sk->__sk_common.skc_family == IVT_FAMILY_IP6) {
		IVT_SOCK_IP6(saddr, sk, skc_v6_rcv_saddr);
		IVT_SOCK_IP6(daddr, sk, skc_v6_daddr);
	}
}

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
	e->rwbs = ivt_rwbs(IVT_PLAIN(__u64, rq->cmd_flags))

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
	e->rwbs = ivt_rwbs(IVT_PLAIN(__u64, bio->bi_opf));
	e->tid = IVT_CURRENT_TID();
	IVT_CURRENT_COMM(e->comm);
})

#define IVT_ASSIGN_VECTOR() \
	e->vector = vector; \
	e->_pad = 0
#define IVT_PROBE_VECTOR(name)                                                         \
	IVT_PROBE(x86_irq_vectors_##name##_entry, name##_entry, IVT_PROTO(int vector), \
		  { IVT_ASSIGN_VECTOR(); })                                            \
	IVT_PROBE(x86_irq_vectors_##name##_exit, name##_exit, IVT_PROTO(int vector),   \
		  { IVT_ASSIGN_VECTOR(); })

IVT_PROBE_VECTOR(reschedule)
IVT_PROBE_VECTOR(call_function)
IVT_PROBE_VECTOR(call_function_single)
IVT_PROBE_VECTOR(irq_work)
IVT_PROBE_VECTOR(local_timer)

IVT_PROBE(ipi_send_cpu, ipi_send_cpu,
	  IVT_PROTO(const unsigned int cpu, unsigned long callsite, void *callback), {
		  e->callsite = callsite;
		  e->callback = (__u64)(unsigned long)callback;
		  e->cpu = cpu;
		  e->_pad = 0;
	  })

IVT_PROBE(ipi_send_cpumask, ipi_send_cpumask,
	  IVT_PROTO(const struct cpumask *cpumask, unsigned long callsite, void *callback), {
		  if (IVT_READ(&e->cpumask, sizeof(e->cpumask), cpumask))
			  e->cpumask = 0;
		  e->callsite = callsite;
		  e->callback = (__u64)(unsigned long)callback;
	  })

IVT_PROBE(timer_hrtimer_start, hrtimer_start, IVT_HRTIMER_START_PROTO, {
	IVT_SKIP_OWN_TIMER(hrtimer);
	e->hrtimer = (__u64)(unsigned long)hrtimer;
	e->function = (__u64)(unsigned long)IVT_HRTIMER_FUNCTION(hrtimer);
	e->expires = hrtimer->node.expires;
	e->softexpires = hrtimer->_softexpires;
	e->mode = mode;
	e->_pad = 0;
})

IVT_PROBE(timer_hrtimer_cancel, hrtimer_cancel, IVT_PROTO(struct hrtimer *hrtimer), {
	IVT_SKIP_OWN_TIMER(hrtimer);
	e->hrtimer = (__u64)(unsigned long)hrtimer;
})

IVT_PROBE(timer_hrtimer_expire_entry, hrtimer_expire_entry, IVT_HRTIMER_EXPIRE_PROTO, {
	IVT_SKIP_OWN_TIMER(hrtimer);
	e->hrtimer = (__u64)(unsigned long)hrtimer;
	e->now = IVT_HRTIMER_NOW(now);
	e->function = (__u64)(unsigned long)IVT_HRTIMER_FUNCTION(hrtimer);
})

/* The timer may be gone by now: only its address is used. */
IVT_PROBE(timer_hrtimer_expire_exit, hrtimer_expire_exit, IVT_PROTO(struct hrtimer *hrtimer), {
	IVT_SKIP_OWN_TIMER(hrtimer);
	e->hrtimer = (__u64)(unsigned long)hrtimer;
})

IVT_PROBE(timer_start, timer_start, IVT_TIMER_START_PROTO, {
	e->timer = (__u64)(unsigned long)timer;
	e->function = (__u64)(unsigned long)timer->function;
	e->expires = timer->expires;
	e->now = IVT_JIFFIES();
	e->flags = timer->flags;
	e->_pad = 0;
})

IVT_PROBE(timer_cancel, timer_cancel, IVT_PROTO(struct timer_list *timer),
	  { e->timer = (__u64)(unsigned long)timer; })

IVT_PROBE(timer_expire_entry, timer_expire_entry,
	  IVT_PROTO(struct timer_list *timer, unsigned long baseclk), {
		  e->timer = (__u64)(unsigned long)timer;
		  e->now = IVT_JIFFIES();
		  e->function = (__u64)(unsigned long)timer->function;
		  e->baseclk = baseclk;
	  })

IVT_PROBE(timer_expire_exit, timer_expire_exit, IVT_PROTO(struct timer_list *timer),
	  { e->timer = (__u64)(unsigned long)timer; })

/* On its way out: data begins with the link layer's header. */
IVT_PROBE_STR(
	net_dev_queue, net_dev_queue, IVT_PROTO(struct sk_buff *skb),
	{ ivt_parse_packet(e, skb, skb->head + skb->network_header - skb->data); }, name,
	skb->dev->name)

/* On its way in that header is taken off, and network_header not yet set. */
IVT_PROBE_STR(
	net_if_receive_skb, netif_receive_skb, IVT_PROTO(struct sk_buff *skb),
	{ ivt_parse_packet((struct ivt_ev_net_dev_queue *)e, skb, 0); }, name, skb->dev->name)

#define IVT_PORT(be16) __builtin_bswap16(IVT_PLAIN(__u16, be16))

/* inet_sport, not skc_num: that one is 0 already when a connection closes. */
#define IVT_ASSIGN_SOCK()                                                          \
	e->skaddr = (__u64)(unsigned long)sk;                                      \
	ivt_sock_ips(sk, e->saddr, e->daddr);                                      \
	e->family = sk->__sk_common.skc_family;                                    \
	e->protocol = sk->sk_protocol;                                             \
	e->source_port = 0;                                                        \
	e->dest_port = 0;                                                          \
	if (e->family == IVT_FAMILY_IP || e->family == IVT_FAMILY_IP6) {           \
		e->source_port = IVT_PORT(IVT_SOCK_AS(inet_sock, sk, inet_sport)); \
		e->dest_port = IVT_PORT(sk->__sk_common.skc_dport);                \
	}

IVT_PROBE(inet_sock_set_state, inet_sock_set_state,
	  IVT_PROTO(const struct sock *sk, const int oldstate, const int newstate), {
		  IVT_ASSIGN_SOCK();
		  e->oldstate = oldstate;
		  e->newstate = newstate;
	  })

/* In the task that takes bytes out of a TCP socket, after each piece. */
IVT_PROBE(tcp_rcv_space_adjust, tcp_rcv_space_adjust, IVT_PROTO(struct sock *sk), {
	IVT_ASSIGN_SOCK();
	e->copied_seq = ivt_sock_is_tcp(sk) ? IVT_SOCK_AS(tcp_sock, sk, copied_seq) : 0;
	e->_pad = 0;
})

#define IVT_ASSIGN_LENGTH(position)                                             \
	IVT_ASSIGN_SOCK();                                                      \
	e->ret = ret;                                                           \
	e->flags = flags;                                                       \
	e->seq = ivt_sock_is_tcp(sk) ? IVT_SOCK_AS(tcp_sock, sk, position) : 0; \
	e->_pad = 0

IVT_PROBE(sock_send_length, sock_send_length, IVT_PROTO(struct sock *sk, int ret, int flags),
	  { IVT_ASSIGN_LENGTH(write_seq); })

IVT_PROBE(sock_recv_length, sock_recv_length, IVT_PROTO(struct sock *sk, int ret, int flags),
	  { IVT_ASSIGN_LENGTH(copied_seq); })

/* What the processor says about the fault; the program's memory is not looked at. */
#define IVT_ASSIGN_FAULT()    \
	e->address = address; \
	e->ip = regs->ip;     \
	e->error_code = error_code

IVT_PROBE(x86_exceptions_page_fault_user, page_fault_user,
	  IVT_PROTO(unsigned long address, struct pt_regs *regs, unsigned long error_code),
	  { IVT_ASSIGN_FAULT(); })

IVT_PROBE(x86_exceptions_page_fault_kernel, page_fault_kernel,
	  IVT_PROTO(unsigned long address, struct pt_regs *regs, unsigned long error_code),
	  { IVT_ASSIGN_FAULT(); })

IVT_PROBE(power_cpu_idle, cpu_idle, IVT_PROTO(unsigned int state, unsigned int cpu_id), {
	e->state = state;
	e->cpu_id = cpu_id;
})

IVT_PROBE(power_cpu_frequency, cpu_frequency, IVT_PROTO(unsigned int state, unsigned int cpu_id), {
	e->state = state;
	e->cpu_id = cpu_id;
})

IVT_PROBE(workqueue_queue_work, workqueue_queue_work,
	  IVT_PROTO(int req_cpu, struct pool_workqueue *pwq, struct work_struct *work), {
		  e->work = (__u64)(unsigned long)work;
		  e->function = (__u64)(unsigned long)work->func;
		  e->req_cpu = req_cpu;
		  e->_pad = 0;
	  })

IVT_PROBE(workqueue_activate_work, workqueue_activate_work, IVT_PROTO(struct work_struct *work),
	  { e->work = (__u64)(unsigned long)work; })

IVT_PROBE(workqueue_execute_start, workqueue_execute_start, IVT_PROTO(struct work_struct *work), {
	e->work = (__u64)(unsigned long)work;
	e->function = (__u64)(unsigned long)work->func;
})

/* The work may be freed by now: its function comes with the call. */
IVT_PROBE_PLAIN(workqueue_execute_end, workqueue_execute_end,
		IVT_PROTO(struct work_struct *work, work_func_t function), {
			e->work = (__u64)(unsigned long)work;
			e->function = (__u64)(unsigned long)function;
		})

#undef IVT_ASSIGN_WAKE
#undef IVT_ASSIGN_RQ
#undef IVT_ASSIGN_RQ_OWNER
#undef IVT_ASSIGN_VECTOR
#undef IVT_PROBE_VECTOR
#undef IVT_PORT
#undef IVT_ASSIGN_SOCK
#undef IVT_ASSIGN_LENGTH
#undef IVT_ASSIGN_FAULT
#undef IVT_PROTO
