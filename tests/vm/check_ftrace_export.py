#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""For driver_exports_ftrace*.sh.

check_ftrace_export.py match JSONL TRACE INSTANCE	hold what ivtrace-report says against ftrace's text
check_ftrace_export.py reuse JSONL IDS	two kprobes, the second perhaps with the first one's number
check_ftrace_export.py none JSONL	nothing of ftrace is there
"""
import json
import re
import sys
from collections import Counter

# our name: (what ftrace's line begins with, what it says of the fields)
SHAPES = {
    "kprobes:ivt_open": ("ivt_open: ", r'\(\w+\S*\) dfd=(?P<dfd>-?\d+) name="(?P<name>[^"]*)" '
                                       r"pair=\{(?P<pair>[^}]*)\}"),
    "uprobes:ivt_up": ("ivt_up: ", r'\((?P<__probe_ip>0x\w+)\) number=(?P<number>-?\d+) text="(?P<text>[^"]*)"'),
    "syscalls:sys_enter_openat": ("sys_openat(", r"dfd: (?P<dfd_x>\w+), filename: (?P<filename_x>\w+).*"
                                                 r"flags: (?:(?P<flags_x>[0-9a-f]+)|[A-Z_|]+)\b"),
    "syscalls:sys_exit_openat": ("sys_openat -> ", r"(?P<ret_x>\w+)"),
    "syscalls:sys_enter_write": ("sys_write(", r"fd: (?P<fd_x>\w+), buf: (?P<buf_x>\w+).*count: (?P<count_x>\w+)\)"),
    "sched:sched_process_exec": ("sched_process_exec: ", r"filename=(?P<filename>\S*) pid=(?P<pid>\d+) "
                                                         r"old_pid=(?P<old_pid>\d+)"),
    "sched:sched_process_fork": ("sched_process_fork: ", r"comm=(?P<parent_comm>.*) pid=(?P<parent_pid>\d+) "
                                                         r"child_comm=(?P<child_comm>.*) child_pid=(?P<child_pid>\d+)"),
    "sched:sched_process_exit": ("sched_process_exit: ", r"comm=(?P<comm>.*) pid=(?P<pid>\d+) prio=(?P<prio>\d+)"),
    "irq:softirq_entry": ("softirq_entry: ", r"vec=(?P<vec>\d+)"),
    "ftrace:print": ("tracing_mark_write: ", r"(?P<buf>.*)"),
}
LINE = re.compile(r"^\s*(.+)-(\d+)\s+\[(\d+)\]\s+(\S+)\s+(\d+): (.*)$")

failures = []


def check(ok, text):
    print(("ok    " if ok else "WRONG ") + text)
    if not ok:
        failures.append(text)


def read_ours(path):
    return [json.loads(line) for line in open(path)]


def is_of_ftrace(e):
    return ":" in e["name"] or e["name"] in ("ivtrace_ftrace", "ivtrace_format")


def read_trace(path):
    events = []
    for line in open(path, errors="replace"):
        assert "LOST" not in line, "ftrace itself lost events"
        m = LINE.match(line)
        if not m:
            continue
        for name, (begin, shape) in SHAPES.items():
            if m[6].startswith(begin):
                fields = re.match(shape, m[6][len(begin):])
                assert fields, "no shape fits: " + line
                events.append({"tid": int(m[2]), "cpu": int(m[3]), "tsc": int(m[5]), "name": name,
                               "fields": fields.groupdict(), "line": line.strip()})
                break
        else:
            assert False, "an event that was not enabled: " + line
    return events


def is_same(key, text, fields):
    """One field of ftrace's text; a name in _x is printed as the register had it, in
    hex, by later kernels in decimal or (None) in words."""
    if key.endswith("_x"):
        value = fields[key[:-2]]
        value = int(value, 16) if isinstance(value, str) else value
        numbers = [int(text, base) for base in (16, 10) if text and (base == 16 or text.isdecimal())]
        return not text or any(value == n or value < 0 and value % (1 << 32) == n % (1 << 32) for n in numbers)
    value = fields[key]
    if isinstance(value, list):
        return value == [int(item, 16) for item in text.split(",")]
    if isinstance(value, int):
        return value == int(text)
    return value == text or (value.startswith("0x") and int(value, 16) == int(text, 16))


def match_one(cpu, name, ftrace, ours):
    wrong = [f["line"] + "\n      " + str(e) for f, e in zip(ftrace, ours)
             if f["name"] != e["name"] or f["tid"] != e["tid"] or
             not all(is_same(key, text, e["fields"]) for key, text in f["fields"].items())]
    for text in wrong[:3]:
        print("      " + text)
    check(not wrong and len(ftrace) == len(ours), "CPU %d, %s: %d events of ftrace, %d records, the same in "
          "the same order" % (cpu, name, len(ftrace), len(ours)))


def cmd_match(jsonl, *traces):
    ours = [e for e in read_ours(jsonl) if is_of_ftrace(e)]
    formats = [e for e in ours if e["name"] == "ivtrace_format"]
    raw = [e for e in ours if e["name"] == "ivtrace_ftrace"]
    check(not raw, "each event has its name (%d have not) %s" % (len(raw), raw[:2]))
    ours = [e for e in ours if ":" in e["name"]]
    ftrace = sorted(sum(map(read_trace, traces), []), key=lambda e: e["tsc"])
    for cpu in sorted({e["cpu"] for e in ftrace} | {e["cpu"] for e in ours}):
        # an interrupt may come between ftrace's stamp and the record's
        for what in (True, False):
            match_one(cpu, "in interrupts" if what else "in tasks",
                      [e for e in ftrace if e["cpu"] == cpu and (e["name"] == "irq:softirq_entry") == what],
                      [e for e in ours if e["cpu"] == cpu and (e["name"] == "irq:softirq_entry") == what])
    seen = Counter(e["name"] for e in ours)
    check(set(seen) == set(SHAPES), "every shape was there %s" % (sorted(set(SHAPES) - set(seen)) or ""))
    check(seen["uprobes:ivt_up"] == 20 and seen["ftrace:print"] == 4, "20 calls of a program, 4 markers")
    check(not [e for e in ours if any(key.startswith("common_") for key in e["fields"])],
          "what all entries have is not repeated")
    print("      types: " + ", ".join("%s %d" % item for item in sorted(seen.items())))
    ids = Counter(e["fields"]["id"] for e in formats)
    check(max(ids.values(), default=0) == 1, "each format was sent once (%d formats)" % len(formats))


def cmd_reuse(jsonl, path):
    ids = list(map(int, open(path).read().split()))
    ours = read_ours(jsonl)
    of = {name: [e for e in ours if e["name"] == "kprobes:" + name] for name in ("ivt_one", "ivt_two")}
    raw = [e for e in ours if e["name"] == "ivtrace_ftrace"]
    is_reused = ids[0] == ids[1]
    print("      numbers %d and %d%s" % (*ids, "" if is_reused else ": this kernel does not give them again at once"))
    check(len(of["ivt_one"]) >= 12 and all(list(e["fields"])[-1] == "name" and e["fields"]["name"] for e in of["ivt_one"]),
          "%d events of the first kprobe have its fields" % len(of["ivt_one"]))
    check(len(of["ivt_two"]) >= (1 if is_reused else 12) and
          all(e["fields"]["dfd"] == -100 and e["fields"]["twice"] == -100 for e in of["ivt_two"]),
          "%d events of the second have its own" % len(of["ivt_two"]))
    check(all(a["t_ns"] < of["ivt_two"][0]["t_ns"] for a in of["ivt_one"]), "and they come later")
    if is_reused:
        check({e["fields"]["why"] for e in raw} <= {"format changed"} and
              all(e["fields"]["id"] == ids[0] for e in raw),
              "%d between the two are given as bytes" % len(raw))
        last = of["ivt_one"][-1]["t_ns"]
        check(all(last < e["t_ns"] < of["ivt_two"][0]["t_ns"] for e in raw[-1:]),
              "the last of these was before the second's first")
    else:
        check(not raw, "each event has its name %s" % raw[:2])


def cmd_none(jsonl):
    found = Counter(e["name"] for e in read_ours(jsonl) if is_of_ftrace(e))
    check(not found, "nothing of ftrace where it was not asked for %s" % dict(found))


def main():
    command, *rest = sys.argv[1:]
    {"match": cmd_match, "reuse": cmd_reuse, "none": cmd_none}[command](*rest)
    sys.exit(1 if failures else 0)


main()
