#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 400
# What happens in the guest is recorded once, in order, or counted as lost.
# shellcheck source-path=SCRIPTDIR source=tools/driver.sh
. "$SRC/tests/vm/tools/driver.sh"

driver_region exact 16 2
truncate -s 8M "$O/tests/vm/exact.disk"
driver_boot driver-exact --smp 2 --region "$region" --disk "$O/tests/vm/exact.disk"
driver_load

# Everything on: both CPUs count, in order, and the rest is plausible.
record -c 140
guest 'count-calls 20000 0 & count-calls 10000 1 & wait; echo "one	two" >/dev/ivtrace
	dd if=/dev/zero of=/dev/vda bs=4096 count=64 conv=fsync 2>/dev/null' >/dev/null
record_end
lost_nothing_else
equal "calls entered" "$(count syscall_entry_getpriority)" 30000
equal "calls left" "$(count syscall_exit_getpriority)" 30000
equal "gaps in their numbers" "$(count gaps)" 0
equal "marks" "$(count ivtrace_mark)" 1
equal "state dumps" "$(count lttng_statedump_start) $(count lttng_statedump_end)" "1 1"
equal "disks dumped" "$(count lttng_statedump_block_device)" 1
at_least "tasks dumped" "$(count lttng_statedump_process_state)" 20
at_least "requests issued" "$(count block_rq_issue)" 2
# A flush is issued once and completes twice: itself, and who asked for it.
at_least "requests completed" $(($(count block_rq_complete) + $(lost_nested))) "$(count block_rq_issue)"
at_least "switches" "$(count sched_switch)" 50
at_least "interrupts" "$(count irq_handler_entry)" 2
at_least "interrupts left" "$(count irq_handler_exit)" 2
at_least "soft interrupts left" "$(count irq_softirq_exit)" 20
at_least "losses, against entries and exits without the other" "$(lost_nested)" "$(count unpaired)"

# Nothing on: nothing is written.
before=$("$poke" state "$region" | grep -o 'channel.*head [0-9]*')
guest 'count-calls 1000' >/dev/null
equal "records without a reader" "$("$poke" state "$region" | grep -o 'channel.*head [0-9]*')" "$before"

# A reader that stalls: what did not fit is counted, to the last one.
record -e syscall_entry_getpriority
kill -STOP "$recorder"
guest 'count-calls 300000 0 & count-calls 50000 1 & wait' >/dev/null
kill -CONT "$recorder"
record_end
at_least "lost while the reader stalls" "$(lost)" 1000
equal "recorded and lost" $(($(count syscall_entry_getpriority) + $(lost))) 350000
log_is_clean
