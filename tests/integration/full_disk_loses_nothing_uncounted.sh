#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# The disk gets full in mid-recording and stays so, or has room again: what was
# recorded before can be read, the trace is closed, and what is missing is counted,
# also what stays in the rings at the end.
. "$(dirname "$0")/lib.sh"

small_disk 3m

# full HOW-LONG COUNT: $status of the recorder, its output in $work/err
full()
{
	rm -rf "$trace" "$region"
	make_region 16M 2
	status=0
	record -- "$guest" "$region" --count "$1" --pace-us 300 --linger-ms 300 \
		>"$work/out" 2>"$work/err" || status=$?
	cat "$work/err"
	"$report" summary "$trace"
	read -r records lost refused < <(counts)
	echo "records $records lost $lost refused $refused, guest: $(tail -n 1 "$work/out")"
	[ $status = 1 ]
	[ $((records + lost)) -eq "$(field attempted "$work/out")" ]
	[ "$refused" = 0 ]
	[ "$records" -gt 1000 ] && [ "$lost" -gt 1000 ]
	check_marks >/dev/null
	[ "$("$report" summary --json "$trace" | grep -c '"closed": *true')" = 1 ]
	[ "$(grep -c 'No space left on device' "$work/err")" = 1 ]
}

echo '== for good; the rings hold the rest'
full 100000
grep -q 'in its rings find no room on the disk (counted as lost)' "$work/err"

echo '== for good; the rings overflow'
full 400000

echo '== for a while'
dd if=/dev/zero of="$disk/filler" bs=64k count=40 status=none || true
rm -f "$work/err"
{ wait_for 60 grep -qs 'recording goes on' "$work/err"; sleep 0.7; rm -f "$disk/filler"; } &
filler=$!
rm -rf "$trace" "$region"
make_region 16M 2
status=0
record -- "$guest" "$region" --count 40000 --pace-us 3000 --linger-ms 2500 \
	>"$work/out" 2>"$work/err" || status=$?
wait $filler
cat "$work/err"
read -r records lost refused < <(counts)
echo "records $records lost $lost refused $refused"
[ $status = 1 ]
[ "$records $lost $refused" = "80000 0 0" ]
umount "$disk"
