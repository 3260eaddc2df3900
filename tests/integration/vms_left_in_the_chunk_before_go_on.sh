#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# A recorder is killed between two chunks: what it knew of its VMs lies in the one
# before.  All of them go on, also one that was added while it ran, and what a guest
# lost while nobody recorded is counted.
. "$(dirname "$0")/lib.sh"
region2=$region.b
trap 'status=$?; kill -9 $(jobs -p) 2>/dev/null || true; rm -rf "$work" "$region" "$region2"; exit $status' EXIT
count=1000000

newest()
{
	printf '%s\n' "$work"/t.[0-9]*.ivt | tail -n 1
}

is_behind() # CHUNK: a later one is there, knows the VMs, and holds nothing of them
{
	local chunk

	chunk=$(newest)
	[[ $chunk > $1 ]] && [ -e "$chunk/.recorder-a.state" ] && [ -e "$chunk/.recorder-b.state" ] &&
		[ -z "$(find "$chunk"/vm-* -name 'cpu_*')" ]
}

make_region 16M 2
"$host" qemu-args --vm "b=shm:$region2" --size 16M --cpus 1 >/dev/null
record_in_background --rotate-time 500ms
"$host" add --vm "b=shm:$region2" --pid "$recorder"
"$guest" "$region" --count $count --pace-us 100 --hang >"$work/out" &
writer=$!
wait_for 30 grep -q 'a: guest with Linux' "$work/record.out"
kill -STOP $writer
wait_for 30 is_behind "$(newest)"
kill -STOP "$recorder"
present=$(newest)
kill_recorder
before=$(printf '%s\n' "$work"/t.[0-9]*.ivt | tail -n 2 | head -n 1)
is_behind "$before" || { echo "it was killed while it rotated"; exit 77; }
mv "$present"/.recorder-* "$before"

kill -CONT $writer
wait_for 60 grep -q written "$work/out"
resume_in_background --rotate-time 20s
wait_for 30 is_recording
grep -q 'a: goes on' "$work/record.out"
grep -q 'b: goes on' "$work/record.out"
"$guest" "$region2" --cpus 1 --count 5000 --linger-ms 300 >/dev/null
kill -INT "$recorder"
wait "$recorder" || { cat "$work/record.out"; exit 1; }
cat "$work/record.out"
grep -Eq '^  b +5000 records' "$work/record.out"
read -r records lost < <(sed -nE 's/^  a +([0-9]+) records +[0-9.]+ MB +([0-9]+) lost.*/\1 \2/p' \
	"$work/record.out")
echo "records $records lost $lost, attempted $((2 * count))"
[ "$lost" -gt 0 ]
[ $((records + lost)) -eq $((2 * count)) ]
