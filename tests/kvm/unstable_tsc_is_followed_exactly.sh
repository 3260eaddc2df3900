#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1800
#
# A host that finds its TSC unstable gives each vCPU another offset at each load:
# the recording has every one of them, as SystemTap has, and all records lie in
# their vCPU's runs.  debugfs is read each 20 ms only: it states an error, and no
# record lies outside its vCPU's runs by more than that.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$SRC/tests/kvm/lib.sh"

kvm_setup
kvm_run kvm-unstable-tsc
kvm_check kvm-unstable-tsc/bpf.ivt --witness "$work/kvm-unstable-tsc/stap.lines" \
	--entries a=500 --entries b=500 --marks a=1-500 --marks b=1-500
kvm_check kvm-unstable-tsc/debugfs.ivt --source debugfs --error-ns 10000000000 \
	--entries a=50 --entries b=50 --marks a=1-500 --marks b=1-500
