#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 60
# A guest reboots twice: its TSC starts over, and the recorder sees the new offset
# while the old boot is still the present one.  Each boot keeps its own offset, no
# record moves.
. "$(dirname "$0")/lib.sh"

make_region 4M 2
record_in_background --duration 20
begin=$EPOCHREALTIME
"$guest" "$region" --count 30000 --pace-us 2000 --boots 3 --linger-ms 200 >"$work/guest.out"
end=$EPOCHREALTIME
kill -INT $recorder
wait $recorder
cat "$work/record.out"
[ "$(counts)" = "180000 0 0" ]
"$report" sync "$trace"
"$report" sync --json "$trace" >"$work/sync.json"
"$report" events --json --name ivtrace_mark "$trace" >"$work/events"
python3 - "$work/sync.json" "$work/events" "$begin" "$end" <<'END'
import json
import sys

sync = json.load(open(sys.argv[1]))
offsets = {}
for vm in sync["vms"]:
    for v in vm["vcpus"]:
        assert v["entries"] == 1, (vm["name"], v)
        offsets.setdefault(vm["name"], set()).add(v["offset"])
names = ["a", "a.1", "a.2"]
assert sorted(offsets) == names, offsets
assert all(len(values) == 1 for values in offsets.values()), offsets
times = {}
for line in open(sys.argv[2]):
    e = json.loads(line)
    times.setdefault(e["machine"], []).append(e["t_ns"])
for before, after in zip(names, names[1:]):
    gap = min(times[after]) - max(times[before])
    print("%s ends %.3f s before %s begins" % (before, gap / 1e9, after))
    assert 0.3e9 <= gap, gap
lasted = max(times["a.2"]) - min(times["a"])
assert lasted <= (float(sys.argv[4]) - float(sys.argv[3])) * 1e9, lasted
END
