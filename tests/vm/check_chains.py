#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""For driver_records_call_chains.sh.

check_chains.py PROGRAM EVENTS GARBAGE	hold the call chains in EVENTS (ivtrace-report events
	--json) against the functions of PROGRAM and against what GARBAGE says of each call
"""
import json
import subprocess
import sys
from collections import defaultdict

SYSCALL = "syscall_entry_getpriority"
TYPES = {SYSCALL: 0x1000 + 140, "sched_switch": 16, "x86_exceptions_page_fault_user": 144,
         "x86_exceptions_page_fault_kernel": 145}
UNTOUCHED = 0x7F0000000000
RETURN_TO = 0x401234
MAX_IPS = 64


def functions(program):
    """[(first address, behind the last, name)]"""
    ret = []
    for line in subprocess.check_output(["nm", "-S", program], text=True).splitlines():
        words = line.split()
        if len(words) == 4:
            start = int(words[0], 16)
            ret.append((start, start + int(words[1], 16), words[3]))
    return ret


def names_of(ips, table):
    return [next((name for a, b, name in table if a <= ip < b), hex(ip)) for ip in ips]


def need(condition, text):
    if not condition:
        sys.exit("FAIL: " + text)


def number(value):
    return value if isinstance(value, int) else int(value, 0)


def read(path):
    """Events in order, and (event, its chain or None) of those of each task."""
    events = [json.loads(line) for line in open(path, encoding="utf-8")]
    last, chains, n_chains = {}, [], 0
    for ev in events:
        if ev["name"] == "ivtrace_user_stack":
            n_chains += 1
            key = (ev["machine"], ev["tid"], ev["fields"]["event"])
            need(key in last, f"a chain behind no event: {ev}")
            last.pop(key)[1] = [number(ip) for ip in ev["fields"]["ips"]]
        if ev["name"] in TYPES:
            chains.append([ev, None])
            last[(ev["machine"], ev["tid"], TYPES[ev["name"]])] = chains[-1]
    return events, chains, n_chains


def check_calls(chains, table, garbage):
    """chain-calls frames, then chain-calls garbage"""
    by_task = defaultdict(list)
    for ev, ips in chains:
        if ev["name"] == SYSCALL:
            by_task[ev["tid"]].append((ev, ips))
    need(len(by_task) == 2, f"calls of {len(by_task)} tasks")
    frames, odd = (by_task[tid] for tid in sorted(by_task))
    need(len(frames) == 100, f"{len(frames)} calls with frames")
    for _, ips in frames:
        need(ips is not None, "a call without a chain")
        names = names_of(ips[:4], table)
        need(names == ["inner", "middle", "outer", "main"], f"chain {names}")
    need(len(odd) == len(garbage), f"{len(odd)} calls with garbage, not {len(garbage)}")
    for (_, ips), (n, want) in zip(odd, garbage):
        need(ips is not None and len(ips) == want, f"garbage {n}: {ips}, not {want} ips")
        need(names_of(ips[:1], table) == ["call_with"], f"garbage {n}: first is {ips[0]:x}")
        need(ips[1:] == [RETURN_TO + i for i in range(want - 1)] or want == 2 and ips[1] == RETURN_TO,
             f"garbage {n}: {ips}")
    print(f"ok: {len(frames)} chains inner, middle, outer, main; {len(odd)} of garbage end in time")


def check_switches(events, chains, table):
    kernel = {ev["fields"]["tid"] for ev in events
              if ev["name"] == "lttng_statedump_process_state" and ev["fields"]["type"] == 1}
    need(len(kernel) > 10, "no kernel threads in the state dump")
    n_asleep = n_kernel = 0
    for ev, ips in chains:
        if ev["name"] != "sched_switch":
            continue
        if ev["tid"] in kernel or not ev["tid"]:
            need(ips is None, f"a kernel thread has a call chain: {ev} {ips}")
            n_kernel += 1
        elif ev["fields"]["prev_comm"] == "sleeper" and ips and "inner" in names_of(ips[:1], table):
            need(names_of(ips[:4], table) == ["inner", "middle", "outer", "main"], f"{ips}")
            n_asleep += 1
    need(n_kernel > 10, f"only {n_kernel} switches from kernel threads")
    need(n_asleep > 10, f"only {n_asleep} chains of a sleeping program")
    print(f"ok: {n_asleep} chains of a program that sleeps, none of {n_kernel} switches in the kernel")


def main():
    program, path, said = sys.argv[1:]
    table = functions(program)
    garbage = [tuple(map(int, line.split())) for line in open(said, encoding="ascii")]
    events, chains, n_chains = read(path)
    check_calls(chains, table, garbage)
    check_switches(events, chains, table)
    faults = [number(ev["fields"]["address"]) for ev in events
              if ev["name"] == "x86_exceptions_page_fault_kernel"]
    need(UNTOUCHED not in faults, "a fault of the driver's own is in the trace")
    longest = max(len(ips) for _, ips in chains if ips)
    need(longest == MAX_IPS, f"the longest chain has {longest}")
    print(f"ok: {n_chains} chains, {len(faults)} faults in the kernel, none of them ours")


main()
