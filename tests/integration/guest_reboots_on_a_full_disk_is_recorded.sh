#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# The disk is full when a guest is reset, and its next boot has no machine in the trace:
# the recording goes on, the boot waits in its rings until there is room, and what the
# boot before had not got rid of is counted.
. "$(dirname "$0")/lib.sh"

small_disk 4m
dd if=/dev/zero of="$disk/filler" bs=64k count=24 status=none
make_region 16M 2
record_in_background --duration 60s
"$guest" "$region" --boots 2 --count 60000 --pace-us 2000 --linger-ms 3000 >"$work/out" &
writer=$!
wait_for 30 grep -q 'recording goes on' "$work/record.out"
dd if=/dev/zero of="$disk/rest" bs=4k status=none 2>"$work/dd.err" || true
sleep 4 # its second boot has come by then, on most machines
rm -f "$disk/filler" "$disk/rest"
mount -o remount,size=32m "$disk"
wait $writer
kill -INT "$recorder"
wait "$recorder" && exit 1
cat "$work/record.out"
read -r records lost refused < <(counts)
echo "records $records lost $lost refused $refused, guest: $(tail -n 1 "$work/out")"
[ $((records + lost)) -eq "$(field attempted "$work/out")" ]
[ "$lost" -gt "$(field lost "$work/out")" ]
[ "$refused" -eq 0 ]
[ "$(find "$trace" -maxdepth 1 -name 'vm-*' | wc -l)" = 2 ]
[ "$(check_marks)" -eq "$records" ]
umount "$disk"
