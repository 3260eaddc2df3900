/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one table of events.  Guest probes, host probes, CTF metadata, decoder
 * and viewer labels all derive from it; names and fields follow lttng-modules,
 * so that other readers know them.
 *
 * IVT_EVENTS(EV) expands EV(type, name, group, label) per event;
 * IVT_FIELDS_name(F) expands F(kind, field) per field in memory order.
 * Kinds: i32 u32 i64 u64 u8, x64 (shown in hex), text16 (char[16], a task's
 * name), ip16 (16 bytes: an IPv6 address, an IPv4 one as ::ffff:a.b.c.d), pad4
 * (zero, not shown); at the end, at most one, but for the padding up to 8 bytes:
 * str (NUL-terminated), bytes (a u32 count, then as many), x64s (a u32 count at
 * 4 modulo 8, then as many 64-bit words, shown in hex).  An event without such
 * an end is a multiple of 8 bytes (asserted below).  A new event is a new line
 * here, its fields, and its assignment in probes.h.
 *
 * IVT_GROUPS(GR) expands GR(name, when, what) per group.  when: BY_DEFAULT is
 * recorded unless something else is asked for, ON_REQUEST is not: such groups
 * can be a hundred times the rest.
 */
#ifndef IVRING_EVENTS_H
#define IVRING_EVENTS_H

#include <ivring/abi.h>
#include <ivring/syscalls.h>

/* System calls: type = base + number; arguments are u64 under the kernel's
 * parameter names, the exit has "ret". */
#define IVT_TYPE_SYSCALL_ENTRY 0x1000
#define IVT_TYPE_SYSCALL_EXIT  0x2000
#define IVT_MAX_SYSCALL	       0x1000

/* No types of their own: this bit of the reader's bitmap + a type's number asks
 * for the call chain in user space (ivtrace_user_stack) behind each such event. */
#define IVT_TYPE_CHAIN 0x3000

#define IVT_GROUPS(GR)                                                                \
	GR(sched, BY_DEFAULT, "who runs, who wakes whom; fork, exec, exit")           \
	GR(irq, BY_DEFAULT, "interrupts of devices, soft interrupts")                 \
	GR(block, BY_DEFAULT, "disk requests")                                        \
	GR(kvm, BY_DEFAULT, "vCPUs entered and left, and why; the host only")         \
	GR(syscall, BY_DEFAULT, "system calls; on the host the VMs' processes' only") \
	GR(ipi, ON_REQUEST, "interrupts between CPUs, sent and handled")              \
	GR(timer, ON_REQUEST, "timers set, cancelled and expired")                    \
	GR(net, ON_REQUEST, "packets and what sockets sent and received")             \
	GR(fault, ON_REQUEST, "page faults")                                          \
	GR(power, ON_REQUEST, "idle states and frequencies of CPUs")                  \
	GR(workqueue, ON_REQUEST, "the kernel's deferred work")                       \
	GR(ftrace, ON_REQUEST, "whatever the guest's own tracefs has enabled")        \
	GR(ivtrace, BY_DEFAULT, "state at the beginning, marks; goes with any other")

