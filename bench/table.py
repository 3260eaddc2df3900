#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""table.py [--into PAGE.md[#NAME]] FILE.jsonl...: what `make bench OUT=FILE.jsonl` wrote,
held against the goals, then all of it, as Markdown; with --into in the place of what
stands between the page's two lines <!-- figures --> (<!-- figures NAME -->) and
<!-- /figures -->."""
import json
import re
import sys

# The bench, what is said of a metric, which number of its line, and what that must be.
GOALS = [
    ("ring", "a 32-byte record, above a bare rdtsc, serialised",
     "ns_per_record.above_rdtsc.ivring", None, "value", "<=", 5),
    ("ring", "the same in overwrite mode", "ns_per_record.above_rdtsc.overwrite",
     None, "value", "<=", 5),
    ("ring", "records that a reader on the other core takes", "records_per_s.saturated.ivring",
     None, "value", ">=", 80e6),
    ("drain", "drain into a file, against write() of the same bytes", "bytes_per_s.file.drain",
     "write", "ratio", ">=", 0.9),
    ("drain", "drain into tmpfs, against write()", "bytes_per_s.tmpfs.drain",
     "write", "ratio", ">=", 0.9),
    ("idle", "512 idle rings of a VM, swept at 1 kHz, of a core", "core_at_1khz.1x512.host",
     None, "value", "<=", 0.1),
] + [
    ("ring", f"a record, against {what}", "ns_per_record.back_to_back.ivring", rival,
     "ratio", "<", 1)
    for rival, what in (("bpf_ringbuf", "the BPF ring buffer"), ("ftrace", "an ftrace event"),
                        ("ftrace_tsc", "an ftrace event with the TSC as clock"),
                        ("lttng_ust", "LTTng-UST"),
                        ("lttng_ust_overwrite", "LTTng-UST in overwrite mode"))
] + [
    ("guest", f"{what} in a guest, instructions, against {rival}",
     f"instructions_per_event.{events}.ivtrace", rival, "ratio", "<=", bound)
    for events, what in (("syscall", "a system call's event"), ("switch", "a task switch"))
    for rival, bound in (("ftrace", 1 / 3), ("lttng-modules", 1 / 2))
] + [
    ("guest", "VM exits that an event in a guest adds", "exits_per_event.calls", None, "value",
     "<", 0.01),
    ("collector", "a record is in its file, 99 % of them, 100 busy VMs", "latency_p99_ms.100_vms",
     None, "value", "<=", 100),
    ("collector", "attempted, neither recorded nor counted, 100 busy VMs",
     "unaccounted_records.busy.100_vms", None, "value", "<=", 0),
    ("collector", "recording the host's events, CPU time, against trace-cmd",
     "cpu_us_per_million_records.host.ivtrace", "trace-cmd", "ratio", "<=", 1),
    ("collector", "taking a program's events, CPU time, against LTTng's consumer",
     "cpu_us_per_million_records.user.ivtrace", "lttng-consumerd", "ratio", "<=", 1),
    ("collector", "a live reader prints a record, 99 % of them", "follow_lag_p99_ms", None,
     "value", "<=", 200),
]
IS_MET = {"<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b, "<": lambda a, b: a < b}


def number(value, unit):
    """With its unit, three or four digits."""
    unit = {"percent": "%", "1/s": "/s"}.get(unit, unit)
    if unit == "instructions" and abs(value) >= 1e6:
        return f"{value / 1e6:.3g} M {unit}"
    if unit in ("B/s", "/s"):
        factor, prefix = next(((f, p) for f, p in ((1e9, "G"), (1e6, "M"), (1e3, "k"))
                               if abs(value) >= f), (1, ""))
        return f"{value / factor:.3g} {prefix}{unit}"
    if unit == "ns" and abs(value) >= 10000:
        return f"{value / 1000:.3g} us"
    return f"{value:.{3 if abs(value) < 100 else 4}g} {unit}"


def spread(line):
    low, high = (number(line[key], line["unit"]) for key in ("min", "max"))
    return f"{low.split()[0] if low.split()[1] == high.split()[1] else low} .. {high}"


def goal_row(lines, what, metric, versus, key, relation, bound):
    line = next((x for x in lines if x["metric"] == metric and x.get("vs") == versus and "value" in x),
                None)
    if not line:
        return [what, "-", "-", "", ""]
    if key == "ratio":
        wanted, figure = f"{bound:.3g}", f"{line[key]:.3g}"
        beside = " : ".join(number(line[k], line["unit"]) for k in ("value", "vs_value"))
    else:
        wanted, figure, beside = number(bound, line["unit"]), number(line[key], line["unit"]), spread(line)
    verdict = "yes" if IS_MET[relation](line[key], bound) else "**no**"
    return [what, f"{relation} {wanted}", f"**{figure}**", beside, verdict]


def row(line):
    name = f"`{line['bench']}` {line['metric']}"
    if line.get("lost"):
        name += f" (**{line['lost']} lost**, {line['events']} recorded)"
    if "skipped" in line:
        return [name, "-", "-", f"skipped: {line['skipped']}", ""]
    versus, ratio = "", ""
    if line["vs"]:
        versus = f"{line['vs']} {number(line['vs_value'], line['unit'])}"
        ratio = f"{line['ratio']:.3g}"
    return [name, number(line["value"], line["unit"]), spread(line), versus, ratio]


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for cells in rows:
        yield "| " + " | ".join(cells) + " |"


def page(lines):
    machines = "; ".join(sorted({line["machine"] for line in lines}))
    measured = {line["bench"] for line in lines}
    runs = ", ".join(str(n) for n in sorted({line["runs"] for line in lines if "runs" in line}))
    yield f"{machines}. Medians of {runs} runs.\n"
    yield from table(("goal", "wanted", "measured", "range, or both figures", "met"),
                     (goal_row(lines, *goal) for bench, *goal in GOALS if bench in measured))
    yield ""
    yield from table(("what", "median", "range", "compared with", "ratio"), map(row, lines))


def main():
    args = sys.argv[1:]
    into = args[1] if args and args[0] == "--into" else None
    into, _, place = (into or "").partition("#")
    lines = []
    for path in args[2 if into else 0:]:
        with open(path, encoding="utf-8") as file:
            lines += [json.loads(text) for text in file]
    text = "\n".join(page(lines)) + "\n"
    if not into:
        print(text, end="")
        return
    with open(into, encoding="utf-8") as file:
        old = file.read()
    begin = f"<!-- figures {place} -->" if place else "<!-- figures -->"
    new, n = re.subn(rf"(?s)({begin}\n).*?(<!-- /figures -->)",
                     lambda m: m.group(1) + "\n" + text + "\n" + m.group(2), old)
    if n != 1:
        sys.exit(f"table.py: {into} has no '{begin}'")
    with open(into, "w", encoding="utf-8") as file:
        file.write(new)


main()
