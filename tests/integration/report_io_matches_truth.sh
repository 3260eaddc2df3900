#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ivtrace-report io against what gen-trace knows of each request that it made:
# stages and blame to the ns, shares of the culprits within 1 %.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
gen=$O/tests/data/gen-trace

compare() # NAME GEN-OPTIONS...
{
	local name=$1

	shift
	"$gen" "$tmp/$name.ivt" "$@"
	"$BIN/ivtrace-report" io --json --slowest 1000000 "$tmp/$name.ivt" >"$tmp/$name.io.json"
	python3 - "$tmp/$name.truth.json" "$tmp/$name.io.json" <<'END'
import json, sys
from decimal import Decimal

truth = json.load(open(sys.argv[1]))
report = json.load(open(sys.argv[2]), parse_float=Decimal)
origin = int(report["origin_ns"])
ns = lambda ms: int(Decimal(ms) * 1000000)
vms = report["vms"]
wait = {v: {} for v in vms}
found = {(r["vm"], origin + r["t_ns"]): r for r in report["slowest"]}
wrong = []
done = [r for r in truth["requests"] if r["complete_ns"]]

for r in done:
    got = found.get((r["vm"], r["start_ns"]))
    for who, t in r["behind_ns"].items():
        wait[r["vm"]][who] = wait[r["vm"]].get(who, 0) + t
    if not got:
        wrong.append(("missing", r))
        continue
    behind = {("self" if k == r["vm"] else k): t for k, t in r["behind_ns"].items()}
    seen = {k: ns(v) for k, v in got["behind_ms"].items()}
    seen.pop("host")
    want = {
        "guest_queue": r["issue_ns"] - r["start_ns"],
        "submit": r["host_queue_ns"] - r["issue_ns"],
        "wait": r["service_ns"] - r["host_queue_ns"],
        "device": r["host_complete_ns"] - r["service_ns"],
        "return": r["complete_ns"] - r["host_complete_ns"],
        "unknown": 0,
    }
    stages = {k: ns(v) for k, v in got["stages_ms"].items()}
    if stages != want or got["link"] != "exact" or \
       any(seen.get(k, 0) != behind.get(k, 0) for k in set(seen) | set(behind)):
        wrong.append((r, got))

print(sys.argv[1].split("/")[-1], len(done), "requests,", len(wrong), "differ")
for pair in wrong[:3]:
    print(*pair, sep="\n  ")
bad = len(wrong) > len(done) // 1000
for vm, by in wait.items():
    total = sum(by.values())
    for who, t in by.items():
        got = ns(vms[vm]["behind_ms"]["self" if who == vm else who])
        off = abs(got - t) / total if total else 0
        if off > 0.001:
            print(f"{vm} behind {who}: {t} ns true, {got} ns reported ({off:.4%} of its waiting)")
        bad |= off > 0.01
sys.exit(bad or report["inexact_sums"] or report["causality_violations"] or report["lost"])
END
}

compare alone --contention 0 --requests 300
compare contended --requests 300
compare many --vms 12 --vcpus 4 --requests 200 --seed 7
compare noisy --requests 200 --noise 2000 --seed 3

# Alone nobody is named; beside b, b is.
"$BIN/ivtrace-report" verdict --victim a --json "$tmp/alone.ivt" "$tmp/alone.ivt" |
	python3 -c 'import json, sys
v = json.load(sys.stdin)
assert v["victim"] == "a" and v["culprit"] is None and v["waited_behind_culprit_ms"] == 0, v
assert v["extra_ms"] == 0 and v["share_explained"] is None, v'
"$BIN/ivtrace-report" verdict --json "$tmp/alone.ivt" "$tmp/contended.ivt" |
	python3 -c 'import json, sys
v = json.load(sys.stdin)
assert (v["victim"], v["culprit"]) == ("a", "b") and 0.95 < v["share_explained"] < 1.05, v
assert v["write_ms"]["contended"]["p50"] > 10 * v["write_ms"]["alone"]["p50"], v'
