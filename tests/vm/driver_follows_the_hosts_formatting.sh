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
for try in "8 7:has ring version 7." "16 7:checksum" "24 7:checksum"; do
	"$poke" format "$region" 16 2 >/dev/null
	# shellcheck disable=SC2086
	poke_byte ${try%%:*}
	guest 'dmesg -c >/dev/null; insmod /ivtrace.ko; dmesg' | grep -F "${try#*:}" ||
		fail "no message that says '${try#*:}'"
	guest 'rmmod ivtrace'
done

# A newer host: what this driver must know is refused, and both versions are named;
# what it need not know is no reason.
knows=$(sed -n 's/^#define IVRING_VERSION_M[AI][JN]OR \([0-9]*\).*/\1/p' ivring/include/ivring/abi.h | paste -sd.)
"$poke" format "$region" 16 2 >/dev/null
guest 'insmod /ivtrace.ko'
wait_state READY
for try in "2 3 0 0 0:2.3 with features 0x0" "1 77 0 0 0x40:1.77 with features 0x40" \
	"1 78 0 0x8 0:1.78 with features 0x8"; do
	# shellcheck disable=SC2086
	"$poke" features "$region" ${try%%:*}
	wait_log "ring version ${try#*:}, this driver knows $knows without"
done
equal "state of what is refused" "$(od -An -tu4 -j4096 -N4 "$region" | tr -d ' ')" 2
"$poke" features "$region" 1 79 0xffffffff 0 0
wait_log 'was formatted anew by the host'
record -c 140
# Controls that a newer host has, and this driver does not know.
poke_byte $((0x3000 + 11)) 377
guest 'count-calls 100' >/dev/null
record_end
equal "calls with a newer host" "$(count syscall_entry_getpriority)" 100
guest 'rmmod ivtrace'
wait_state DOWN
log_is_clean
lab/vm stop "$vm"

# Two devices: one is used; the other as soon as that one is gone.
used() # how much of the guest's address space regions take
{
	guest "grep -c 'ivtrace' /proc/iomem; awk '/ivtrace/ { n++ } END { print n + 0 }' /proc/vmallocinfo" |
		paste -sd,
}

"$poke" format "$region" 16 2 >/dev/null
driver_boot driver-two --smp 2 --region "$region" --qemu-args \
	"-object memory-backend-file,id=iv2,share=on,mem-path=$second,size=16M -device ivshmem-plain,memdev=iv2"
guest 'insmod /ivtrace.ko'
wait_state READY
wait_log 'another one is in use'
equal "second device's state" "$("$poke" state "$second" | grep -o '^state [A-Z]*')" "state DOWN"
with_one=$(used)
guest 'echo 1 >"/sys/bus/pci/devices/$(cat /sys/class/misc/ivtrace/device)/remove"'
wait_state DOWN
first=$region region=$second
wait_state READY
record -c 140
guest 'count-calls 100' >/dev/null
record_end
equal "calls through the second device" "$(count syscall_entry_getpriority)" 100
guest 'echo 1 >/sys/bus/pci/rescan; sleep 2'
equal "state of the first device, back" "$("$poke" state "$first" | grep -o '^state [A-Z]*')" "state DOWN"
equal "messages about a device too many" "$(lab/vm console "$vm" | grep -c 'another one is in use')" 2
equal "regions, mappings" "$(used)" "$with_one"
guest 'rmmod ivtrace'
wait_state DOWN
equal "regions, mappings after all" "$(used)" "0,0"
log_is_clean
