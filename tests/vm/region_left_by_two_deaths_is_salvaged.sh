#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
# The recorder is killed, then QEMU: what the guest left in its region becomes a
# trace with every mark up to the newest, placed by the recording's clocks.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"

vm_marks() # TRACE
{
	"$BIN/ivtrace-report" events --name ivtrace_mark --json "$1" 2>/dev/null |
		sed -n 's/.*"msg":"mark \([0-9]*\)".*/\1/p'
}

newest_mark() # the largest number that stands anywhere in the region
{
	grep -aoE 'mark [0-9]+' "$(vm_region g)" | awk '$2 > n { n = $2 } END { print n + 0 }'
}

vm_setup
vm_start g --smp 2
: >"$work/err"
"$BIN/ivtrace-host" record -o "$work/t.ivt" --host none --guest ivtrace \
	--vm "g=shm:$(vm_region g)" 2>"$work/err" &
recorder=$!
wait_for 30 has_records "$work/t.ivt" g
wait_for 30 grep -q 'g: clock: ' "$work/err"
lab/vm exec g -- 'i=1; while [ $i -le 50 ]; do echo mark $i >/dev/ivtrace; i=$((i + 1)); done; sleep 1'
kill -KILL $recorder
wait $recorder || true
lab/vm exec g -- '(i=51; while :; do echo mark $i >/dev/ivtrace; i=$((i + 1)); done) >/dev/null 2>&1 &'
wait_for 30 eval '[ "$(newest_mark)" -gt 2000 ]'
lab/vm kill g
newest=$(newest_mark)
before=$(sha256sum <"$(vm_region g)")

"$BIN/ivtrace-host" salvage "$(vm_region g)" --name g -o "$work/s.ivt" --clock "$work/t.ivt"
[ "$(sha256sum <"$(vm_region g)")" = "$before" ]
"$BIN/ivtrace-report" summary "$work/s.ivt"
last=$(vm_marks "$work/s.ivt" | tail -n 1)
echo "newest mark in the region $newest, in the trace $last"
# The one that it was at when it was killed may not be committed.
[ "$last" -ge $((newest - 1)) ]
[ "$(vm_marks "$work/s.ivt")" = "$(seq 1 "$last")" ]

"$BIN/ivtrace-host" salvage "$(vm_region g)" --name g -o "$work/own.ivt" 2>&1 | tee "$work/out"
grep -q 'nothing tells its clock' "$work/out"
[ "$(vm_marks "$work/own.ivt")" = "$(seq 1 "$last")" ]