#define IVT_EVENTS(EV)                                               \
	EV(1, ivtrace_beat, ivtrace, "heartbeat")                    \
	EV(2, lttng_statedump_start, ivtrace, "state dump start")    \
	EV(3, lttng_statedump_end, ivtrace, "state dump end")        \
	EV(4, lttng_statedump_process_state, ivtrace, "task exists") \
	EV(5, lttng_statedump_block_device, ivtrace, "disk exists")  \
	EV(6, ivtrace_mark, ivtrace, "mark")                         \
	EV(7, ivtrace_span_begin, ivtrace, "span begins")            \
	EV(8, ivtrace_span_end, ivtrace, "span ends")                \
	EV(9, ivtrace_value, ivtrace, "value")                       \
	EV(10, ivtrace_user_stack, ivtrace, "call chain")            \
	EV(16, sched_switch, sched, "task switch")                   \
	EV(17, sched_waking, sched, "task waking")                   \
	EV(18, sched_wakeup, sched, "task woken")                    \
	EV(19, sched_wakeup_new, sched, "new task woken")            \
	EV(20, sched_migrate_task, sched, "task migrated")           \
	EV(21, sched_process_fork, sched, "fork")                    \
	EV(22, sched_process_exec, sched, "exec")                    \
	EV(23, sched_process_exit, sched, "exit")                    \
	EV(32, irq_handler_entry, irq, "interrupt")                  \
	EV(33, irq_handler_exit, irq, "interrupt end")               \
	EV(35, irq_softirq_entry, irq, "soft interrupt")             \
	EV(36, irq_softirq_exit, irq, "soft interrupt end")          \
	EV(48, block_rq_insert, block, "disk request queued")        \
	EV(49, block_rq_issue, block, "disk request issued")         \
	EV(50, block_rq_complete, block, "disk request done")        \
	EV(51, block_bio_queue, block, "disk I/O submitted")         \
	EV(64, kvm_x86_entry, kvm, "enter guest")                    \
	EV(65, kvm_x86_exit, kvm, "leave guest")                     \
	EV(66, kvm_x86_inj_virq, kvm, "interrupt injected")          \
	EV(67, kvm_x86_apic_accept_irq, kvm, "interrupt accepted")   \
	EV(68, kvm_x86_apicv_accept_irq, kvm, "interrupt posted")    \
	EV(69, kvm_x86_pio, kvm, "port I/O")                         \
	EV(70, kvm_mmio, kvm, "memory I/O")                          \
	EV(71, kvm_userspace_exit, kvm, "leave to QEMU")             \
	EV(72, kvm_halt_poll_ns, kvm, "halt polling changed")        \
	EV(73, kvm_vcpu_wakeup, kvm, "halt ended")                   \
	EV(74, kvm_x86_write_tsc_offset, kvm, "TSC offset written")  \
	EV(80, syscall_entry_unknown, syscall, "system call")        \
	EV(81, syscall_exit_unknown, syscall, "system call end")     \
	IVT_EVENTS_ON_REQUEST(EV)

#define IVT_EVENTS_ON_REQUEST(EV)                                                            \
	EV(96, x86_irq_vectors_reschedule_entry, ipi, "reschedule interrupt")                \
	EV(97, x86_irq_vectors_reschedule_exit, ipi, "reschedule interrupt end")             \
	EV(98, x86_irq_vectors_call_function_entry, ipi, "call interrupt")                   \
	EV(99, x86_irq_vectors_call_function_exit, ipi, "call interrupt end")                \
	EV(100, x86_irq_vectors_call_function_single_entry, ipi, "single call interrupt")    \
	EV(101, x86_irq_vectors_call_function_single_exit, ipi, "single call interrupt end") \
	EV(102, x86_irq_vectors_irq_work_entry, ipi, "deferred work interrupt")              \
	EV(103, x86_irq_vectors_irq_work_exit, ipi, "deferred work interrupt end")           \
	EV(104, ipi_send_cpu, ipi, "interrupt sent to a CPU")                                \
	EV(105, ipi_send_cpumask, ipi, "interrupt sent to CPUs")                             \
	EV(112, timer_hrtimer_start, timer, "high-resolution timer set")                     \
	EV(113, timer_hrtimer_cancel, timer, "high-resolution timer cancelled")              \
	EV(114, timer_hrtimer_expire_entry, timer, "high-resolution timer expired")          \
	EV(115, timer_hrtimer_expire_exit, timer, "high-resolution timer done")              \
	EV(116, timer_start, timer, "timer set")                                             \
	EV(117, timer_cancel, timer, "timer cancelled")                                      \
	EV(118, timer_expire_entry, timer, "timer expired")                                  \
	EV(119, timer_expire_exit, timer, "timer done")                                      \
	EV(120, x86_irq_vectors_local_timer_entry, timer, "timer interrupt")                 \
	EV(121, x86_irq_vectors_local_timer_exit, timer, "timer interrupt end")              \
	EV(128, net_dev_queue, net, "packet to the device")                                  \
	EV(129, net_if_receive_skb, net, "packet from the device")                           \
	EV(130, inet_sock_set_state, net, "connection's state changed")                      \
	EV(131, tcp_rcv_space_adjust, net, "TCP bytes taken")                                \
	EV(132, sock_send_length, net, "socket sent")                                        \
	EV(133, sock_recv_length, net, "socket received")                                    \
	EV(144, x86_exceptions_page_fault_user, fault, "page fault in a program")            \
	EV(145, x86_exceptions_page_fault_kernel, fault, "page fault in the kernel")         \
	EV(152, power_cpu_idle, power, "idle state")                                         \
	EV(153, power_cpu_frequency, power, "frequency")                                     \
	EV(160, workqueue_queue_work, workqueue, "work queued")                              \
	EV(161, workqueue_activate_work, workqueue, "work ready")                            \
	EV(162, workqueue_execute_start, workqueue, "work begins")                           \
	EV(163, workqueue_execute_end, workqueue, "work done")                               \
	EV(168, ivtrace_format, ftrace, "format of an event of ftrace")                      \
	EV(169, ivtrace_ftrace, ftrace, "event of ftrace")

