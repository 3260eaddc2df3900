// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's side of events.h: one program per event, loaded only when the
 * event is wanted.  A record has the same bytes as a guest's, its stamp is
 * CLOCK_MONOTONIC in ns.  One BPF ring buffer per CPU; nobody is woken, the
 * reader polls.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <ivring/events.h>

char LICENSE[] SEC("license") = "GPL";

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

/* One per CPU, put in by user space, which chooses the size. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

/* Processes whose system calls are recorded: the VMs' QEMUs. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u8);
} traced_tgids SEC(".maps");

/* Records that found their CPU's ring full; interrupts count here as well. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

/*
 * Programs are attached one after another, which takes milliseconds each: what
 * one of them sees before all are there would begin and never end (a disk
 * request whose completion has no program yet).
 */
volatile bool is_recording;

/* A number of arguments more than there are: 0 says "not in the table". */
#define NARGS0(nr, name)      [nr] = 1,
#define NARGS1(nr, name, ...) [nr] = 2,
#define NARGS2(nr, name, ...) [nr] = 3,
#define NARGS3(nr, name, ...) [nr] = 4,
#define NARGS4(nr, name, ...) [nr] = 5,
#define NARGS5(nr, name, ...) [nr] = 6,
#define NARGS6(nr, name, ...) [nr] = 7,

#define SYSCALL_SLOTS 512

static const volatile __u8 syscall_args[SYSCALL_SLOTS] = { IVT_SYSCALLS(
	NARGS0, NARGS1, NARGS2, NARGS3, NARGS4, NARGS5, NARGS6) };

/*
 * The context that an event is always in.  For the others (a wake-up by an
 * interrupt, say) it is left at "task": BPF has no portable way to ask, and the
 * interrupt's own records are there.
 */
static __always_inline __u32 exec_context(__u32 type)
{
	switch (type) {
	case IVT_TYPE_irq_handler_entry:
	case IVT_TYPE_irq_handler_exit:
	case IVT_TYPE_x86_irq_vectors_reschedule_entry ... IVT_TYPE_x86_irq_vectors_irq_work_exit:
	case IVT_TYPE_x86_irq_vectors_local_timer_entry ... IVT_TYPE_x86_irq_vectors_local_timer_exit:
		return (__u32)IVRING_EXEC_HARDIRQ << IVRING_CTX_EXEC_SHIFT;
	case IVT_TYPE_irq_softirq_entry:
	case IVT_TYPE_irq_softirq_exit:
		return (__u32)IVRING_EXEC_SOFTIRQ << IVRING_CTX_EXEC_SHIFT;
	default:
		return 0;
	}
}

static __always_inline void record_begin(struct ivring_record *r, __u32 type, __u32 bytes)
{
	r->tsc = bpf_ktime_get_ns();
	r->type = type;
	r->size = bytes;
	r->ctx = ((__u32)bpf_get_current_pid_tgid() & IVRING_CTX_TID_MASK) | exec_context(type);
}

static __always_inline void record_send(const void *record, __u64 bytes)
{
	__u32 cpu = bpf_get_smp_processor_id(), zero = 0;
	void *ring;
	__u64 *count;

	if (!is_recording)
		return;
	ring = bpf_map_lookup_elem(&rings, &cpu);
	if (ring && !bpf_ringbuf_output(ring, (void *)record, bytes, BPF_RB_NO_WAKEUP))
		return;
	count = bpf_map_lookup_elem(&lost, &zero);
	if (count)
		__sync_fetch_and_add(count, 1);
}

/* ---- what probes.h asks for ------------------------------------------------ */

/* Before 5.16 the CPU was the task's own field. */
struct task_struct___before_5_16 {
	unsigned int cpu;
} __attribute__((preserve_access_index));

static __always_inline int task_cpu_of(struct task_struct *p)
{
	struct task_struct___before_5_16 *old = (void *)p;

	if (bpf_core_field_exists(p->thread_info.cpu))
		return BPF_CORE_READ(p, thread_info.cpu);
	return bpf_core_field_exists(old->cpu) ? BPF_CORE_READ(old, cpu) : -1;
}

