#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 2400
#
# debugfs is read each 20 ms, while the offsets change all the time: it states an
# error, and no record lies outside its vCPU's runs by more than that.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$SRC/tests/kvm/lib.sh"

kvm_setup
kvm_run kvm-unstable-tsc TSC=debugfs
kvm_check kvm-unstable-tsc/trace.ivt --source debugfs --error-ns 10000000000 \
	--entries a=50 --entries b=50 --marks a=1-500 --marks b=1-500
