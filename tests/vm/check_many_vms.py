#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""check_many_vms.py FOLDER PREFIX N CALLS: hold the trace of
many_vms_are_all_accounted_for.sh against what the guests' drivers counted."""
import json
import sys
from collections import defaultdict

work, prefix, n_vms, n_calls = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
failures = []


def check(ok, text):
    if not ok:
        failures.append(text)
        print("WRONG " + text)


with open(work + "/summary.json", encoding="utf-8") as file:
    machines = {m["name"]: m for m in json.load(file)["machines"]}
with open(work + "/drivers", encoding="utf-8") as file:
    # name, state, records, lost_big, lost_full, lost_nested
    drivers = {words[0]: words[1:] for words in map(str.split, file)}
numbers = defaultdict(list)
with open(work + "/calls.jsonl", encoding="utf-8") as file:
    for event in map(json.loads, file):
        numbers[event["machine"]].append(int(str(event["fields"]["who"]), 0))

names = [prefix + str(i) for i in range(1, n_vms + 1)]
check(sorted(drivers) == sorted(names), f"{len(drivers)} guests told what they counted")
recorded_all = lost_all = 0
for i, name in enumerate(names, 1):
    machine = machines.get(name, {"records": 0, "lost": 0, "refused_bytes": 0})
    state, *counts = drivers.get(name, ["none", 0, 0, 0, 0])
    records, big, full, nested = map(int, counts)
    attempted = records + big + full + nested
    check(state == "idle", f"{name}: its driver is {state}")
    check(machine["records"] > 4 * n_calls, f"{name}: {machine['records']} records")
    check(attempted == machine["records"] + machine["lost"],
          f"{name}: {attempted} attempted, {machine['records']} recorded and {machine['lost']} lost")
    # An interrupt between the two halves of a sub-buffer's switch is dropped, by design.
    check(big + full == 0 and nested <= 20, f"{name}: {full} lost for room, {nested} nested, {big} big")
    check(machine["refused_bytes"] == 0, f"{name}: {machine['refused_bytes']} bytes refused")
    first = i * 1000000
    check(numbers[name] == list(range(first, first + n_calls)),
          f"{name}: {len(numbers[name])} of its {n_calls} numbered calls, in order, nobody else's")
    recorded_all += machine["records"]
    lost_all += machine["lost"]
check("host" not in numbers, "no calls of the host")
print(f"{n_vms} VMs: {recorded_all} records, {lost_all} lost, {len(failures)} things wrong")
sys.exit(1 if failures else 0)
