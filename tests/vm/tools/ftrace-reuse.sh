#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In a guest: a kprobe goes and another with other fields comes.  Prints both numbers.
cd /sys/kernel/tracing || exit 1
echo 1 >tracing_on

probe() # NAME DEFINITION CALLS
{
	echo "p:kprobes/$1 $2" >>kprobe_events
	cat events/kprobes/$1/id
	echo 1 >events/kprobes/$1/enable
	for call in 1 2 3 4 5 6 7 8 9 10 11 12; do
		cat /proc/version >/dev/null
		sleep 0.2
	done
	echo 0 >events/kprobes/$1/enable
	echo "-:kprobes/$1" >>kprobe_events
}

probe ivt_one 'do_sys_openat2 name=+0(%si):ustring'
probe ivt_two 'do_sys_openat2 dfd=%di:s32 twice=%di:s16'
