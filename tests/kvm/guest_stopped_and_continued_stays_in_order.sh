#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 2400
#
# A guest that is stopped and goes on, three times: one clock, all its records.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$SRC/tests/kvm/lib.sh"

kvm_setup
kvm_run kvm-stop-cont
kvm_check kvm-stop-cont/trace.ivt --marks a=1-3000 \
	--offsets "$work/kvm-stop-cont/tsc-offsets.cont3"
