#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# A guest reboots while its recorder is dead and the disk full: the next one goes on all
# the same, the boot waits in its rings until there is room, and all is counted.
. "$(dirname "$0")/lib.sh"

small_disk 4m
dd if=/dev/zero of="$disk/filler" bs=64k count=16 status=none
make_region 16M 2
go_on
"$guest" "$region" --boots 2 --count 10000 --pace-us 100 --linger-ms 100 --firmware-ms 1500 --hang >"$work/out" &
writer=$!
wait_for 30 has_counts 20000 0 0
kill_recorder
dd if=/dev/zero of="$disk/rest" bs=4k status=none 2>"$work/dd.err" || true
wait_for 30 grep -q written "$work/out"
go_on
wait_for 30 grep -q 'recording goes on' "$work/record.out"
sleep 0.3
kill_recorder # once more: what waited waits on
go_on
wait_for 30 grep -q 'recording goes on' "$work/record.out"
[ "$(find "$trace" -maxdepth 1 -name 'vm-a*' | wc -l)" = 1 ]
rm -f "$disk/filler" "$disk/rest"
wait_for 30 has_counts 40000 0 0
kill -INT "$recorder"
wait "$recorder" && exit 1 # the disk was full
cat "$work/record.out"
kill -9 $writer
has_counts 40000 0 0
[ "$(find "$trace" -maxdepth 1 -name 'vm-a*' | wc -l)" = 2 ]
[ "$(check_marks)" -eq 40000 ]
umount "$disk"
