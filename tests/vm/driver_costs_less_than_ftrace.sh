#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 400
# Instructions per recorded system call (entry and exit), in one guest whose
# clock counts instructions: the figure is the same on every machine.
# shellcheck source-path=SCRIPTDIR source=tools/driver.sh
. "$SRC/tests/vm/tools/driver.sh"

driver_region cost 64 1
driver_boot driver-cost --icount 0 --region "$region"
driver_load
bare=$(guest 'call-cost 10000')
record -e syscall_entry_getpriority,syscall_exit_getpriority
ours=$(guest 'call-cost 10000')
record_end
equal "records" "$(count syscall_entry_getpriority) $(count syscall_exit_getpriority)" "50000 50000"
after=$(guest 'call-cost 10000')
ftrace=$(guest 'cd /sys/kernel/tracing/events/syscalls
	echo 1 >sys_enter_getpriority/enable; echo 1 >sys_exit_getpriority/enable; call-cost 10000')
echo "instructions per call: bare $bare, ivtrace $ours, ftrace $ftrace, ivtrace off again $after"
at_least "bare cost, and when off again" $((bare + 3)) "$after"
[ $((3 * (ours - bare))) -le $((ftrace - bare)) ] ||
	fail "two records cost $((ours - bare)) instructions, more than a third of ftrace's $((ftrace - bare))"
