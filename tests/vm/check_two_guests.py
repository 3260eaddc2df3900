#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Hold the events of two_guests_every_event_arrives.sh against what its programs say."""
import json
import re
import sys
from collections import defaultdict

work = sys.argv[1]
failures = []


def check(ok, text):
    print(("ok    " if ok else "WRONG ") + text)
    if not ok:
        failures.append(text)


summary = json.load(open(work + "/summary.json"))
origin = int(summary["origin_ns"])
events = [json.loads(line) for line in open(work + "/events.jsonl")]
by_name = defaultdict(list)
for e in events:
    by_name[e["machine"], e["name"]].append(e)

check(all(a["t_ns"] <= b["t_ns"] for a, b in zip(events, events[1:])), "events are in host time order")
check(len(events) > 20000, "%d events" % len(events))


def running_comm(machine):
    """(cpu -> current task's name) while walking; from sched_switch."""
    comm = {}
    for e in events:
        if e["machine"] != machine:
            continue
        if e["name"] == "sched_switch":
            comm[e["cpu"]] = (e["fields"]["next_tid"], e["fields"]["next_comm"])
        yield e, comm


for vm in "ab":
    # marker prints: name tid first count begin_tsc end_tsc
    for line in open(work + "/marker." + vm):
        name, tid, first, count = line.split()[:4]
        tid, first, count = int(tid), int(first), int(count)
        cpu = int(name[-1])
        entries = [e for e in by_name[vm, "syscall_entry_getpriority"] if e["tid"] == tid]
        exits = [e for e in by_name[vm, "syscall_exit_getpriority"] if e["tid"] == tid]
        numbers = [int(str(e["fields"]["who"]), 0) for e in entries]
        check(numbers == list(range(first, first + count)),
              "%s: all %d numbered calls of %s (tid %d), in order, none twice" % (vm, count, name, tid))
        check(len(exits) == count, "%s: as many returns" % vm)
        check(all(e["cpu"] == cpu for e in entries), "%s: all on vCPU %d" % (vm, cpu))
    wrong, names = 0, defaultdict(set)
    for e, comm in running_comm(vm):
        if e["name"] == "syscall_entry_getpriority" and e["cpu"] in comm:
            wrong += comm[e["cpu"]][0] != e["tid"]
        if e["name"] == "sched_switch":
            names[e["fields"]["prev_tid"]].add(e["fields"]["prev_comm"])
    check(wrong == 0, "%s: sched_switch says the same task as each record" % vm)
    needles = {e["tid"] for e in by_name[vm, "syscall_entry_getpriority"]}
    check(all(any(n.startswith("needle-" + vm) for n in names[tid]) for tid in needles),
          "%s: and knows their names" % vm)
    other = [e for e in by_name[vm, "syscall_entry_getpriority"]
             if not 1 <= int(str(e["fields"]["who"]), 0) % 500000 <= 4000]
    check(not other, "%s: no call of the other guest" % vm)
    marks = [e["fields"]["msg"] for e in by_name[vm, "ivtrace_mark"]]
    check(marks == ["hello from the guest"], "%s: its mark %r" % (vm, marks))

# Time: what the disk served lies inside the guest's issue and completion.
served = []
for line in open(work + "/disk/requests.log"):
    begin, end, op, offset, size = line.split()[:5]
    if op == "W":
        served.append((int(begin), int(end), int(offset), int(size)))
for vm, base in (("a", 0), ("b", 32 << 20)):
    issues = [e for e in by_name[vm, "block_rq_issue"] if e["fields"]["rwbs"] & 1]
    done = by_name[vm, "block_rq_complete"]
    # needs the task that asked for it
    check(len(issues) == 25, "%s: 25 writes issued (%d)" % (vm, len(issues)))
    check(all(e["fields"]["bytes"] == 8192 for e in issues), "%s: of 8192 bytes" % vm)
    inside = 0
    for e in issues:
        end = next((d for d in done if d["t_ns"] >= e["t_ns"] and d["fields"]["rq"] == e["fields"]["rq"]),
                   None)
        offset = base + e["fields"]["sector"] * 512
        t0 = origin + e["t_ns"]
        t1 = origin + end["t_ns"] if end else 0
        inside += any(t0 < s[0] and s[1] < t1 and s[2] == offset and s[3] == 8192 for s in served)
    check(inside == len(issues), "%s: the disk served %d of them between issue and completion"
          % (vm, inside))

sync = json.load(open(work + "/sync.json"))
text = json.dumps(sync)
violations = sum(int(n) for n in re.findall(r'"(?:io|causality)_violations": (\d+)', text))
check(violations == 0, "no causality violation")
# An interrupt that falls between the two halves of a sub-buffer's switch has no
# room to go to: its records are dropped and counted, by design.  Nothing else is.
manifest = json.load(open(work + "/t.ivt/manifest.json"))
nested = 0
for machine in manifest["machines"]:
    for stream in machine["streams"]:
        where = machine["dir"] + " " + stream["file"]
        check(stream["lost_full"] == 0 and stream["lost_big"] == 0, where + ": no record dropped for room")
        check(stream["violations"] == 0 and stream["refused_bytes"] == 0, where + ": none refused")
        nested += stream["lost_nested"]
check(nested <= 20, "at most a few records inside sub-buffer switches (%d)" % nested)
host = {e["name"] for e in events if e["machine"] == "host"}
for name in ("sched_switch", "sched_waking", "block_rq_issue", "block_rq_complete", "irq_softirq_entry"):
    check(name in host, "host: has " + name)
for vm in "ab":
    names = {e["name"] for e in events if e["machine"] == vm}
    for name in ("sched_switch", "sched_waking", "sched_process_fork", "sched_process_exec",
                 "sched_process_exit", "irq_handler_entry", "irq_handler_exit", "irq_softirq_entry",
                 "irq_softirq_exit", "block_rq_issue", "block_rq_complete",
                 "lttng_statedump_process_state", "syscall_entry_pwrite64"):
        check(name in names, "%s: has %s" % (vm, name))
sys.exit(1 if failures else 0)