/* blk_status_t to -errno, as block/blk-core.c has it. */
static __always_inline int blk_error(unsigned int status)
{
	switch (status) {
	case 0:
		return 0;
	case 1: /* BLK_STS_NOTSUPP */
		return -95;
	case 2: /* BLK_STS_TIMEOUT */
		return -110;
	case 3: /* BLK_STS_NOSPC */
		return -28;
	case 4: /* BLK_STS_TRANSPORT */
		return -67;
	case 5: /* BLK_STS_TARGET */
		return -121;
	case 7: /* BLK_STS_MEDIUM */
		return -61;
	case 8: /* BLK_STS_PROTECTION */
		return -84;
	case 9: /* BLK_STS_RESOURCE */
		return -12;
	default:
		return -5;
	}
}

#define IVT_COMM(dst, task)   bpf_probe_read_kernel(dst, sizeof(dst), (task)->comm)
#define IVT_TASK_CPU(task)    task_cpu_of(task)
#define IVT_CURRENT_TID()     ((__u32)bpf_get_current_pid_tgid())
#define IVT_CURRENT_COMM(dst) bpf_get_current_comm(dst, sizeof(dst))
#define IVT_ENUM(type, name)  bpf_core_enum_value(type, name)
#define IVT_BLK_ERROR(status) blk_error(status)
#define IVT_EXIT_PROTO	      struct task_struct *p

#define IVT_TIMER_START_PROTO	struct timer_list *timer
#define IVT_HRTIMER_START_PROTO struct hrtimer *hrtimer, enum hrtimer_mode mode

#define IVT_HRTIMER_EXPIRE_PROTO struct hrtimer *hrtimer, __s64 now
#define IVT_HRTIMER_NOW(now)	 expire_now(now)

#define IVT_PLAIN(type, value)	     ((type)(value))
#define IVT_READ(dst, bytes, src)    bpf_probe_read_kernel(dst, bytes, src)
#define IVT_READ_SKB		     read_skb
#define IVT_HRTIMER_FUNCTION(timer)  ((timer)->function)
#define IVT_SKIP_OWN_TIMER(timer)    ((void)0)
#define IVT_SOCK_AS(type, sk, field) BPF_CORE_READ((struct type *)(sk), field)
#define IVT_SOCK_IP6(dst, sk, field) bpf_probe_read_kernel(dst, 16, &(sk)->__sk_common.field)
#define IVT_JIFFIES()		     bpf_jiffies64()

/* hrtimer_expire_entry's time: up to 6.18 where it is, which is at the end of the
 * address space, then itself. */
static __always_inline __s64 expire_now(__s64 now)
{
	__s64 ns;

	if (now >= 0)
		return now;
	return bpf_probe_read_kernel(&ns, sizeof(ns), (void *)now) ? 0 : ns;
}

/* What drivers leave in pages is out of reach. */
static __always_inline int read_skb(void *dst, __u32 bytes, const struct sk_buff *skb, __u32 offset)
{
	__u32 linear = skb->len - skb->data_len;

	if (offset > linear || bytes > linear - offset)
		return -1;
	return bpf_probe_read_kernel(dst, bytes, skb->data + offset);
}

#define IVT_PROBE(event, tracepoint, proto, ...) \
	PROBE("tp_btf/", event, tracepoint, IVT_PROTO(proto), __VA_ARGS__)
/* Typed arguments may not be pointers to functions. */
#define IVT_PROBE_PLAIN(event, tracepoint, proto, ...) \
	PROBE("raw_tp/", event, tracepoint, IVT_PROTO(proto), __VA_ARGS__)

