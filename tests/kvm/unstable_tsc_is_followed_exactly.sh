#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 2400
#
# A host that finds its TSC unstable gives each vCPU another offset at each load:
# the recording has every one of them, as SystemTap has, and all records lie in
# their vCPU's runs.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$SRC/tests/kvm/lib.sh"

kvm_setup
kvm_run kvm-unstable-tsc TSC=bpf
kvm_check kvm-unstable-tsc/trace.ivt --witness "$work/kvm-unstable-tsc/stap.lines" \
	--entries a=500 --entries b=500 --marks a=1-500 --marks b=1-500
