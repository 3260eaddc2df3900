#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# One guest panics, QEMU of another is killed in the middle of its work: what they
# had written by then is in the trace to the last record, published or not.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"

vm_marks() # NAME: the numbers of its marks, in order
{
	"$BIN/ivtrace-report" events --vm "$1" --name ivtrace_mark --json "$work/t.ivt" \
		2>/dev/null | sed -n 's/.*"msg":"mark \([0-9]*\)".*/\1/p'
}

newest_mark() # NAME: the largest number that stands anywhere in its region
{
	grep -aoE 'mark [0-9]+' "$(vm_region "$1")" | awk '$2 > n { n = $2 } END { print n + 0 }'
}

field() # NAME KEY: of the machine in the summary
{
	"$BIN/ivtrace-report" summary --json "$work/t.ivt" 2>/dev/null | python3 -c '
import json, sys
print(*[m[sys.argv[2]] for m in json.load(sys.stdin)["machines"] if m["name"] == sys.argv[1]])' \
		"$1" "$2"
}

has_said() # TEXT
{
	grep -qF "$1" "$work/err"
}

vm_setup
vm_start killed --smp 2
# What is less than a grain stays unpublished until the panic.
vm_start panic --smp 2 --append ivtrace.flush_ms=1000
: >"$work/err"
"$BIN/ivtrace-host" record -o "$work/t.ivt" --host none --vm "killed=shm:$(vm_region killed)" \
	--vm "panic=shm:$(vm_region panic)" 2>"$work/err" &
recorder=$!
wait_for 20 has_said 'recording into'
wait_for 30 has_records "$work/t.ivt" killed
wait_for 30 has_records "$work/t.ivt" panic

lab/vm exec killed -- '(i=1; while :; do echo mark $i >/dev/ivtrace; i=$((i + 1)); done) >/dev/null 2>&1 &'
lab/vm exec panic --timeout 20 -- \
	'i=1; while [ $i -le 300 ]; do echo mark $i >/dev/ivtrace; i=$((i + 1)); done; echo c >/proc/sysrq-trigger' \
	>/dev/null 2>&1 || true
wait_for 20 has_said 'panic: the guest has panicked'
wait_for 20 eval '[ "$(newest_mark killed)" -gt 100 ]'
lab/vm kill killed
wait_for 20 eval 'grep -q "killed: process [0-9]* has ended" "$work/err"'
kill -INT $recorder
wait $recorder
cat "$work/err"
"$BIN/ivtrace-report" summary "$work/t.ivt"

[ "$(vm_marks panic)" = "$(seq 300)" ]
newest=$(newest_mark killed)
last=$(vm_marks killed | tail -n 1)
[ "$(vm_marks killed)" = "$(seq "$last")" ]
# The newest one in memory may be the record that was being written.
[ "$newest" = "$last" ] || { [ "$newest" = $((last + 1)) ] && [ "$(field killed lost_uncommitted)" -gt 0 ]; }
echo "marks: $last of $newest; salvaged: $(field killed salvaged), $(field panic salvaged)"
[ "$(field panic salvaged)" -gt 0 ]
[ "$(field killed refused_bytes)" = 0 ]
[ "$(field panic refused_bytes)" = 0 ]
babeltrace2 "$work/t.ivt" >"$work/bt"
[ "$(grep -c 'mark [0-9]*"' "$work/bt")" = $((last + 300)) ]
