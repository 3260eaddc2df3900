#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""check_deaths.py ROUNDS SUMMARY MARKS: what guests_that_die_at_random_lose_nothing.sh
recorded.  ROUNDS: a line per boot, "ROUND DEATH PUBLISHED MARK0 MARK1": how it
ended, how many records the guest had published, the newest mark of each CPU that
stood in its memory."""
import json
import re
import sys


def fail(text):
    print("FAIL: " + text)
    sys.exit(1)


rounds = [line.split() for line in open(sys.argv[1])]
machines = [m for m in json.load(open(sys.argv[2]))["machines"] if m["kind"] != "host"]
if len(machines) != len(rounds):
    fail(f"{len(machines)} machines for {len(rounds)} boots")

marks = {}
for match in re.finditer(r'"mark r(\d+) c(\d) (\d+)"', open(sys.argv[3]).read()):
    marks.setdefault(match.group(1, 2), []).append(int(match.group(3)))

for (number, death, published, *newest), m in zip(rounds, machines):
    where = f"round {number} ({death})"
    if m["refused_bytes"]:
        fail(f"{where}: {m['refused_bytes']} bytes refused")
    # A death between the stores of the counter and of the head leaves records that
    # were counted as published and are salvaged.
    most = int(published) + m["salvaged"]
    least = most if death == "reboot" else int(published)
    if not least <= m["records"] <= most:
        fail(f"{where}: {m['records']} records; {published} published, {m['salvaged']} salvaged")
    missing = 0
    for cpu, last in enumerate(map(int, newest)):
        got = marks.get((number, str(cpu)), [])
        if not last or got != sorted(set(got)) or (got and got[-1] > last):
            fail(f"{where}: marks of CPU {cpu} up to {last}: {len(got)}, last {got[-1:]}")
        missing += last - len(got)
    if missing > m["lost"]:
        fail(f"{where}: {missing} marks are missing, {m['lost']} records lost")
    print(f"ok: {where}: {m['records']} records, {m['salvaged']} salvaged, {m['lost']} lost, "
          f"marks {newest}, {missing} of them lost")
