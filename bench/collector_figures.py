# SPDX-License-Identifier: GPL-2.0-or-later
"""collector_figures.py FOLDER: what collector.sh left there, as the lines of JSON that
bench.h describes."""
import glob
import json
import re
import subprocess
import sys

import figures

work = sys.argv[1]


def version(command, pattern):
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "none"
    found = re.search(pattern, said.stdout + said.stderr)
    return found.group(1) if found else "unknown"


VERSIONS = {"kernel": version(["uname", "-r"], r"(\S+)"),
            "qemu": version(["qemu-system-x86_64", "--version"], r"version (\S+)"),
            "trace_cmd": version(["trace-cmd", "--version"], r"version (\S+)")}


def lines_of(name):
    with open(f"{work}/{name}", encoding="utf-8") as file:
        return [line.split() for line in file]


def report(metric, unit, values, versus=None, digits=3, more=None, note=""):
    figures.report("collector", metric, unit, values, versus, digits, VERSIONS | (more or {}), note)


def attempted(name):
    """What each guest's driver attempted so far."""
    return {words[0]: sum(map(int, words[2:6])) for words in lines_of(name)}


def account(name, more):
    before, after = attempted(name + ".before"), attempted(name + ".after")
    with open(f"{work}/{name}.json", encoding="utf-8") as file:
        machines = {m["name"]: m for m in json.load(file)["machines"] if m["kind"] == "guest"}
    missing, records, lost = [], 0, 0
    for vm in after:
        m = machines[vm]
        missing.append(abs(after[vm] - before[vm] - m["records"] - m["lost"]))
        records += m["records"]
        lost += m["lost"]
        if not m["records"]:
            sys.exit(f"collector: {vm} has no records in {name}")
    n_vms, load = more["vms"], more["load"]
    report(f"unaccounted_records.{load}.{n_vms}_vms", "records", [sum(missing)],
           more=more | {"events": records, "lost": lost}, note=f"  of {records}, {lost} lost")


def seconds_of(path):
    """Per second that was watched: p50, p99 and max in ms, and how many records."""
    rows = []
    for words in lines_of(path):
        if words[0] == "before_its_event" and words[1] != "0":
            sys.exit(f"collector: {path}: {words[1]} records were seen before they were written")
        if words[0] not in ("before_its_event", "skipped"):
            rows.append([float(word) for word in words])
    return rows


def latency(path, metric, more=None):
    """@metric: with {} where the percentile's name goes."""
    rows = seconds_of(path)
    if not rows:
        print(json.dumps({"bench": "collector", "metric": metric.format("p99"),
                          "skipped": "no record appeared while it was watched",
                          "machine": figures.machine()}))
        return
    for i, what in enumerate(("p50", "p99", "max")):
        report(metric.format(what), "ms", [row[i] for row in rows],
               more=(more or {}) | {"events": int(sum(row[3] for row in rows))})


def vms():
    names = [re.fullmatch(r".*/(vms-(\d+)-(\w+))\.cpu", path).groups()
             for path in glob.glob(work + "/vms-*.cpu")]
    for name, n_vms, load in sorted(names, key=lambda x: (int(x[1]), x[2] == "busy")):
        more = {"vms": int(n_vms), "load": load}
        report(f"host_cpu_percent.{load}.{n_vms}_vms", "percent",
               [float(words[0]) for words in lines_of(name + ".cpu")], more=more)
        report(f"idle_cpu_percent.{load}.{n_vms}_vms", "percent",
               [float(words[1]) for words in lines_of(name + ".cpu")], more=more)
        account(name, more)
        if load == "busy":
            latency(name + ".visible", f"latency_{{}}_ms.{n_vms}_vms", more)


def costs(what, rival):
    """The CPU time of recorders per million records, ours beside @rival's."""
    cost, lost = {}, {}
    for words in lines_of(what + ".costs"):
        if len(words) != 4 or int(words[2]) == 0:
            sys.exit(f"collector: {what}: {' '.join(words)}: no records")
        cost.setdefault(words[0], []).append(int(words[1]) * 1e6 / int(words[2]))
        lost[words[0]] = lost.get(words[0], 0) + int(words[3])
    for name, values in cost.items():
        versus = (rival, cost[rival]) if name != rival else None
        report(f"cpu_us_per_million_records.{what}.{name}", "us", values, versus, 0,
               {"lost": lost[name], "events": "all"} if lost[name] else None)


for kind, other in (("host", "trace-cmd"), ("user", "lttng-consumerd")):
    if glob.glob(f"{work}/{kind}.costs"):
        costs(kind, other)
if glob.glob(f"{work}/follow.lag"):
    latency("follow.lag", "follow_lag_{}_ms")
vms()
