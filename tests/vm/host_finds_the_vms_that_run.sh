#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 200
# alone: it records every VM that it finds
#
# --vm auto: a VM that runs, one that comes while it is recorded, one whose region
# is blank when it starts; and what is not a region stays as it is.  One that goes
# with its region leaves the recording.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"

has_said() # TEXT
{
	grep -q "$1" "$work/record.log"
}

vm_setup
prefix=/dev/shm/ivtrace-test-$$
vm_start a
# Shared memory of a VM that is no region: blank, and of another name.
memory=/dev/shm/memory-test-$$
truncate -s 16M "$memory"
large=$prefix-large # called as a region
truncate -s 512M "$large"
trap 'rm -f "$memory"; vm_teardown' EXIT
lab/vm start c --qemu-args "-object memory-backend-file,id=o,share=on,mem-path=$memory,size=16M -device ivshmem-plain,memdev=o
	-object memory-backend-file,id=l,share=on,mem-path=$large,size=512M -device ivshmem-plain,memdev=l"

"$BIN/ivtrace-host" record -o "$work/t.ivt" --vm auto --host none 2>"$work/record.log" &
recorder=$!
wait_for 30 has_said "test-$$-a: found, its region is '$prefix-a'"
# One that QEMU itself makes, hence blank.
lab/vm start b --region "$prefix-b" --region-size 16M
wait_for 30 has_said "test-$$-b: found"
wait_for 30 has_records "$work/t.ivt" "test-$$-a"
wait_for 30 has_records "$work/t.ivt" "test-$$-b"

lab/vm kill a
wait_for 30 has_said "test-$$-a: process .* has ended"
rm "$prefix-a"
wait_for 30 has_said "test-$$-a: gone, and its region too"

lab/vm exec b -- 'echo written after a went >/dev/ivtrace'
kill -INT "$recorder"
wait "$recorder"
cat "$work/record.log"
"$BIN/ivtrace-report" events "$work/t.ivt" | grep 'written after a went'
cmp -n $((16 << 20)) "$memory" /dev/zero
! grep -q 'memory-test' "$work/record.log"
has_said "'$large' of process [0-9]* is no region, .* more than 256 MiB"
[ "$(stat -c %b "$large")" = 0 ]
lab/vm check-log b
