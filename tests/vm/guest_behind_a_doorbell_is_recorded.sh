#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# --vm NAME=sock:PATH: QEMU connects to the recorder.  The guest is recorded, wakes the
# recorder at most once per sub-buffer, and hears its wishes by interrupt: its driver
# looks by itself only once a second here.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"
vm_setup
sock=$(vm_socket a)
record_doorbell t --guest default,timer
vm_start_doorbell a --append 'ivtrace.poll_ms=1000'
wait_for 30 has_records "$work/t.ivt" a
[ "$(sed -n 's/.*a: process \([0-9]*\) is connected.*/\1/p' "$work/t.log")" = "$(lab/vm pid a)" ]
grep -q "a: process $(lab/vm pid a), " "$work/t.log"
answered_enough() { [ "$(in_guest interrupts)" -ge 6 ]; }
in_guest() { lab/vm exec a -- "cat /sys/class/misc/ivtrace/$1"; }
[ "$(in_guest doorbell)" = yes ]

# Bursts out of quiet: the recorder sleeps long before each.
for round in 1 2 3 4 5 6; do
	sleep 0.3
	lab/vm exec a -- "i=0; while [ \$i -lt 4000 ]; do echo burst $round \$i; i=\$((i+1)); done >/dev/ivtrace"
done
rings=$(in_guest rings)
wait_for 30 answered_enough
interrupts=$(in_guest interrupts)
end_recording
"$BIN/ivtrace-report" summary "$work/t.ivt" | tee "$work/summary"
marks=$("$BIN/ivtrace-report" events --vm a "$work/t.ivt" | grep -c 'ivtrace_mark.*burst')
bytes=$(cat "$work/t.ivt/vm-a"/cpu_* | wc -c)
subbufs=$((bytes / 65536 + 2))
read -r rang woke needless < <(sed -n 's/.*a: its doorbell rang \([0-9]*\) times, woke the recorder \([0-9]*\) times, \([0-9]*\) of.*/\1 \2 \3/p' "$work/t.log")
echo "marks $marks of 24000, guest rang $rings times, heard $rang, woken $woke, needless $needless, sub-buffers $subbufs"
[ "$marks" = 24000 ]
[ "$rings" -gt 0 ]
[ "$rang" -ge "$rings" ] && [ "$rang" -le "$subbufs" ] && [ "$woke" -le "$rang" ] && [ "$woke" -gt 0 ]
[ ! -e "$sock" ]

# The host's question for the time waits 40 ms for an answer.  A driver that looks once a
# second would hear one in 25 of them: these came by interrupt.
shakes=$("$BIN/ivtrace-report" sync --json "$work/t.ivt" |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["machines"]["a"]["handshakes"])')
echo "answered in time $shakes, interrupts $interrupts"
[ "$shakes" -ge 3 ]
lab/vm check-log a
