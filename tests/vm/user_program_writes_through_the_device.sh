#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 180
# A guest without the driver: a program with libivring maps the device's memory
# by itself, and every mark of its threads is in the host's trace once, in order.
# Beside the driver, without memory that was formatted, and without a device, it
# says so and writes nothing.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"

vm_setup
count=20000 threads=2
"${CC:-gcc}" -O2 -static -I"$SRC/ivring/include" -o "$work/write" "$SRC/ivring/examples/write.c" \
	"$O/lib/libivring.a" -pthread
refused() # NAME PATTERN
{
	if lab/vm exec "$1" -- 'write - 1 2>&1' >"$work/out"; then
		echo "$1: it wrote"
		exit 1
	fi
	grep -E -- "$2" "$work/out"
}

vm_start driven --add "$work/write:/bin/write"
refused driven 'a driver or another program'
lab/vm stop driven

export IVT_LAB_IMAGE=$work/image # without the driver
lab/build-image --add "$work/write:/bin/write" "$work/image" >/dev/null
lab/vm start none
refused none 'no ivshmem device'
lab/vm stop none
lab/vm start blank --region "$(vm_region blank)" --region-size 16M
refused blank 'not formatted'
lab/vm stop blank

vm_start a --smp 2
lab/vm exec a -- '! ls -d /sys/module/ivtrace 2>/dev/null'
"$BIN/ivtrace-host" record -o "$work/t.ivt" --vm "a=shm:$(vm_region a)" --host none -- \
	lab/vm exec a -- write - $count $threads | tee "$work/out"
grep -F "recorded $((count * threads)) lost 0" "$work/out"
"$BIN/ivtrace-report" summary "$work/t.ivt"
"$BIN/ivtrace-report" events --name ivtrace_mark --json "$work/t.ivt" |
	sed -n 's/.*"msg":"\([0-9]* [0-9]*\)".*/\1/p' >"$work/marks"
for ((i = 0; i < threads; i++)); do
	sed -n "s/^$i //p" "$work/marks" | cmp - <(seq 0 $((count - 1))) ||
		{ echo "thread $i: not each mark once, in order"; exit 1; }
done
# The device is one program's at a time.  That one is killed: READY is what it
# leaves behind, and no obstacle for the next.
lab/vm exec a -- 'write - 1 1 & sleep 1; write - 1 1; kill -KILL $!; wait' >"$work/out" 2>&1
grep -F 'a driver or another program' "$work/out"
"$BIN/ivtrace-host" record -o "$work/again.ivt" --vm "a=shm:$(vm_region a)" --host none -- \
	lab/vm exec a -- write - 100 1 | grep -F 'recorded 100 lost 0'
[ "$("$BIN/ivtrace-report" events --name ivtrace_mark --json "$work/again.ivt" | grep -c ivtrace_mark)" = 100 ]
lab/vm check-log a
