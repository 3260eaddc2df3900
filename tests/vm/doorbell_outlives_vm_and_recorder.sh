#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# A VM behind a doorbell is killed and started again while it is recorded: its second life
# is an epoch of the same region, and the doorbell rings.  A second VM and a second recorder
# are refused meanwhile.  Then the recorder is killed: the next one finds the region in
# QEMU's hands and polls it, and the VM after that is behind a doorbell again.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"
vm_setup
sock=$(vm_socket a)
connections() { grep -c 'a: process .* is connected' "$work/$1.log" || true; }
connected() { [ "$(connections "$1")" = "$2" ]; }
has_said() { grep -q "$2" "$work/$1.log"; }
mark() { lab/vm exec a -- "echo $1 >/dev/ivtrace"; }
marks() { "$BIN/ivtrace-report" events "$work/$1.ivt" | grep 'ivtrace_mark' | sed 's/.*text=//' | tr -d '"'; }

record_doorbell one --guest default
vm_start_doorbell a
wait_for 30 has_records "$work/one.ivt" a
mark first
# The same socket for another VM, the same socket for another recorder.
lab/vm start b --no-wait --qemu-args "-chardev socket,path=$sock,id=iv -device ivshmem-doorbell,chardev=iv,vectors=1"
wait_for 30 has_said one 'a second VM at .* is refused'
lab/vm wait b --exit # as QEMU does with a server of no version
cat "$(lab/vm dir b)/qemu.log"
if "$BIN/ivtrace-host" record -o "$work/no.ivt" --vm "a=sock:$sock" --host none 2>"$work/no.log"; then
	echo "WRONG: two recorders listen for one VM"
	exit 1
fi
cat "$work/no.log"
grep -q 'another program does' "$work/no.log"
[ ! -e "$work/no.ivt" ]

lab/vm kill a
wait_for 30 has_said one 'a: process .* has ended'
vm_start_doorbell a
wait_for 30 connected one 2
wait_for 30 has_said one 'a: the guest was rebooted'
wait_for 30 has_records "$work/one.ivt" a.1
mark second
rang() { [ "$(lab/vm exec a -- 'cat /sys/class/misc/ivtrace/rings')" -gt 0 ]; }
burst() { lab/vm exec a -- 'i=0; while [ $i -lt 3000 ]; do echo burst $i; i=$((i+1)); done >/dev/ivtrace'; rang; }
wait_for 60 burst

# The recorder dies; what it left at the path is replaced.
kill -KILL "$recorder"
wait "$recorder" || true
[ -S "$sock" ]
record_doorbell two --guest default
grep -q "a: process $(lab/vm pid a) has its region already" "$work/two.log"
wait_for 30 has_records "$work/two.ivt" a
mark third
lab/vm kill a
wait_for 30 has_said two 'a: process .* has ended'
vm_start_doorbell a
wait_for 30 connected two 1
wait_for 30 has_records "$work/two.ivt" a.1
mark fourth
end_recording
cat "$work/one.log" "$work/two.log"
marks one | grep -v burst | tee "$work/marks.one"
marks two | grep -v burst | tee "$work/marks.two"
grep -q first "$work/marks.one" && grep -q second "$work/marks.one"
grep -q third "$work/marks.two" && grep -q fourth "$work/marks.two"
[ ! -e "$sock" ]
lab/vm check-log a
