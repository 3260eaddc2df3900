# SPDX-License-Identifier: GPL-2.0-or-later
"""cpu.py share PID SECONDS: the share of a CPU, in percent, that a process and its
children took in each of so many seconds, a line each.
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


def share(pid, seconds):
    before, begin = used_ns(pid), time.monotonic_ns()
    for _ in range(seconds):
        time.sleep(1)
        now, end = used_ns(pid), time.monotonic_ns()
        print(f"{(now - before) / (end - begin) * 100:.4f}", flush=True)
        before, begin = now, end


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
