#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What bench/collector_figures.py makes of measurements that are known: shares, latencies,
# costs beside a rival's, a live reader's lag, and records of which nobody knows.
set -euo pipefail
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

printf '%s\n' '1.5 40' '2.5 60' '2.0 41' >"$tmp/vms-2-busy.cpu"
printf '%s\n' 'm1 idle 100 0 0 0' 'm2 idle 50 0 1 0' >"$tmp/vms-2-busy.before"
printf '%s\n' 'm1 idle 1100 0 0 2' 'm2 idle 550 0 1 0' >"$tmp/vms-2-busy.after"
printf '%s\n' '40.5 60 70 500' '42 64 90 500' 'before_its_event 0' 'skipped 7' >"$tmp/vms-2-busy.visible"
cat >"$tmp/vms-2-busy.json" <<'END'
{"machines": [{"name": "host", "kind": "host", "records": 0, "lost": 0},
	{"name": "m1", "kind": "guest", "records": 1000, "lost": 2},
	{"name": "m2", "kind": "guest", "records": 497, "lost": 0}]}
END
# 1000 records for 200 us, and for 400.
printf '%s\n' 'ivtrace 200 1000 0' 'trace-cmd 400 1000 5' >"$tmp/host.costs"
printf '%s\n' 'ivtrace 300 1000 0' 'lttng-consumerd 200 1000 0' >"$tmp/user.costs"
printf '%s\n' '120 150 160 999' '130 170 180 1000' '128.5 166 190 1000' >"$tmp/follow.lag"
python3 -B "$SRC/bench/collector_figures.py" "$tmp" >"$tmp/out" 2>/dev/null

has() # METRIC KEY VALUE
{
	python3 - "$tmp/out" "$@" <<'END'
import json
import sys
line = next(x for x in map(json.loads, open(sys.argv[1])) if x["metric"] == sys.argv[2])
if str(line[sys.argv[3]]) != sys.argv[4]:
    sys.exit(f"{sys.argv[2]}: {sys.argv[3]} is {line[sys.argv[3]]}, not {sys.argv[4]}")
END
}

has host_cpu_percent.busy.2_vms value 2.0
has host_cpu_percent.busy.2_vms vms 2
has idle_cpu_percent.busy.2_vms value 41.0
# Of m2's 500, 3 are nowhere.
has unaccounted_records.busy.2_vms value 3
has unaccounted_records.busy.2_vms events 1497
has latency_p99_ms.2_vms value 62.0
has latency_max_ms.2_vms max 90.0
has latency_p99_ms.2_vms events 1000
has follow_lag_p50_ms value 128.5
has follow_lag_p99_ms value 166.0
has follow_lag_max_ms max 190.0
has follow_lag_max_ms events 2999
has cpu_us_per_million_records.user.ivtrace ratio 1.5
has cpu_us_per_million_records.host.ivtrace value 200000.0
has cpu_us_per_million_records.host.ivtrace ratio 0.5
has cpu_us_per_million_records.host.trace-cmd lost 5
"$SRC/bench/table.py" "$tmp/out" >"$tmp/table"
grep -q 'against trace-cmd | <= 1 | \*\*0.5\*\*' "$tmp/table"
grep -q "against LTTng's consumer | <= 1 | \*\*1.5\*\* .*\*\*no\*\*" "$tmp/table"
grep -q 'a live reader .* | <= 200 ms | \*\*166 ms\*\* .* yes' "$tmp/table"

# A record that was seen before it was written is a clock that is wrong.
sed -i 's/^before_its_event 0/before_its_event 3/' "$tmp/vms-2-busy.visible"
! python3 -B "$SRC/bench/collector_figures.py" "$tmp" >/dev/null 2>"$tmp/err"
grep -q '3 records were seen before they were written' "$tmp/err"