/* clang-format off */
#define IVT_FIELDS_ivtrace_beat(F)
#define IVT_FIELDS_lttng_statedump_start(F)
#define IVT_FIELDS_lttng_statedump_end(F)
#define IVT_FIELDS_lttng_statedump_process_state(F) \
	F(i32, tid) F(i32, pid) F(i32, ppid) F(text16, name) F(i32, type) F(i32, mode) \
	F(i32, submode) F(i32, status) F(u32, cpu)
#define IVT_FIELDS_lttng_statedump_block_device(F) F(u64, sectors) F(u32, dev) F(str, diskname)
#define IVT_FIELDS_ivtrace_mark(F) F(str, msg)
/* What programs say of themselves (ivring/mark.h): a span's end has the id and
 * name of its begin, and may be another task's. */
#define IVT_FIELDS_ivtrace_span_begin(F) F(u64, id) F(str, name)
#define IVT_FIELDS_ivtrace_span_end(F) F(u64, id) F(str, name)
#define IVT_FIELDS_ivtrace_value(F) F(i64, value) F(str, name)
/* event: the type that it belongs to, this task's last one of it; ips: return
 * addresses, innermost first */
#define IVT_FIELDS_ivtrace_user_stack(F) F(u32, event) F(x64s, ips)

#define IVT_FIELDS_sched_switch(F) \
	F(text16, prev_comm) F(i32, prev_tid) F(i32, prev_prio) F(i64, prev_state) \
	F(text16, next_comm) F(i32, next_tid) F(i32, next_prio)
#define IVT_FIELDS_sched_waking(F) \
	F(text16, comm) F(i32, tid) F(i32, prio) F(i32, target_cpu) F(pad4, _pad)
#define IVT_FIELDS_sched_wakeup(F) IVT_FIELDS_sched_waking(F)
#define IVT_FIELDS_sched_wakeup_new(F) IVT_FIELDS_sched_waking(F)
#define IVT_FIELDS_sched_migrate_task(F) \
	F(text16, comm) F(i32, tid) F(i32, prio) F(i32, orig_cpu) F(i32, dest_cpu)
#define IVT_FIELDS_sched_process_fork(F) \
	F(text16, parent_comm) F(i32, parent_tid) F(i32, parent_pid) F(text16, child_comm) \
	F(i32, child_tid) F(i32, child_pid)
#define IVT_FIELDS_sched_process_exec(F) F(i32, tid) F(i32, old_tid) F(str, filename)
#define IVT_FIELDS_sched_process_exit(F) F(text16, comm) F(i32, tid) F(i32, prio)

#define IVT_FIELDS_irq_handler_entry(F) F(i32, irq) F(str, name)
#define IVT_FIELDS_irq_handler_exit(F) F(i32, irq) F(i32, ret)
#define IVT_FIELDS_irq_softirq_entry(F) F(u32, vec) F(pad4, _pad)
#define IVT_FIELDS_irq_softirq_exit(F) F(u32, vec) F(pad4, _pad)

/* rq is ours: the request's address names it from insert to complete. */
#define IVT_FIELDS_block_rq_insert(F) \
	F(u64, sector) F(x64, rq) F(u32, dev) F(u32, nr_sector) F(u32, bytes) F(i32, tid) \
	F(u32, rwbs) F(text16, comm) F(pad4, _pad)
#define IVT_FIELDS_block_rq_issue(F) IVT_FIELDS_block_rq_insert(F)
#define IVT_FIELDS_block_rq_complete(F) \
	F(u64, sector) F(x64, rq) F(u32, dev) F(u32, nr_sector) F(i32, error) F(u32, rwbs)
#define IVT_FIELDS_block_bio_queue(F) \
	F(u64, sector) F(u32, dev) F(u32, nr_sector) F(u32, rwbs) F(i32, tid) \
	F(text16, comm)

