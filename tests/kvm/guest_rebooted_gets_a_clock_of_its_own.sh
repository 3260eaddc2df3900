#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 2400
#
# A guest reboots: KVM's offset is another, the records before keep the old one.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$SRC/tests/kvm/lib.sh"

kvm_setup
kvm_run kvm-reboot
kvm_check kvm-reboot/trace.ivt --marks a+a.1=1-1000 \
	--offsets "$work/kvm-reboot/tsc-offsets.before" \
	--offsets "$work/kvm-reboot/tsc-offsets.after"
