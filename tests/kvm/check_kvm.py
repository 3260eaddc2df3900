#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What every recording of a KVM host must hold, and what a scenario adds to it."""
import argparse
import json
import os
import re
import struct
import subprocess
import sys

CLOCK = 2  # kind of record in sync.bin
SOURCES = {0: "bpf", 1: "stap", 2: "debugfs", 3: "tcg", 4: "handshake"}
failures = 0


def check(ok, text):
    global failures
    print(("ok    " if ok else "WRONG ") + text)
    failures += not ok


def report(args, *command):
    text = subprocess.run([args.report, *command, args.trace], check=True, stdout=subprocess.PIPE).stdout
    return text.decode()


def clocks(trace):
    """[(qemu's pid, vcpu, source, from_host_tsc, offset, ratio, bound)] in the order of sync.bin."""
    machines = json.load(open(trace + "/manifest.json"))["machines"]
    data = open(trace + "/sync.bin", "rb").read()
    for at in range(64, len(data) - 63, 64):
        kind, source, machine, vcpu, _, begin, offset, ratio, _, _, bound = struct.unpack_from(
            "<HHIIIQqQQQQ", data, at)
        if kind == CLOCK:
            pid = machines[machine].get("qemu", {}).get("pid")
            yield pid, vcpu, SOURCES.get(source & 0x7FFF), begin, offset, ratio, bound


def check_summary(args, summary):
    for m in summary["machines"]:
        check(m["refused_bytes"] == 0, "%s: %s bytes refused" % (m["name"], m["refused_bytes"]))
        if m["kind"] == "guest" and m["name"] not in args.may_lose:
            # An interrupt inside a sub-buffer's switch is dropped and counted, by design.
            check(m["lost"] <= 20, "%s: %s records lost" % (m["name"], m["lost"]))
    check(not summary["warnings"] and summary["closed"], "no warnings: %s" % summary["warnings"])


def check_vcpu(args, name, v, tsc_hz):
    who = "%s/%s" % (name, v["vcpu"])
    if not v["records"]:
        return
    check(v["source"] == args.source, "%s: clock from %s, %s entries" % (who, v["source"], v["entries"]))
    check(v["error_ns"] <= args.error_ns, "%s: error %s ns" % (who, v["error_ns"]))
    check(v["outside"] == 0, "%s: %s of %s records outside their vCPU's runs, by %s ns at most" %
          (who, v["outside"], v["records"], v["worst_outside_ns"]))
    if v["handshake_lo"] is not None:
        # The emulated host's lfence orders nothing: its clock may be read early (docs/time.md).
        error = v["error_ns"] * tsc_hz / 1e9 + 256
        check(v["handshake_lo"] - error <= v["offset"] <= v["handshake_hi"] + error,
              "%s: handshakes allow %s .. %s ticks from the offset" %
              (who, v["handshake_lo"] - v["offset"], v["handshake_hi"] - v["offset"]))


def check_sync(args, sync):
    for vm in sync["vms"]:
        for v in vm["vcpus"]:
            check_vcpu(args, vm["name"], v, sync["tsc_hz"])
    for name, m in sync["machines"].items():
        # Where a polled clock's entries do not meet, a few may be: counted, moved up.
        few = m["records"] // 100 if m["error_ns"] else 0
        check(m["backward"] <= few, "%s: %s records before their predecessor, at most %s" %
              (name, m["backward"], few))
        check(not m["disk_violations"], "%s: %s of %s disk requests outside their cause" %
              (name, m["disk_violations"], m["disk_links"]))
        if m["kind"] == "guest" and m["records"]:
            check(m["checked"] > 0, "%s: %s of %s records held against their vCPU's runs" %
                  (name, m["checked"], m["records"]))
    for text in args.entries:
        name, least = text.split("=")
        n = sync["machines"].get(name, {"offsets": 0})["offsets"]
        check(n >= int(least), "%s: %s offsets, at least %s" % (name, n, least))


def check_marks(args):
    """Each of marker's numbered calls, in order of the host's time, none twice.  Where a
    clock states an error of seconds, no order is claimed between two vCPUs."""
    if not args.marks:
        return
    seen = {}
    for line in report(args, "events", "--json", "--name", "syscall_entry_getpriority").splitlines():
        e = json.loads(line)
        seen.setdefault(e["machine"], []).append(int(str(e["fields"]["who"]), 0))
    for text in args.marks:
        names, (first, last) = text.split("=")[0].split("+"), text.split("=")[1].split("-")
        by_vm = [[n for n in seen.get(name, []) if n >= int(first)] for name in names]
        calls = [n for part in by_vm for n in part if n <= int(last or n)]
        is_ordered = args.error_ns < 1000000000
        if not is_ordered:
            calls.sort()
        last = int(last or max(calls, default=0))
        steps = [b - a for a, b in zip([int(first) - 1] + calls, calls + [last + 1])]
        missing = [step - 1 for step in steps if step != 1]
        check(all(by_vm) and min(steps) > 0 and len(missing) < len(names) and sum(missing) <= args.may_miss,
              "%s: calls %s .. %s, each once%s (%s found, %s missing)" %
              ("+".join(names), first, last, " and in order" if is_ordered else "",
               "+".join(str(len(part)) for part in by_vm), missing or "none"))


