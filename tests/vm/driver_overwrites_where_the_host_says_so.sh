#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
# A region in overwrite mode, a flight recorder: nothing new is lost though nobody
# reads, a snapshot has the newest marks without a gap, also while the guest goes
# on writing or is frozen for so long, and after its panic every mark up to the last is there.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"

take() # snapshot|salvage|frozen NAME: marks into $work/NAME, figures into $work/out
{
	echo "$1 $work/$2" >&"${recorder[1]}"
	wait_for 30 grep -qx "done $work/$2" "$work/out"
}

n=0
take_newer() # into $work/live$n; fails if nothing was written since the last one
{
	n=$((n + 1))
	take snapshot "live$n"
	[ -s "$work/live$n" ]
}

follows() # NAME: its marks are consecutive numbers
{
	awk -v name="$1" '$1 != "mark" || NF != 2 { print name ": no mark: " $0; exit 1 }
		NR > 1 && $2 != last + 1 { print name ": " $2 " after " last; exit 1 }
		{ last = $2 }' "$work/$1"
}

vm_setup
gcc -O2 -static -o "$work/many-marks" "$SRC/tests/vm/tools/many-marks.c"
gcc -std=gnu11 -O2 -I"$SRC/ivring/include" -o "$work/ring-snapshot" \
	"$SRC/tests/vm/tools/ring-snapshot.c" "$O/lib/libivring.a"
: >"$work/out"
coproc recorder { exec "$work/ring-snapshot" "$(vm_region g)" >"$work/out" 2>&1; }
wait_for 10 grep -qx ready "$work/out"
lab/vm start g --region "$(vm_region g)" --region-size 16M --add "$work/many-marks:/bin/many-marks"
wait_for 20 lab/vm exec g -- 'grep -q recording /sys/class/misc/ivtrace/state'

echo '== several laps, nobody reads'
lab/vm exec g -- many-marks 0 400000
sleep 0.2 # a quiet CPU publishes every 10 ms
take snapshot laps
follows laps
[ "$(tail -n 1 "$work/laps")" = 'mark 399999' ]
wc -l "$work/laps"
[ "$(wc -l <"$work/laps")" -gt 80000 ] # 4 MiB of 40 bytes, less two sub-buffers
grep -m 1 '^overwritten [1-9]' "$work/out"
[ "$(lab/vm exec g -- 'cat /sys/class/misc/ivtrace/lost_full')" = 0 ]

echo '== while it writes'
lab/vm exec g -- 'many-marks 400000 2000000 >/dev/null 2>&1 & echo $! >/tmp/pid'
for _ in 1 2 3 4 5; do
	wait_for 30 take_newer
	awk '$1 != "mark" || NF != 2 || $2 <= last { print "no mark or out of order: " $0; exit 1 }
		{ last = $2 }' "$work/live$n"
	wc -l "$work/live$n"
done

echo '== frozen meanwhile'
take frozen still
wait_for 30 grep -qx "done $work/still.again" "$work/out"
wc -l "$work/still"
[ -s "$work/still" ]
follows still
[ ! -s "$work/still.again" ]
wait_for 30 take_newer # it goes on, once its driver has noticed
[ "$(tail -n 1 "$work/still" | cut -d ' ' -f 2)" -lt "$(tail -n 1 "$work/live$n" | cut -d ' ' -f 2)" ]
lab/vm exec g -- 'kill $(cat /tmp/pid); true'

echo '== its last words'
lab/vm exec g -- 'many-marks 5000000 1000; echo c >/proc/sysrq-trigger' >/dev/null 2>&1 || true
wait_for 30 bash -c "lab/vm console g | grep -q 'Kernel panic'"
take salvage dead
sed -n '/^mark 5000000$/,$p' "$work/dead" >"$work/last"
follows last
[ "$(wc -l <"$work/last")" = 1000 ]
cat "$work/out"
grep 'violations [1-9]' "$work/out" && exit 1
exit 0
