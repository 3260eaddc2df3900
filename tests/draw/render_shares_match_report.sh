#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the picture adds up to is what the report says, to the ns: per guest, the
# time of its requests in each stage and behind each VM.
. "$SRC/tests/draw/lib.sh"
command -v python3 >/dev/null || { echo 'python3 is not installed'; exit 77; }
# Few enough requests at once that each has a row of its own.
trace a --requests 40
trace quiet --requests 40 --contention 0 --vms 3

for name in a quiet; do
	"$view" "$tmp/$name.ivt" --list "$tmp/$name.list"
	"$BIN/ivtrace-report" io --json "$tmp/$name.ivt" >"$tmp/$name.json"
	python3 - "$tmp/$name.list" "$tmp/$name.json" <<'PYTHON' || fail "$name"
import decimal, json, re, sys

drawn, row = {}, None
for line in open(sys.argv[1]):
    if line.startswith("row "):
        row = re.match(r"row (.*)\.\d+ y ", line).group(1)
    elif line.startswith("  ns ") and row.endswith(" requests"):
        ns, what = line.split(None, 2)[1:]
        vm = drawn.setdefault(row.split("/")[0], {})
        vm[what.strip()] = vm.get(what.strip(), 0) + int(ns)

def ns(ms):
    return int((ms * 1000000).to_integral_value())

report = json.load(open(sys.argv[2]), parse_float=decimal.Decimal)
labels = {"self": "waits behind own", "host": "waits behind host", "none": "waits, device idle"}
bad = 0
for name, vm in report["vms"].items():
    if vm["incomplete"]:  # drawn up to the trace's end, not in the sums
        continue
    stages, got = vm["stages_ms"], drawn.get(name, {})
    want = {"in service": ns(stages["device"]), "queued in guest": ns(stages["guest_queue"]),
            "submit (QEMU)": ns(stages["submit"]), "return (QEMU)": ns(stages["return"])}
    for other, ms in vm["behind_ms"].items():
        want[labels.get(other, "waits behind VM " + other)] = ns(ms)
    for what, n in want.items():
        if got.get(what, 0) != n:
            print(f"{name}: {what}: drawn {got.get(what, 0)}, report {n}")
            bad = 1
    print(f"{name}: {len(want)} sums compared")
sys.exit(bad)
PYTHON
done
