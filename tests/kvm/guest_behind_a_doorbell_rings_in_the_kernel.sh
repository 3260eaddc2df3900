#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1200
#
# A guest under KVM behind a doorbell: recorded on an exact clock, and neither its
# rings nor the recorder's interrupts go through QEMU.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$SRC/tests/kvm/lib.sh"

kvm_setup
kvm_run kvm-doorbell
dir=$work/kvm-doorbell
kvm_check kvm-doorbell/doorbell.ivt --marks d=1-300 --offsets "$dir/tsc-offsets.doorbell"
python3 "$SRC/tests/kvm/check_doorbell.py" "$dir"
