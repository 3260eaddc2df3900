#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 500
#
# What the guest's tracefs enables arrives as ftrace itself prints it: syscalls,
# strings, arrays, a kprobe, a uprobe, a filter, a marker, an instance; only that,
# only where the host asks; and the driver goes while all of it is on.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/tools/ftrace-export.sh"

vm_setup
export_build
export_start a
status=0
export_matches a || status=1
lines=$(babeltrace2 "$work/a-all.ivt" 2>/dev/null | grep -c ivtrace_ftrace:) || true
ours=$(grep -cE '"name":"(ivtrace_ftrace|[a-z]*:)' "$work/a-all.jsonl")
echo "babeltrace2 has $lines of ftrace's events, ivtrace-report $ours"
[ "$lines" = "$ours" ] || status=1
# The formats come with each recording.
export_reuses a || status=1

# Enabled, and nobody asks for it.
lab/vm exec a -- 'echo 1 >/sys/kernel/tracing/events/syscalls/enable'
export_record a none default 'cat /proc/version >/dev/null'
"$SRC/tests/vm/check_ftrace_export.py" none "$work/none.jsonl" || status=1

# The driver goes and comes while each system call and each switch is exported.
lab/vm exec a -- 'echo 1 >/sys/kernel/tracing/events/sched/enable
	for cpu in 0 1; do (while :; do cat /proc/self/maps; done) >/dev/null 2>&1 & echo $! >>/tmp/load; done'
# shellcheck disable=SC2016 # the guest's shell expands it
export_record a unload default,ftrace 'for round in 1 2 3 4; do
		sleep 0.7; rmmod ivtrace || exit 1; sleep 0.2; insmod /ivtrace.ko || exit 1; done; sleep 0.7
	kill -9 $(cat /tmp/load); echo 0 >/sys/kernel/tracing/events/enable' || status=1
"$BIN/ivtrace-report" summary "$work/unload.ivt"
for machine in a a.1 a.2 a.3 a.4; do
	n=$("$BIN/ivtrace-report" events --vm $machine --name 'syscalls:*,sched:*' --json "$work/unload.ivt" | wc -l)
	echo "$machine: $n events of ftrace by their names"
	[ "$n" -gt 100 ] || status=1
done
lab/vm exec a -- 'rmmod ivtrace' || status=1
lab/vm check-log a || status=1
exit $status
