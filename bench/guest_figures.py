#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""guest_figures.py FILE...: what bench/guest/part wrote (NAME.figures), or the scenario
kvm-exits (exits.tsv), as the lines of JSON that bench.h describes, with two more keys
where a tracer recorded: the events of a run, and the most that a run lost."""
import collections
import statistics
import sys

from figures import report

RIVALS = ("ftrace", "ftrace-tsc", "trace-cmd", "lttng-modules")
EVENTS_OF_ONE = {"syscall": 2, "switch": 2}  # of a call, of a round trip

Run = collections.namedtuple("Run", "work stored recorded lost")


def read(path):
    """{(events, kind): {tracer: ([empty runs], [(n, run)])}}"""
    table = collections.defaultdict(lambda: collections.defaultdict(lambda: ([], [])))
    with open(path, encoding="ascii") as file:
        for tracer, events, kind, n, *numbers in map(str.split, file):
            empty, full = table[events, kind][tracer]
            run = Run(*map(int, numbers))
            if int(n):
                full.append((int(n), run))
            else:
                empty.append(run)
    return table


def stored(tracers, empties, name):
    """Instructions of each run until the data is stored, less those of an empty session."""
    base = statistics.median(run.stored for run in empties[name][0])
    return [run.stored - base for _, run in tracers[name][1]]


def report_costs(metric, unit, tracers, costs, is_compared=True):
    """@costs: {tracer: values}; ours can be compared with each rival's."""
    for name, values in costs.items():
        runs = [run for _, run in tracers[name][1]]
        counts = {"events": statistics.median_high(run.recorded for run in runs),
                  "lost": max(run.lost for run in runs)}
        lost = f", {counts['lost']} LOST" if counts["lost"] else ""
        is_ours = is_compared and name.startswith("ivtrace")
        for rival in [r for r in RIVALS if is_ours and r in costs] or [None]:
            report("guest", f"{metric}.{name}", unit, values, rival and (rival, costs[rival]),
                   digits=3, more=counts, note=f"  {counts['events']} events{lost}")


def per_event(tracers, events):
    n, off = tracers["off"][1][0][0] * EVENTS_OF_ONE[events], tracers["off"][1]
    plain = {"": [run.work for _, run in off], "_stored": stored(tracers, tracers, "off")}
    for suffix, bases in plain.items():
        costs = {}
        for name in tracers:
            if name == "off":
                continue
            works = [run.work for _, run in tracers[name][1]] if not suffix else \
                stored(tracers, tracers, name)
            costs[name] = [(work - base) / n for work, base in zip(works, bases)]
        report_costs(f"instructions_per_event{suffix}.{events}", "instructions", tracers, costs)


def overhead(tracers, kind, empties):
    plain = stored(tracers, empties, "off")
    report("guest", f"instructions.{kind}.off", "instructions", plain)
    report_costs(f"overhead_percent.{kind}", "percent", tracers, {
        name: [100 * (with_it / base - 1)
               for with_it, base in zip(stored(tracers, empties, name), plain)]
        for name in tracers if name != "off"}, is_compared=False)


def instructions(path):
    table = read(path)
    empties = next((tracers for (events, _), tracers in table.items()
                    if events == "all" and all(empty for empty, _ in tracers.values())), None)
    for (events, kind), tracers in table.items():
        if not tracers["off"][1]:
            continue # another kind's empty sessions
        if events == "all":
            overhead(tracers, kind, empties)
        else:
            per_event(tracers, events)


def exits(path):
    """@path: lines STATE KIND N EXITS, of which some are of no work: those are what time
    takes, the rest is the work's.  A recorded call is two records, an entry and an exit."""
    counts = collections.defaultdict(list)
    works = {}
    with open(path, encoding="ascii") as file:
        for state, kind, n, number in map(str.split, file):
            counts[state, kind, int(n)].append(int(number))
            works[kind] = max(int(n), works.get(kind, 0))
    per_one = {}
    for state in ("plain", "recorded"):
        none = counts[state, "calls", 0]
        report("guest", f"exits.nothing.{state}", "exits", none)
        for kind, n in works.items():
            per_one[state, kind] = [(count - statistics.median(none)) / n
                                    for count in counts[state, kind, n]]
            report("guest", f"exits.{kind}.{state}", "exits", per_one[state, kind], digits=4)
    plain = statistics.median(per_one["plain", "calls"])
    report("guest", "exits_per_event.calls", "exits",
           [(recorded - plain) / 2 for recorded in per_one["recorded", "calls"]], digits=5)


def main():
    for path in sys.argv[1:]:
        (exits if path.endswith(".tsv") else instructions)(path)


main()