def changes(rows):
    """{(pid, vcpu): ([(offset, ratio), ...], [host TSC, ...])} without what is no change."""
    found = {}
    for pid, vcpu, offset, ratio, begin in rows:
        values, stamps = found.setdefault((pid, vcpu), ([], []))
        if not values or values[-1] != (offset, ratio):
            values.append((offset, ratio))
            stamps.append(begin)
    return found


def common_part(told, stamps, used, first, last):
    """@told, which began at @stamps, without what came before and after the recording,
    whose own began from host TSC @first to @last.  Offsets come again: of equal ones
    the nearest in time is meant."""
    def nearest(value, stamp):
        at = [i for i, v in enumerate(told) if v == value]
        return min(at, key=lambda i: abs(stamps[i] - stamp), default=None)

    begin, end = nearest(used[0], first), nearest(used[-1], last)
    return [] if begin is None or end is None else told[begin:end + 1]


def is_subsequence(part, whole):
    rest = iter(whole)
    return all(value in rest for value in part)


def check_witness(args):
    """SystemTap's output: what the recording says, from another program, value for value.

    The recording has all of it; SystemTap passes over a probe when another CPU
    holds its lock, and says how often."""
    if not args.witness:
        return
    lines = [line.split() for line in open(args.witness) if line[:1].isdigit()]
    told = changes((int(w[0]), int(w[2]), int(w[3]), int(w[4]), int(w[5])) for w in lines)
    used = changes((pid, vcpu, offset, ratio, begin) for pid, vcpu, source, begin, offset, ratio, _ in clocks(args.trace)
                   if source == args.source)
    found = re.search(r"skipped probes: (\d+)", open(args.witness + ".log").read())
    skipped = int(found.group(1)) if found else 0
    check(used.keys() <= told.keys() and used, "SystemTap saw %d vCPUs, the trace has %d" % (len(told), len(used)))
    for who, (values, stamps) in sorted(used.items()):
        part = common_part(*told.get(who, ([], [])), values, stamps[0], stamps[-1])
        check(part and is_subsequence(part, values) and len(values) - len(part) <= skipped,
              "process %d vCPU %d: %d offsets, the same as SystemTap's %d (which skipped %d probes)" %
              (*who, len(values), len(part), skipped))


def check_offsets(args):
    """KVM's own files, read by the scenario: offsets that the recording must have, too."""
    for path in args.offsets:
        used = {}
        for pid, vcpu, _, _, offset, _, _ in clocks(args.trace):
            used.setdefault((pid, vcpu), set()).add(offset)
        for line in open(path):
            vm, vcpu, offset = line.split()
            who = int(vm.split("-")[0]), int(vcpu[4:])
            check(int(offset) in used.get(who, ()), "process %d vCPU %d: KVM's %s (%s) is in the trace" %
                  (*who, offset, os.path.basename(path)))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("trace")
    p.add_argument("--report", required=True, help="the program ivtrace-report")
    p.add_argument("--source", default="bpf", help="where every clock must come from")
    p.add_argument("--error-ns", type=int, default=100, help="largest error a clock may state")
    p.add_argument("--may-lose", action="append", default=[], metavar="VM")
    p.add_argument("--entries", action="append", default=[], metavar="VM=LEAST")
    p.add_argument("--marks", action="append", default=[], metavar="VM[+VM]=FIRST-[LAST]")
    p.add_argument("--may-miss", type=int, default=0, metavar="N", help="calls between two of a +")
    p.add_argument("--witness", metavar="FILE", help="output of kvm_exit.stp")
    p.add_argument("--offsets", action="append", default=[], metavar="FILE")
    args = p.parse_args()
    check_summary(args, json.loads(report(args, "summary", "--json")))
    check_sync(args, json.loads(report(args, "sync", "--json")))
    check_marks(args)
    check_witness(args)
    check_offsets(args)
    print("%s: %d wrong" % (args.trace, failures))
    sys.exit(failures != 0)


main()
