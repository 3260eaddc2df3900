# SPDX-License-Identifier: GPL-2.0-or-later
"""cpu.py share PID SECONDS: the share of a CPU, in percent, that a process and its
children took in each of so many seconds, and that of all CPUs which nobody wanted,
a line each.
cpu.py now PID: what they took so far, in us.
cpu.py whole COMMAND...: run it; its CPU time and its children's, in us."""
import glob
import os
import resource
import subprocess
import sys
import time


def processes(pid):
    """@pid and its children that live."""
    found = [pid]
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        with open(path, encoding="ascii") as file:
            for child in file.read().split():
                found += processes(int(child))
    return found


def used_ns(pid):
    total = 0
    for process in processes(pid):
        for path in glob.glob(f"/proc/{process}/task/*/schedstat"):
            with open(path, encoding="ascii") as file:
                total += int(file.read().split()[0])
    return total


def idle_and_all_ticks():
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def share(pid, seconds):
    before, begin, rest = used_ns(pid), time.monotonic_ns(), idle_and_all_ticks()
    for _ in range(seconds):
        time.sleep(1)
        now, end, rest_now = used_ns(pid), time.monotonic_ns(), idle_and_all_ticks()
        idle = (rest_now[0] - rest[0]) / max(1, rest_now[1] - rest[1])
        print(f"{(now - before) / (end - begin) * 100:.4f} {idle * 100:.1f}", flush=True)
        before, begin, rest = now, end, rest_now


def whole(command):
    status = subprocess.run(command, check=False, stdout=sys.stderr).returncode
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(int((used.ru_utime + used.ru_stime) * 1e6))
    sys.exit(status)


if sys.argv[1] == "share":
    share(int(sys.argv[2]), int(sys.argv[3]))
elif sys.argv[1] == "now":
    print(used_ns(int(sys.argv[2])) // 1000)
else:
    whole(sys.argv[2:])
