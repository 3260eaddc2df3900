#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# The disk is full and the recorder is killed; it goes on on the full disk, is killed
# again, and goes on when there is room: what the rings could hold is there once, the
# rest is counted.
. "$(dirname "$0")/lib.sh"

small_disk 4m

make_region 16M 2
go_on
dd if=/dev/zero of="$disk/filler" bs=64k count=30 status=none
"$guest" "$region" --count 60000 --pace-us 1000 --linger-ms 100 >"$work/out" &
writer=$!
wait_for 60 grep -q 'recording goes on' "$work/record.out"
kill_recorder
go_on
sleep 0.3
kill_recorder
rm -f "$disk/filler"
mount -o remount,size=16m "$disk"
go_on
wait $writer
kill -INT $recorder
wait $recorder || true
cat "$work/record.out"
read -r records lost refused < <(counts)
echo "records $records lost $lost refused $refused, guest: $(tail -n 1 "$work/out")"
[ "$records" -eq "$(field recorded "$work/out")" ]
[ "$lost" -eq "$(field lost "$work/out")" ]
[ "$refused" -eq 0 ]
[ "$(check_marks)" -eq "$records" ]
umount "$disk"