#define IVT_FIELDS_kvm_x86_entry(F) F(u32, vcpu_id) F(pad4, _pad)
#define IVT_FIELDS_kvm_x86_exit(F) \
	F(u64, guest_rip) F(u64, info1) F(u64, info2) F(u32, exit_reason) F(u32, isa) \
	F(u32, intr_info) F(u32, error_code) F(u32, vcpu_id) F(pad4, _pad)
#define IVT_FIELDS_kvm_x86_inj_virq(F) F(u32, irq) F(pad4, _pad)
#define IVT_FIELDS_kvm_x86_apic_accept_irq(F) F(u32, apicid) F(u32, dm) F(u32, tm) F(u32, vec)
#define IVT_FIELDS_kvm_x86_apicv_accept_irq(F) IVT_FIELDS_kvm_x86_apic_accept_irq(F)
/* rw: 1 is out; val: the first of count, 0 where it is not known yet */
#define IVT_FIELDS_kvm_x86_pio(F) \
	F(u32, rw) F(u32, port) F(u32, size) F(u32, count) F(u32, val) F(pad4, _pad)
/* type: 0 read that is not known yet, 1 read, 2 write */
#define IVT_FIELDS_kvm_mmio(F) F(u32, len) F(u32, type) F(u64, gpa) F(u64, val)
#define IVT_FIELDS_kvm_userspace_exit(F) F(u32, reason) F(i32, error)
#define IVT_FIELDS_kvm_halt_poll_ns(F) F(u32, grow) F(u32, vcpu_id) F(u32, new_ns) F(u32, old_ns)
/* ns: the whole halt; waited: it slept when polling was over; valid: always on x86 */
#define IVT_FIELDS_kvm_vcpu_wakeup(F) F(u64, ns) F(u32, waited) F(u32, valid)
#define IVT_FIELDS_kvm_x86_write_tsc_offset(F) \
	F(u32, vcpu_id) F(pad4, _pad) F(u64, previous_tsc_offset) F(u64, next_tsc_offset)

#define IVT_FIELDS_syscall_entry_unknown(F) \
	F(i32, id) F(pad4, _pad) F(u64, arg0) F(u64, arg1) F(u64, arg2) F(u64, arg3) \
	F(u64, arg4) F(u64, arg5)
#define IVT_FIELDS_syscall_exit_unknown(F) F(i32, id) F(pad4, _pad) F(i64, ret)

#define IVT_FIELDS_x86_irq_vectors_reschedule_entry(F) F(i32, vector) F(pad4, _pad)
#define IVT_FIELDS_x86_irq_vectors_reschedule_exit(F) \
	IVT_FIELDS_x86_irq_vectors_reschedule_entry(F)
#define IVT_FIELDS_x86_irq_vectors_call_function_entry(F) \
	IVT_FIELDS_x86_irq_vectors_reschedule_entry(F)
#define IVT_FIELDS_x86_irq_vectors_call_function_exit(F) \
	IVT_FIELDS_x86_irq_vectors_reschedule_entry(F)
#define IVT_FIELDS_x86_irq_vectors_call_function_single_entry(F) \
	IVT_FIELDS_x86_irq_vectors_reschedule_entry(F)
#define IVT_FIELDS_x86_irq_vectors_call_function_single_exit(F) \
	IVT_FIELDS_x86_irq_vectors_reschedule_entry(F)
#define IVT_FIELDS_x86_irq_vectors_irq_work_entry(F) IVT_FIELDS_x86_irq_vectors_reschedule_entry(F)
#define IVT_FIELDS_x86_irq_vectors_irq_work_exit(F) IVT_FIELDS_x86_irq_vectors_reschedule_entry(F)
/* Linux 6.4 and later; cpumask: CPUs 0 to 63 */
#define IVT_FIELDS_ipi_send_cpu(F) F(x64, callsite) F(x64, callback) F(u32, cpu) F(pad4, _pad)
#define IVT_FIELDS_ipi_send_cpumask(F) F(x64, cpumask) F(x64, callsite) F(x64, callback)

/* expires, softexpires, now: ns of the timer's clock */
#define IVT_FIELDS_timer_hrtimer_start(F) \
	F(x64, hrtimer) F(x64, function) F(i64, expires) F(i64, softexpires) F(u32, mode) \
	F(pad4, _pad)
