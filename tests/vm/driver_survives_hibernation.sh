#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# The guest's memory goes to disk and comes back in another QEMU, whose clock begins
# anew: what was recorded before stays, and a new epoch begins.
# shellcheck source-path=SCRIPTDIR source=tools/driver.sh
. "$SRC/tests/vm/tools/driver.sh"

driver_region hibernation 16 2
disk=$O/tests/vm/hibernation.disk
regions+=("$disk")
rm -f "$disk"
truncate -s 512M "$disk"
boot()
{
	driver_boot driver-hibernation --smp 2 --mem 192 --region "$region" --disk "$disk"
}

epoch()
{
	"$poke" state "$region" | grep -o 'epoch [0-9a-f]*'
}

boot
driver_load
first=$(epoch)
record -e syscall_entry_getpriority
guest 'mkswap /dev/vda && swapon /dev/vda && count-calls 500' >/dev/null || fail "no swap"
guest 'cat /sys/block/vda/dev >/sys/power/resume; echo shutdown >/sys/power/disk
	(sleep 0.2; echo disk >/sys/power/state) >/dev/null 2>&1 &'
lab/vm wait "$vm" --exit --timeout 60 || fail "the guest does not hibernate"
wait_state DOWN
equal "epoch before" "$(epoch)" "$first"
log_is_clean

boot
guest '(sleep 0.1; cat /sys/block/vda/dev >/sys/power/resume) >/dev/null 2>&1 &'
wait_log 'the clock or the rings went back' 60
wait_state READY
[ "$(epoch)" != "$first" ] || fail "the epoch is the same"
guest 'count-calls 700' >/dev/null || fail "the guest does not answer"
guest 'rmmod ivtrace' || fail "rmmod"
wait_state DOWN
record_end
equal "epochs that the reader saw" "$(grep -c '^# epoch' "$out")" 2
equal "calls" "$(count syscall_entry_getpriority)" 1200
lost_nothing_else
log_is_clean
