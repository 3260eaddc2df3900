#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 2400
#
# Two KVM guests on one slow disk: who made the victim wait, and how long.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$SRC/tests/kvm/lib.sh"

kvm_setup
kvm_run kvm-contention
kvm_check kvm-contention/alone.ivt
kvm_check kvm-contention/trace.ivt
cd "$work/kvm-contention"
"$BIN/ivtrace-report" verdict alone.ivt trace.ivt
"$BIN/ivtrace-report" verdict --json alone.ivt trace.ivt >verdict.json
"$BIN/ivtrace-report" io --json --slowest 0 alone.ivt >alone.json
"$BIN/ivtrace-report" io --json --slowest 0 trace.ivt >contended.json
python3 - verdict.json alone.json contended.json <<'END'
import json
import sys
v, alone, contended = (json.load(open(path)) for path in sys.argv[1:])
assert v["victim"] == "victim" and v["culprit"] == "hog", v
alone, contended = (io["vms"]["victim"] for io in (alone, contended))
print(json.dumps({"verdict": v, "alone": alone, "contended": contended}))
assert alone["requests"] == alone["linked"] == contended["linked"] == contended["requests"] > 0
# How much of all the delay is the disk's depends on how busy the machine is that
# emulates the host.  What waited for the disk waited behind the hog.
behind = contended["behind_ms"]["hog"]
assert behind == v["waited_behind_culprit_ms"] > 0, behind
assert behind >= 0.9 * contended["stages_ms"]["wait"]
assert alone["behind_ms"]["hog"] == 0
# Of the rest each stage says its part.
extra = {name: ms - alone["stages_ms"][name] for name, ms in contended["stages_ms"].items()}
assert v["extra_ms"] > 0 and abs(sum(extra.values()) - v["extra_ms"]) <= 0.01 * v["extra_ms"], extra
assert abs(v["share_explained"] - behind / v["extra_ms"]) < 0.001, v
END