#define IVT_FIELDS_timer_hrtimer_cancel(F) F(x64, hrtimer)
#define IVT_FIELDS_timer_hrtimer_expire_entry(F) F(x64, hrtimer) F(i64, now) F(x64, function)
#define IVT_FIELDS_timer_hrtimer_expire_exit(F) F(x64, hrtimer)
/* expires, now, baseclk: jiffies */
#define IVT_FIELDS_timer_start(F) \
	F(x64, timer) F(x64, function) F(u64, expires) F(u64, now) F(u32, flags) F(pad4, _pad)
#define IVT_FIELDS_timer_cancel(F) F(x64, timer)
#define IVT_FIELDS_timer_expire_entry(F) \
	F(x64, timer) F(u64, now) F(x64, function) F(u64, baseclk)
#define IVT_FIELDS_timer_expire_exit(F) F(x64, timer)
#define IVT_FIELDS_x86_irq_vectors_local_timer_entry(F) \
	IVT_FIELDS_x86_irq_vectors_reschedule_entry(F)
#define IVT_FIELDS_x86_irq_vectors_local_timer_exit(F) \
	IVT_FIELDS_x86_irq_vectors_reschedule_entry(F)

/*
 * len: of the whole packet.  What is behind it is read from the headers, and is 0
 * for other protocols than IP, in fragments but the first, behind IPv6 extension
 * headers, and on the host where a driver left the headers in pages.
 * seq, ack_seq, flags (FIN 1 SYN 2 RST 4 PSH 8 ACK 16): TCP's; the bytes
 * seq .. seq + payload_bytes - 1 of the connection are in this packet.
 */
#define IVT_FIELDS_net_dev_queue(F) \
	F(x64, skbaddr) F(ip16, saddr) F(ip16, daddr) F(u32, len) F(u32, protocol) \
	F(u32, source_port) F(u32, dest_port) F(u32, seq) F(u32, ack_seq) F(u32, flags) \
	F(u32, payload_bytes) F(str, name)
#define IVT_FIELDS_net_if_receive_skb(F) IVT_FIELDS_net_dev_queue(F)
/* saddr, source_port: this end.  States are the kernel's (1 established, 2 SYN sent,
 * 7 closed, 8 close wait, 10 listening). */
#define IVT_FIELDS_inet_sock_set_state(F) \
	F(x64, skaddr) F(ip16, saddr) F(ip16, daddr) F(u32, family) F(u32, protocol) \
	F(u32, source_port) F(u32, dest_port) F(i32, oldstate) F(i32, newstate)
/* copied_seq: of the first byte that the program has not taken yet */
#define IVT_FIELDS_tcp_rcv_space_adjust(F) \
	F(x64, skaddr) F(ip16, saddr) F(ip16, daddr) F(u32, family) F(u32, protocol) \
	F(u32, source_port) F(u32, dest_port) F(u32, copied_seq) F(pad4, _pad)
/*
 * Linux 6.3 and later, at the end of any socket's call, by whatever system call.
 * ret: bytes or -errno.  seq: of the first byte that is still to be sent (taken);
 * TCP only, and of all threads that use the socket.  flags: MSG_PEEK (2) and others.
 */
#define IVT_FIELDS_sock_send_length(F) \
	F(x64, skaddr) F(ip16, saddr) F(ip16, daddr) F(u32, family) F(u32, protocol) \
	F(u32, source_port) F(u32, dest_port) F(i32, ret) F(u32, flags) F(u32, seq) \
	F(pad4, _pad)
#define IVT_FIELDS_sock_recv_length(F) IVT_FIELDS_sock_send_length(F)

#define IVT_FIELDS_x86_exceptions_page_fault_user(F) \
	F(x64, address) F(x64, ip) F(x64, error_code)
#define IVT_FIELDS_x86_exceptions_page_fault_kernel(F) IVT_FIELDS_x86_exceptions_page_fault_user(F)

/* state: an idle state's number, 4294967295 when it ends; kHz */
#define IVT_FIELDS_power_cpu_idle(F) F(u32, state) F(u32, cpu_id)
#define IVT_FIELDS_power_cpu_frequency(F) F(u32, state) F(u32, cpu_id)

#define IVT_FIELDS_workqueue_queue_work(F) \
	F(x64, work) F(x64, function) F(i32, req_cpu) F(pad4, _pad)
