#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 400
# Under load and with a reader: a kernel that is replaced by kexec stops its rings
# in order, the next one begins an epoch; the kernel that a panic starts leaves
# alone what the one that died had recorded.
# shellcheck source-path=SCRIPTDIR source=tools/driver.sh
. "$SRC/tests/vm/tools/driver.sh"

boots()
{
	lab/vm console "$vm" | grep -c 'lab: .* is up'
}

# wait_boot N: until the N-th kernel of this machine answers
wait_boot()
{
	local tries

	for ((tries = 0; tries < 900; tries++)); do
		[ "$(boots)" -lt "$1" ] || { lab/vm wait "$vm" && return; }
		sleep 0.1
	done
	fail "kernel $1 does not come up"
}

published() # records, all channels
{
	"$poke" state "$region" | awk '/^channel/ { n += $NF } END { print n }'
}

driver_region kexec 32 2
for file in vmlinuz initramfs.cpio; do
	cp "$IVT_LAB_IMAGE/$file" "$tools/kexec-$file"
	truncate -s %512 "$tools/kexec-$file"
done
driver_boot driver-kexec --smp 2 --mem 512 --region "$region" \
	--disk "$tools/kexec-vmlinuz,readonly=on" --disk "$tools/kexec-initramfs.cpio,readonly=on" \
	--append crashkernel=160M
# Each kernel has the same programs, and the files from the same disks.
prepare="head -c $(stat -c %s "$IVT_LAB_IMAGE/vmlinuz") /dev/vda >/tmp/vmlinuz
	head -c $(stat -c %s "$IVT_LAB_IMAGE/initramfs.cpio") /dev/vdb >/tmp/initramfs.cpio"
guest "$prepare"
driver_load
first=$("$poke" state "$region" | grep -o 'epoch [0-9a-f]*')
record -c 140
load_on 'count-calls 1000 0'
load_on 'count-calls 1000 1'
guest '(sleep 0.3; kexec /tmp/vmlinuz /tmp/initramfs.cpio) >/dev/null 2>&1 &'
wait_state DOWN 60
by_first=$(published)
wait_boot 2
driver_load
[ "$("$poke" state "$region" | grep -o 'epoch [0-9a-f]*')" != "$first" ] || fail "the epoch is the same"
guest 'count-calls 1000; rmmod ivtrace' >/dev/null
wait_state DOWN
by_second=$(published)
record_end
equal "epochs that the reader saw" "$(grep -c '^# epoch' "$out")" 2
equal "gaps" "$(count gaps)" 0
equal "records of both kernels" "$(count total)" $((by_first + by_second))
log_is_clean

# A panic.  What is not published in the last second is there for the salvage.
trace=$O/tests/vm/kexec.ivt
rm -rf "$trace"
guest "$prepare
	kexec --on-panic /tmp/vmlinuz /tmp/initramfs.cpio \
		\"\$(sed 's/crashkernel=[^ ]*//' /proc/cmdline) maxcpus=1\"" || fail "kexec --on-panic"
driver_load flush_ms=1000 poll_ms=1000
"$BIN/ivtrace-host" record -o "$trace" --host none --vm "vm=shm:$region" >"$out" 2>&1 &
recorder=$!
for ((tries = 0; tries < 300; tries++)); do
	[ -z "$(find "$trace/vm-vm" -name 'cpu_*' -size +0 2>/dev/null)" ] || break
	sleep 0.1
done
lab/vm exec "$vm" --timeout 5 -- 'i=1; while [ $i -le 300 ]; do echo mark $i >/dev/ivtrace; i=$((i + 1)); done
	echo c >/proc/sysrq-trigger' >/dev/null 2>&1
wait_boot 3
guest '[ -s /proc/vmcore ]' || fail "the third kernel is not that of a panic"
kill -STOP "$recorder" # it calls the guest now and then, in its own page
before=$(cksum <"$region")
guest 'insmod /ivtrace.ko' && fail "the driver loads in a kernel that a panic started"
sleep 1.5
equal "region that the dead kernel left" "$(cksum <"$region")" "$before"
kill -CONT "$recorder"
lab/vm kill "$vm"
for ((tries = 0; tries < 100; tries++)); do
	grep -q 'has ended' "$out" && break
	sleep 0.1
done
kill -INT "$recorder"
wait "$recorder" || fail "the recorder: $(cat "$out")"
recorder=
cat "$out"
marks=$("$BIN/ivtrace-report" events --vm vm --name ivtrace_mark --json "$trace" 2>/dev/null |
	sed -n 's/.*"msg":"mark \([0-9]*\)".*/\1/p')
[ "$marks" = "$(seq 300)" ] || fail "marks before the panic: $(tail -n 1 <<<"$marks") of 300"
grep -q 'records salvaged' "$out" || fail "nothing was salvaged"
rm -rf "$trace"
