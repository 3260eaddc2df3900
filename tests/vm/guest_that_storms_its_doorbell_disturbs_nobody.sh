#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# alone: it measures CPU time
#
# A guest scribbles over all of its region and writes its doorbell in a tight loop, while
# another VM is recorded: that one's records are exact, and the recorder lives, hears it ten
# times a second, and spends less than 60 % of a core (without the limit all that it gets).
set -euo pipefail
. "$SRC/tests/vm/lib.sh"
vm_setup
seconds=5
[ -z "${LONG:-}" ] || seconds=120
storm=$work/doorbell-storm
gcc -std=gnu11 -Wall -Wextra -O2 -D_GNU_SOURCE -static -Iivring/include -o "$storm" tests/vm/tools/doorbell-storm.c
record_doorbell t --vm "b=sock:$(vm_socket b)" --guest default
vm_start_doorbell a --add "$storm:/bin/doorbell-storm"
vm_start_doorbell b
wait_for 30 has_records "$work/t.ivt" a
wait_for 30 has_records "$work/t.ivt" b
lab/vm exec a -- 'rmmod ivtrace'

# User and system time of the recorder, ticks.
ticks() { awk '{ print $14 + $15 }' "/proc/$recorder/stat"; }
storm() # ROUND [scribble]: $percent of a core, and $elapsed seconds, while b marks
{
	local before began job i

	before=$(ticks) began=$(date +%s%N)
	lab/vm exec a --timeout $((seconds + 60)) -- "doorbell-storm $seconds ${2-}" &
	job=$!
	lab/vm exec b -- "i=0; while [ \$i -lt 4000 ]; do echo told $1 \$i; i=\$((i+1)); done >/dev/ivtrace"
	wait "$job"
	i=$((($(date +%s%N) - began) / 1000))
	percent=$((($(ticks) - before) * 1000 / $(getconf CLK_TCK) * 100000 / i))
	elapsed=$((i / 1000000 + 1))
	echo "recorder: $percent % of a core in $elapsed s"
	[ "$percent" -lt 60 ]
}
# The driver is gone and its page is as it was: it has a doorbell, and is believed to.
storm 1
heard=$elapsed
storm 2 scribble
end_recording || true # what the guest wrote may not be a trace
grep -v '^  a ' "$work/t.log" | tail -n 20
read -r rang woke needless < <(sed -n 's/.*a: its doorbell rang \([0-9]*\) times, woke the recorder \([0-9]*\) times, \([0-9]*\) of.*/\1 \2 \3/p' "$work/t.log")
told=$("$BIN/ivtrace-report" events --vm b "$work/t.ivt" | grep -c 'ivtrace_mark.*told')
echo "storm: rang $rang times, woke the recorder $woke times, $needless without need; told $told of 8000"
[ "$told" = 8000 ]
[ "$rang" -gt 100000 ]
[ "$needless" -gt 3 ] && [ "$needless" -lt $(((heard + elapsed) * 10 + 20)) ] # ten a second
"$BIN/ivtrace-report" summary "$work/t.ivt" | awk '$1 == "b" { print; exit $6 != 0 }'
lab/vm check-log b
