#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
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
python3 - verdict.json <<'END'
import json
import sys
v = json.load(open(sys.argv[1]))
assert v["victim"] == "victim" and v["culprit"] == "hog", v
# An emulated host adds some of its own: its CPUs are busy, too.
assert v["extra_ms"] > 0 and 0.6 <= v["share_explained"] <= 1.2, v
END