#define PROBE(kind, event, tracepoint, proto, ...)                   \
	SEC(kind #tracepoint)                                        \
	int BPF_PROG(event, proto)                                   \
	{                                                            \
		struct {                                             \
			struct ivring_record r;                      \
			struct ivt_ev_##event payload;               \
		} rec = {};                                          \
		struct ivt_ev_##event *e = &rec.payload;             \
                                                                     \
		record_begin(&rec.r, IVT_TYPE_##event, sizeof(rec)); \
		__VA_ARGS__;                                         \
		record_send(&rec, sizeof(rec));                      \
		return 0;                                            \
	}

#define FIXED_BYTES(event, field) __builtin_offsetof(struct ivt_ev_##event, field)

/* The string lies behind the fixed fields; what is sent ends with its zeros. */
#define IVT_PROBE_STR(event, tracepoint, proto, assign, field, source)                      \
	SEC("tp_btf/" #tracepoint)                                                          \
	int BPF_PROG(event, proto)                                                          \
	{                                                                                   \
		struct {                                                                    \
			struct ivring_record r;                                             \
			char payload[FIXED_BYTES(event, field) + IVT_STR_BYTES + 8];        \
		} rec = {};                                                                 \
		struct ivt_ev_##event *e = (void *)rec.payload;                             \
		long n;                                                                     \
		__u64 bytes;                                                                \
                                                                                            \
		record_begin(&rec.r, IVT_TYPE_##event, 0);                                  \
		assign;                                                                     \
		n = bpf_probe_read_kernel_str(e->field, IVT_STR_BYTES, source);             \
		if (n < 1 || n > IVT_STR_BYTES) /* unreadable: an empty string */           \
			n = 1;                                                              \
		bytes = (sizeof(rec.r) + FIXED_BYTES(event, field) + (__u64)n + 7) & ~7ull; \
		barrier_var(bytes); /* the verifier wants to see the bound that follows */  \
		if (bytes > sizeof(rec))                                                    \
			return 0;                                                           \
		rec.r.size = bytes;                                                         \
		record_send(&rec, bytes);                                                   \
		return 0;                                                                   \
	}

#include <ivring/probes.h>

/* ---- KVM ------------------------------------------------------------------- */

SEC("tp_btf/kvm_entry")
int BPF_PROG(kvm_x86_entry, struct kvm_vcpu *vcpu)
{
	struct {
		struct ivring_record r;
		struct ivt_ev_kvm_x86_entry payload;
	} rec = {};

	record_begin(&rec.r, IVT_TYPE_kvm_x86_entry, sizeof(rec));
	rec.payload.vcpu_id = BPF_CORE_READ(vcpu, vcpu_id);
	record_send(&rec, sizeof(rec));
	return 0;
}

/* The classic tracepoint: its fields are computed by the vendor's module. */
SEC("tp/kvm/kvm_exit")
int kvm_x86_exit(struct trace_event_raw_kvm_exit *ctx)
{
	struct {
		struct ivring_record r;
		struct ivt_ev_kvm_x86_exit payload;
	} rec = {};

	record_begin(&rec.r, IVT_TYPE_kvm_x86_exit, sizeof(rec));
	rec.payload.guest_rip = ctx->guest_rip;
	rec.payload.info1 = ctx->info1;
	rec.payload.info2 = ctx->info2;
	rec.payload.exit_reason = ctx->exit_reason;
	rec.payload.isa = ctx->isa;
	rec.payload.intr_info = ctx->intr_info;
	rec.payload.error_code = ctx->error_code;
	rec.payload.vcpu_id = ctx->vcpu_id;
	record_send(&rec, sizeof(rec));
	return 0;
}

#define IVT_PROTO(...) __VA_ARGS__

IVT_PROBE(kvm_x86_inj_virq, kvm_inj_virq, IVT_PROTO(unsigned int vector), { e->irq = vector; })

#define IVT_ASSIGN_ACCEPT() \
	e->apicid = apicid; \
	e->dm = dm;         \
	e->tm = tm;         \
	e->vec = vec

/* In the context of who sends it. */
IVT_PROBE(kvm_x86_apic_accept_irq, kvm_apic_accept_irq,
	  IVT_PROTO(__u32 apicid, __u16 dm, __u16 tm, __u8 vec), { IVT_ASSIGN_ACCEPT(); })

/* Instead of kvm_apic_accept_irq and kvm_inj_virq where the hardware injects. */
IVT_PROBE(kvm_x86_apicv_accept_irq, kvm_apicv_accept_irq,
	  IVT_PROTO(__u32 apicid, __u16 dm, __u16 tm, __u8 vec), { IVT_ASSIGN_ACCEPT(); })

/* Classic tracepoints, which have the value at hand: before 6.4 an argument that
 * is a "const void *" is refused. */
#define IVT_CLASSIC_BEGIN(event)                 \
	struct {                                 \
		struct ivring_record r;          \
		struct ivt_ev_##event payload;   \
	} rec = {};                              \
	struct ivt_ev_##event *e = &rec.payload; \
                                                 \
	record_begin(&rec.r, IVT_TYPE_##event, sizeof(rec))

SEC("tp/kvm/kvm_pio")
int kvm_x86_pio(struct trace_event_raw_kvm_pio *ctx)
{
	IVT_CLASSIC_BEGIN(kvm_x86_pio);
	e->rw = ctx->rw;
	e->port = ctx->port;
	e->size = ctx->size;
	e->count = ctx->count;
	e->val = ctx->val;
	record_send(&rec, sizeof(rec));
	return 0;
}

SEC("tp/kvm/kvm_mmio")
int kvm_mmio(struct trace_event_raw_kvm_mmio *ctx)
{
	IVT_CLASSIC_BEGIN(kvm_mmio);
	e->len = ctx->len;
	e->type = ctx->type;
	e->gpa = ctx->gpa;
	e->val = ctx->val;
	record_send(&rec, sizeof(rec));
	return 0;
}

IVT_PROBE(kvm_userspace_exit, kvm_userspace_exit, IVT_PROTO(__u32 reason, int error), {
	e->reason = reason;
	e->error = error;
})

IVT_PROBE(kvm_halt_poll_ns, kvm_halt_poll_ns,
	  IVT_PROTO(bool grow, unsigned int vcpu_id, unsigned int new_ns, unsigned int old_ns), {
		  e->grow = grow;
		  e->vcpu_id = vcpu_id;
		  e->new_ns = new_ns;
		  e->old_ns = old_ns;
	  })

IVT_PROBE(kvm_vcpu_wakeup, kvm_vcpu_wakeup, IVT_PROTO(__u64 ns, bool waited, bool valid), {
	e->ns = ns;
	e->waited = waited;
	e->valid = valid;
})

IVT_PROBE(kvm_x86_write_tsc_offset, kvm_write_tsc_offset,
	  IVT_PROTO(unsigned int vcpu_id, __u64 previous, __u64 next), {
		  e->vcpu_id = vcpu_id;
		  e->previous_tsc_offset = previous;
		  e->next_tsc_offset = next;
	  })

/* ---- system calls of the VMs' processes -------------------------------------- */

static __always_inline bool is_traced(void)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	return bpf_map_lookup_elem(&traced_tgids, &tgid);
}

/* Arguments + 1 of system call @nr; 0: record it as unknown. */
static __always_inline __u32 args_of(long nr)
{
	__u32 slot = nr;

	return nr >= 0 && slot < SYSCALL_SLOTS ? syscall_args[slot] : 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(syscall_entry, struct pt_regs *regs, long nr)
{
	/* One more than there are arguments: an unknown call carries its number. */
	struct {
		struct ivring_record r;
		__u64 arg[7];
	} rec = {};
	__u32 n, type;
	__u64 bytes;

	if (!is_traced())
		return 0;
	n = args_of(nr);
	type = IVT_TYPE_SYSCALL_ENTRY + (__u32)nr;
	if (!n) {
		type = IVT_TYPE_syscall_entry_unknown;
		rec.arg[0] = (__u32)nr;
		rec.arg[1] = regs->di;
		rec.arg[2] = regs->si;
		rec.arg[3] = regs->dx;
		rec.arg[4] = regs->r10;
		rec.arg[5] = regs->r8;
		rec.arg[6] = regs->r9;
		n = 8;
	} else {
		rec.arg[0] = regs->di;
		rec.arg[1] = regs->si;
		rec.arg[2] = regs->dx;
		rec.arg[3] = regs->r10;
		rec.arg[4] = regs->r8;
		rec.arg[5] = regs->r9;
	}
	bytes = sizeof(rec.r) + (n - 1) * sizeof(rec.arg[0]);
	barrier_var(bytes);
	if (bytes > sizeof(rec))
		return 0;
	record_begin(&rec.r, type, bytes);
	record_send(&rec, bytes);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(syscall_exit, struct pt_regs *regs, long ret)
{
	struct {
		struct ivring_record r;
		__s64 ret;
	} rec = {};
	struct {
		struct ivring_record r;
		struct ivt_ev_syscall_exit_unknown payload;
	} unknown = {};
	long nr;

	if (!is_traced())
		return 0;
	nr = regs->orig_ax;
	if (args_of(nr)) {
		record_begin(&rec.r, IVT_TYPE_SYSCALL_EXIT + (__u32)nr, sizeof(rec));
		rec.ret = ret;
		record_send(&rec, sizeof(rec));
		return 0;
	}
	record_begin(&unknown.r, IVT_TYPE_syscall_exit_unknown, sizeof(unknown));
	unknown.payload.id = nr;
	unknown.payload.ret = ret;
	record_send(&unknown, sizeof(unknown));
	return 0;
}
