#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
# alone: its guest is to have a CPU
#
# A guest with one vCPU that computes and one that idles, and a disk: 'top' tells
# them apart and sees the requests; a live reader prints them while they are made.
# The recorder is killed: the reader ends by itself and has printed what the trace
# that is left holds.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"

has_lines() # N FILE
{
	[ -e "$2" ] && [ "$(wc -l <"$2")" -ge "$1" ]
}

has_ended() # PID
{
	! kill -0 "$1" 2>/dev/null
}

vm_setup
truncate -s 16M "$work/disk.img"
vm_start a --smp 2 --threads multi --disk "$work/disk.img"
"$BIN/ivtrace-host" record -o "$work/t.ivt" --vm "a=shm:$(vm_region a)" --host none \
	2>"$work/record.err" &
recorder=$!
wait_for 30 has_records "$work/t.ivt" a
"$BIN/ivtrace-report" events --follow --json "$work/t.ivt" >"$work/live" 2>"$work/live.err" &
reader=$!

lab/vm exec a -- 'taskset 2 sh -c "while :; do :; done" >/dev/null 2>&1 &'
lab/vm exec a -- 'iowriter /dev/vda --count 100000 --interval-us 20000 --name disk >/dev/null 2>&1 &'
"$BIN/ivtrace-host" top --once --json --interval 4s >"$work/top.json"
"$BIN/ivtrace-host" top --once --interval 2s "$work/t.ivt"
python3 - "$work/top.json" <<'END'
import json, sys
o = json.load(open(sys.argv[1]))
(vm,) = o["vms"]
idle, busy = sorted(vm["vcpus"], key=lambda c: c["index"])
print(o)
assert vm["state"] == "recording" and vm["events_per_s"] > 0 and vm["lost"] == 0
# A loaded host preempts: it wanted to run all the time.
assert busy["running_percent"] + busy["preempted_percent"] > 75
assert busy["waiting_percent"] < 25 < 50 < idle["waiting_percent"]
d = vm["disks"]
assert d["requests"] > 5 and 0 < d["p50_ns"] <= d["max_ns"]
assert 0 < o["recorder"]["cpu_percent"] < 100
END

wait_for 30 grep -q block_rq_issue "$work/live"
n=$(wc -l <"$work/live")
wait_for 30 has_lines $((n + 100)) "$work/live"
kill -KILL "$recorder"
wait_for 60 has_ended "$reader"
wait "$reader"
grep -q 'its recorder has died' "$work/live.err"
"$BIN/ivtrace-report" events --json "$work/t.ivt" >"$work/after" 2>/dev/null
wc -l "$work/live" "$work/after"
if grep -q 'came late' "$work/live.err"; then # the host kept its vCPU from publishing
	cat "$work/live.err"
	cmp <(sort "$work/live") <(sort "$work/after")
else
	cmp "$work/live" "$work/after"
fi
