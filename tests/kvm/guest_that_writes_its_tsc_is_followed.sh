#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1800
#
# A guest sets its TSC forward by seconds: on the host's time nothing moves.  It sets it
# back, too: its records stay in their vCPU's runs, none is refused, and babeltrace2
# reads as many as we do.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$SRC/tests/kvm/lib.sh"

kvm_setup
kvm_run kvm-tsc-write
dir=$work/kvm-tsc-write
if cmp "$dir/tsc-offsets.ahead.0" "$dir/tsc-offsets.ahead.1"; then
	echo "the guest's write changed nothing"
	exit 1
fi
kvm_check kvm-tsc-write/ahead.ivt --entries a=2 --marks a=1-600 \
	--offsets "$dir/tsc-offsets.ahead.0" --offsets "$dir/tsc-offsets.ahead.1"
[ ! -d "$dir/ahead.ivt/vm-a.b1" ] || { echo "nothing was set back in ahead.ivt"; exit 1; }

kvm_check kvm-tsc-write/back.ivt --entries a=3 --marks a=1-900 --offsets "$dir/tsc-offsets.back.0" \
	--offsets "$dir/tsc-offsets.back.1" --offsets "$dir/tsc-offsets.back.2"
[ -d "$dir/back.ivt/vm-a.b1" ] || { echo "nothing was set back"; exit 1; }
command -v babeltrace2 >/dev/null || exit 0
ours=$("$BIN/ivtrace-report" events --json "$dir/back.ivt" 2>/dev/null | wc -l)
theirs=$(timeout 120 babeltrace2 --log-level=E "$dir/back.ivt" 2>/dev/null | wc -l)
[ "$ours" = "$theirs" ] || { echo "babeltrace2 reads $theirs events, ivtrace $ours"; exit 1; }
