#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 400
# The device is plugged into a running guest, and pulled while it records.
# shellcheck source-path=SCRIPTDIR source=tools/driver.sh
. "$SRC/tests/vm/tools/driver.sh"

driver_region plug 16 2
driver_boot driver-plug --smp 2 --hotplug
guest 'insmod /ivtrace.ko'
# plug NUMBER: the slot is free some seconds after the guest has let go; and
# QEMU 7.2 aborts when a memory object serves a second device, so make a new one.
plug()
{
	local tries

	lab/vm qmp "$vm" '{"execute": "object-add", "arguments": {"qom-type": "memory-backend-file",
		"id": "iv'"$1"'", "share": true, "mem-path": "'"$region"'", "size": 16777216}}' >/dev/null ||
		fail "object-add"
	for ((tries = 0; tries < 30; tries++)); do
		lab/vm qmp "$vm" '{"execute": "device_add", "arguments": {"driver": "ivshmem-plain",
			"memdev": "iv'"$1"'", "id": "ivdev", "bus": "hp0"}}' >/dev/null 2>&1 && return
		sleep 0.5
	done
	fail "device_add"
}

for round in 1 2; do
	plug $round
	wait_state READY
	record -c 140
	# On one CPU: a task that moves leaves a gap in each CPU's numbers.
	guest 'count-calls 1000 0' >/dev/null
	load_on 'count-calls 1000 0'
	sleep 1
	lab/vm qmp "$vm" '{"execute": "device_del", "arguments": {"id": "ivdev"}}' >/dev/null || fail "device_del"
	wait_state DOWN 30
	record_end
	at_least "calls in round $round" "$(count syscall_entry_getpriority)" 1000
	# Nothing is missing but what an interrupt inside a switch may lose.
	at_least "losses, against gaps in round $round" "$(lost_nested)" "$(count gaps)"
	load_off
	sleep 1
done
guest 'rmmod ivtrace' || fail "rmmod"
log_is_clean

# A guest that is switched off says so.
lab/vm stop "$vm"
driver_boot driver-plug2 --region "$region"
driver_load
lab/vm stop "$vm"
wait_state DOWN