#define IVT_FIELDS_workqueue_activate_work(F) F(x64, work)
#define IVT_FIELDS_workqueue_execute_start(F) F(x64, work) F(x64, function)
#define IVT_FIELDS_workqueue_execute_end(F) F(x64, work) F(x64, function)

/* text: "system: NAME\n" and what tracefs says in events/NAME/.../format.  id is
 * the event's until another format for it comes; since: 0, or the TSC from which
 * on it may have been in force (before that the earlier one was). */
#define IVT_FIELDS_ivtrace_format(F) F(u64, since) F(u32, id) F(bytes, text)
/* entry: as in ftrace's own buffer, from the common_type (the id) on */
#define IVT_FIELDS_ivtrace_ftrace(F) F(bytes, entry)
/* clang-format on */

/* rwbs, as lttng-modules has it */
#define IVT_RWBS_WRITE	   (1u << 0)
#define IVT_RWBS_DISCARD   (1u << 1)
#define IVT_RWBS_READ	   (1u << 2)
#define IVT_RWBS_READAHEAD (1u << 3)
#define IVT_RWBS_SYNC	   (1u << 5)
#define IVT_RWBS_META	   (1u << 6)
#define IVT_RWBS_SECURE	   (1u << 7)
#define IVT_RWBS_FLUSH	   (1u << 8)
#define IVT_RWBS_FUA	   (1u << 9)
#define IVT_RWBS_PREFLUSH  (1u << 10)

/* prev_state of a task that was preempted */
#define IVT_STATE_PREEMPTED 0x100

/* lttng_statedump_process_state: type, mode, submode, status */
#define IVT_TASK_USER	      0
#define IVT_TASK_KERNEL	      1
#define IVT_TASK_MODE_UNKNOWN 5
#define IVT_TASK_STATUS_WAIT  5
#define IVT_TASK_STATUS_RUN   6

/* ---- derived: type numbers and payload structures ---------------------- */

#define IVT_TYPE_OF(type, name, group, label) IVT_TYPE_##name = type,
enum ivt_event_type {
	IVT_EVENTS(IVT_TYPE_OF)
};
#undef IVT_TYPE_OF

#define IVT_C_i32(f)	__s32 f;
#define IVT_C_u32(f)	__u32 f;
#define IVT_C_i64(f)	__s64 f;
#define IVT_C_u64(f)	__u64 f;
#define IVT_C_x64(f)	__u64 f;
#define IVT_C_u8(f)	__u8 f;
#define IVT_C_text16(f) char f[16];
#define IVT_C_ip16(f)	__u8 f[16];
#define IVT_C_str(f)	char f[0];
#define IVT_C_bytes(f)    \
	__u32 f##_length; \
	__u8 f[0];
#define IVT_C_x64s(f)     \
	__u32 f##_length; \
	__u64 f[0];
#define IVT_C_pad4(f)	     __u32 f;
#define IVT_C_FIELD(kind, f) IVT_C_##kind(f)

#define IVT_STRUCT_OF(type, name, group, label) \
	struct ivt_ev_##name {                  \
		IVT_FIELDS_##name(IVT_C_FIELD)  \
	};
IVT_EVENTS(IVT_STRUCT_OF)
#undef IVT_STRUCT_OF

/* A fixed payload must fill a multiple of 8 bytes by declared fields: a CTF
 * reader steps by them.  Structures that end in a str, bytes or x64s are rounded
 * up when written. */
#define IVT_ENDS_str(f)	  +1
#define IVT_ENDS_bytes(f) +1
#define IVT_ENDS_x64s(f)  +1
#define IVT_ENDS_i32(f)
#define IVT_ENDS_u32(f)
#define IVT_ENDS_i64(f)
#define IVT_ENDS_u64(f)
#define IVT_ENDS_x64(f)
#define IVT_ENDS_u8(f)
#define IVT_ENDS_text16(f)
#define IVT_ENDS_ip16(f)
#define IVT_ENDS_pad4(f)
#define IVT_ENDS(kind, f) IVT_ENDS_##kind(f)
#define IVT_ASSERT_OF(type, name, group, label) \
	IVRING_ASSERT((0 IVT_FIELDS_##name(IVT_ENDS)) || sizeof(struct ivt_ev_##name) % 8 == 0);
IVT_EVENTS(IVT_ASSERT_OF)
#undef IVT_ASSERT_OF

/* Longest str payload that is written, NUL included. */
#define IVT_STR_BYTES 128

#endif /* IVRING_EVENTS_H */
