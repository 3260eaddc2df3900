#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 200
#
# The recorder of a VM that connects (its region is memory without a name) is killed,
# three times, while the guest writes: the next one finds the region in QEMU's hands and
# goes on in the trace.  Each mark is there once.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"
vm_setup
sock=$(vm_socket a)

go_on() # sets $recorder
{
	: >"$work/err"
	"$BIN/ivtrace-host" record --resume -o "$work/t.ivt" --host none --vm "a=sock:$sock" \
		--size 16M --cpus 2 2>>"$work/err" &
	recorder=$!
	wait_for 60 grep -q 'recording into' "$work/err"
}

go_on
vm_start_doorbell a
wait_for 60 has_records "$work/t.ivt" a
lab/vm exec a -- '(i=1; while [ $i -le 3000 ]; do echo mark $i >/dev/ivtrace; i=$((i + 1)); done; echo >/tmp/done) \
	>/dev/null 2>&1 &'
for _ in 1 2 3; do
	sleep 0.4
	kill -9 "$recorder"
	wait "$recorder" 2>/dev/null || true
	go_on
	grep 'goes on; ' "$work/err"
done
wait_for 120 lab/vm exec a -- 'test -e /tmp/done'
kill -INT "$recorder"
wait "$recorder"
cat "$work/err"
"$BIN/ivtrace-report" summary "$work/t.ivt"
"$BIN/ivtrace-report" events --name ivtrace_mark "$work/t.ivt" | grep -oE 'mark [0-9]+' |
	awk '$2 != NR { print "mark", NR, "is", $2; exit 1 } END { print NR, "marks"; exit NR != 3000 }'
