#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""check_doorbell.py DIR: by KVM's own tracepoints, each ring of a guest's doorbell ends
in KVM (ioeventfd), and each interrupt of the recorder's begins there (irqfd)."""
import os
import re
import sys

LINE = re.compile(r"-(\d+)\s+\[\d+\].*: (kvm_\w+): (.*)")
DOORBELL = 12  # a register of ivshmem

counts = dict(line.rstrip("\n").split(" ", 1) for line in open(os.path.join(sys.argv[1], "doorbell.counts")))
rings, interrupts = int(counts["rings"]), int(counts["interrupts"])
register = int(counts["register"], 16) + DOORBELL
recorder = {int(tid) for tid in counts["threads"].split()}

written = left = 0
by_recorder = by_others = 0
last = {}  # thread: where it last wrote
for line in open(os.path.join(sys.argv[1], "doorbell.trace")):
    m = LINE.search(line)
    if not m:
        continue
    tid, event, text = int(m[1]), m[2], m[3]
    if event == "kvm_mmio":
        last[tid] = int(re.search(r"gpa (0x[0-9a-f]+)", text)[1], 16)
        written += text.startswith("mmio write") and last[tid] == register
    elif event == "kvm_userspace_exit":
        left += last.get(tid) == register
    elif event == "kvm_msi_set_irq":
        by_recorder += tid in recorder
        by_others += tid not in recorder
print(f"guest: {rings} rings, {interrupts} interrupts; KVM: {written} writes to the doorbell, {left} of them "
      f"left to QEMU, {by_recorder} interrupts from the recorder, {by_others} from others")
assert rings > 0 and written >= rings, "no doorbell was rung, or not all were seen"
assert left == 0, "a ring went through QEMU"
assert by_recorder >= interrupts > 0, "an interrupt went through QEMU"
