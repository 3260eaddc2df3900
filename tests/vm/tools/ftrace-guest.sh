#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In a guest: enables events of many shapes in tracefs, does something of which
# each is a witness, and leaves ftrace's own text of it in /tmp/trace and
# /tmp/instance.  ftrace-guest UPROBE_OFFSET
cd /sys/kernel/tracing || exit 1
echo x86-tsc >trace_clock
echo 4096 >buffer_size_kb
mkdir -p instances/ivt
echo x86-tsc >instances/ivt/trace_clock
echo "p:kprobes/ivt_open do_sys_openat2 dfd=%di:s32 name=+0(%si):ustring pair=+0(%dx):x32[2]" >kprobe_events
echo "p:uprobes/ivt_up /bin/probed:$1 number=%di:s32 text=+0(%si):string" >uprobe_events
# of this shell alone
echo "common_pid == $$" >events/syscalls/sys_enter_write/filter
on='kprobes/ivt_open uprobes/ivt_up syscalls/sys_enter_openat syscalls/sys_exit_openat
	syscalls/sys_enter_write sched/sched_process_exec sched/sched_process_fork irq/softirq_entry'
echo >trace
for event in $on; do
	echo 1 >events/$event/enable
done
echo 1 >instances/ivt/events/sched/sched_process_exit/enable
# While the driver looks for the formats, which takes its time, and after.
for round in 1 2 3 4; do
	cat /init /proc/version >/dev/null
	probed 5
	echo "marker $round of $$" >trace_marker
	echo "filtered $round" >/dev/null
	sh -c 'echo "not to be seen" >/dev/null'
	sleep 0.5
done
for event in $on; do
	echo 0 >events/$event/enable
done
echo 0 >instances/ivt/events/sched/sched_process_exit/enable
cat trace >/tmp/trace
cat instances/ivt/trace >/tmp/instance
