#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# A busy program and a vCPU's thread share a CPU, of which the thread gets little: the
# trigger runq makes a snapshot that holds the wait, and says whose and how long.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { echo "skip: needs root"; exit 77; }
[ -e /sys/kernel/btf/vmlinux ] || { echo "skip: no /sys/kernel/btf/vmlinux"; exit 77; }
cpu=$(($(nproc) - 1))

make_region 16M 1
"$host" record --mode flight -o "$trace" --vm "a=shm:$region" --tsc tcg \
	--host sched_switch,sched_wakeup --trigger 'a:runq>20ms' --snapshot-limit 1 \
	>"$work/record.out" 2>&1 &
recorder=$!
wait_for 30 is_recording
taskset -c "$cpu" bash -c 'while :; do :; done' &
hog=$!
taskset -c "$cpu" nice -n 19 "$guest" "$region" --cpus 1 --count 1000000000 --pace-us 0 --vcpus >/dev/null &
pid=$!
wait_for 30 grep -q "t.0000.ivt' is written" "$work/record.out"
kill -9 $pid $hog
kill -INT $recorder
wait $recorder || { cat "$work/record.out"; exit 1; }
trace=$work/t.0000.ivt
"$report" summary "$trace" >"$work/summary"
grep '^snapshot' "$work/summary"
grep -Eq "^snapshot  trigger a:runq>20ms: [0-9.]+ ms .*VM 'a'" "$work/summary" ||
	{ cat "$work/summary"; exit 1; }
"$report" events --json --name sched_switch "$trace" 2>/dev/null >"$work/events"
python3 - "$work/events" "$trace/manifest.json" <<'END'
import json, sys
machines = json.load(open(sys.argv[2]))["machines"]
tid = next(m for m in machines if m["kind"] == "guest")["vcpus"][0]["tid"]
since, longest = None, 0
for line in open(sys.argv[1]):
    e = json.loads(line)
    if e["machine"] != "host":
        continue
    now = int(e["t_ns"])
    if e["fields"]["prev_tid"] == tid:
        since = now
    elif e["fields"]["next_tid"] == tid and since:
        longest = max(longest, now - since)
print("thread", tid, "waited for up to", longest / 1e6, "ms")
assert longest > 20e6
END
