#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 2400
#
# A vCPU that comes in the middle of the recording has thread, clock and records.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$SRC/tests/kvm/lib.sh"

kvm_setup
kvm_run kvm-hotplug
kvm_check kvm-hotplug/trace.ivt --entries a=2 --marks a=1-1000 \
	--offsets "$work/kvm-hotplug/tsc-offsets"
