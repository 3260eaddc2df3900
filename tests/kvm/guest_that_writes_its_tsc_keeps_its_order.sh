#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 2400
#
# A guest sets its TSC ahead by seconds and later back: its records stay in their
# vCPU's runs, none is refused, and babeltrace2 reads as many as we do.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$SRC/tests/kvm/lib.sh"

kvm_setup
kvm_run kvm-tsc-back
dir=$work/kvm-tsc-back
kvm_check kvm-tsc-back/trace.ivt --entries a=3 --marks a=1-900 \
	--offsets "$dir/tsc-offsets.before" --offsets "$dir/tsc-offsets.ahead" \
	--offsets "$dir/tsc-offsets.back"
[ -d "$dir/trace.ivt/vm-a.b1" ] || { echo "nothing was set back"; exit 1; }
command -v babeltrace2 >/dev/null || exit 0
ours=$("$BIN/ivtrace-report" events --json "$dir/trace.ivt" 2>/dev/null | wc -l)
theirs=$(timeout 120 babeltrace2 --log-level=E "$dir/trace.ivt" 2>/dev/null | wc -l)
[ "$ours" = "$theirs" ] || { echo "babeltrace2 reads $theirs events, ivtrace $ours"; exit 1; }
