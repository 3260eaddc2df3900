#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 400
# CPUs go off and on while tracing: nothing is lost, nothing stays unpublished.
# shellcheck source-path=SCRIPTDIR source=tools/driver.sh
. "$SRC/tests/vm/tools/driver.sh"

driver_region hotplug 32 2
driver_boot driver-hotplug --smp 2 --region "$region"
driver_load
record -e syscall_entry_getpriority,sched_switch,irq_softirq_entry
guest '(for i in 1 2 3 4 5 6; do
		echo 0 >/sys/devices/system/cpu/cpu1/online; sleep 0.3
		echo 1 >/sys/devices/system/cpu/cpu1/online; sleep 0.3
	done) & for i in 1 2 3 4 5 6 7 8 9 10; do count-calls 10000; done; wait' >/dev/null
record_end
lost_nothing_else
equal "calls" "$(count syscall_entry_getpriority)" 100000

# The last records of a CPU that stays off reach the reader too.
record -e syscall_entry_getpriority,sched_switch
guest 'count-calls 777 1; echo 0 >/sys/devices/system/cpu/cpu1/online' >/dev/null
record_end
equal "calls on the CPU that went" "$(count syscall_entry_getpriority)" 777
guest 'rmmod ivtrace'
wait_state DOWN
log_is_clean
