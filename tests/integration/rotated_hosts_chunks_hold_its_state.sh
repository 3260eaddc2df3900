#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 60
# The host alone, in chunks: each has a dump of its state, nothing of one is refused (what
# came before the dump and what came after it is in order), and the sum is theirs.
set -euo pipefail
work=$(mktemp -d)
trap 'status=$?; rm -rf "$work"; exit $status' EXIT
if ! "$BIN/ivtrace-host" record -o "$work/try.ivt" --host sched -- true >"$work/err" 2>&1; then
	grep -q 'cannot trace the host' "$work/err" || { cat "$work/err"; exit 1; }
	cat "$work/err"
	exit 77
fi
"$BIN/ivtrace-host" record -o "$work/t.ivt" --host default,sched --rotate-time 700ms --duration 3s \
	2>"$work/err"
cat "$work/err"
sum=$(awk '$1 == "host" && $3 == "records" { print $2, $6 }' "$work/err")
records=0
lost=0
n=0
for chunk in "$work"/t.[0-9]*.ivt; do
	state=$("$BIN/ivtrace-report" events "$chunk" | grep -c lttng_statedump_process_state)
	read -r r l refused < <("$BIN/ivtrace-report" summary "$chunk" |
		awk '$1 == "host" && $2 == "host" { print $5, $6, $7 }')
	echo "${chunk##*/}: $r records, $l lost, $refused bytes refused, $state processes"
	[ "$state" -ge 5 ] && [ "$refused" = 0 ]
	records=$((records + r))
	lost=$((lost + l))
	n=$((n + 1))
done
[ $n -ge 3 ]
[ "$records $lost" = "$sum" ]
