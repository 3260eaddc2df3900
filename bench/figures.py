# SPDX-License-Identifier: GPL-2.0-or-later
"""What the scripts that work out figures share: the line of JSON per metric that bench.h
describes, with one for people on standard error."""
import json
import os
import statistics
import sys


def machine():
    """As bench_machine() of bench.h."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
        info = dict(line.split(":", 1) for line in f if ":" in line)
    info = {key.strip(): value.strip() for key, value in info.items()}
    virtual = ", virtual machine" if "hypervisor" in info.get("flags", "").split() else ""
    return f"{info.get('model name', 'unknown CPU')}, {os.sysconf('SC_NPROCESSORS_ONLN')} CPUs{virtual}"


def report(bench, metric, unit, values, versus=None, digits=1, more=None, note=""):
    """One metric; @versus: (name, its values), measured with @values, one by one.  @more
    goes into the line, @note is for people."""
    median = statistics.median(values)
    line = {"bench": bench, "metric": metric, "unit": unit, "value": round(median, digits),
            "vs": None, "vs_value": None, "ratio": None}
    beside = ""
    if versus:
        ratio = statistics.median(a / b for a, b in zip(values, versus[1]))
        line |= {"vs": versus[0], "vs_value": round(statistics.median(versus[1]), digits),
                 "ratio": round(ratio, 3)}
        beside = f"  {ratio:.3g} x {versus[0]}"
    line |= {"runs": len(values), "min": round(min(values), digits),
             "median": round(median, digits), "max": round(max(values), digits),
             "machine": machine()} | (more or {})
    print(json.dumps(line, separators=(",", ":")))
    print(f"  {metric:48} {median:9.1f} {unit}  [{min(values):.1f} .. {max(values):.1f}]"
          f"{note}{beside}", file=sys.stderr)
