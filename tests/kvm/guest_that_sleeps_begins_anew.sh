#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 2400
#
# A guest sleeps to memory, and KVM begins its TSC anew: the driver begins a new
# epoch, and both have their clocks.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$SRC/tests/kvm/lib.sh"

kvm_setup
kvm_run kvm-sleep
cat "$work/kvm-sleep/a.log"
grep -q 'the clock or the rings went back' "$work/kvm-sleep/a.log"
kvm_check kvm-sleep/trace.ivt --marks a+a.1=1-1000 \
	--offsets "$work/kvm-sleep/tsc-offsets.before" \
	--offsets "$work/kvm-sleep/tsc-offsets.after"
