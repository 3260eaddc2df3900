#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 400
# Memory that is not for us is left alone; memory formatted later is picked up.
# shellcheck source-path=SCRIPTDIR source=tools/driver.sh
. "$SRC/tests/vm/tools/driver.sh"

# poke_byte OFFSET OCTAL
poke_byte()
{
	printf '%b' "\\0$2" | dd of="$region" bs=1 seek="$1" conv=notrunc status=none
}

region=$O/tests/vm/format.region second=$O/tests/vm/format2.region
regions=("$region" "$second")
rm -f "$region" "$second"
truncate -s 16M "$region"
"$poke" format "$second" 16 2 >/dev/null
driver_boot driver-format --smp 2 --region "$region"
guest 'insmod /ivtrace.ko'
wait_log 'is not formatted by ivtrace-host yet'
sleep 2.5
equal "bytes written to foreign memory" "$(tr -d '\0' <"$region" | wc -c)" 0
equal "messages about it" "$(lab/vm console "$vm" | grep -c 'is not used')" 1

"$poke" format "$region" 16 2
wait_state READY
record
guest 'count-calls 100' >/dev/null
record_end
equal "calls after formatting" "$(count syscall_entry_getpriority)" 100

# Formatted anew while in use, with another geometry.
record -k
load_on 'count-calls 1000'
kill -KILL "$recorder"
wait "$recorder" 2>/dev/null
"$poke" format "$region" 16 1
wait_log 'was formatted anew by the host'
wait_state READY
wait_log '1 of 2 CPUs have no ring'
record
record_end
at_least "records after formatting anew" "$(count total)" 1
load_off
guest 'rmmod ivtrace'
wait_state DOWN

# Each kind of nonsense is named once and left alone.
for try in "8 7:has another version" "16 7:checksum" "24 7:checksum"; do
	"$poke" format "$region" 16 2 >/dev/null
	# shellcheck disable=SC2086
	poke_byte ${try%%:*}
	guest 'dmesg -c >/dev/null; insmod /ivtrace.ko; dmesg' | grep -F "${try#*:}" ||
		fail "no message that says '${try#*:}'"
	guest 'rmmod ivtrace'
done
log_is_clean
lab/vm stop "$vm"

# Two devices: one is used.
"$poke" format "$region" 16 2 >/dev/null
driver_boot driver-two --region "$region" --qemu-args \
	"-object memory-backend-file,id=iv2,share=on,mem-path=$second,size=16M -device ivshmem-plain,memdev=iv2"
guest 'insmod /ivtrace.ko'
wait_state READY
wait_log 'another one is in use'
equal "second device's state" "$("$poke" state "$second" | grep -o '^state [A-Z]*')" "state DOWN"
guest 'rmmod ivtrace'
log_is_clean
