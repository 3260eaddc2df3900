#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 2400
#
# QEMU of a busy guest is killed: all it committed is in the trace, on its clock;
# the other guest goes on.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$SRC/tests/kvm/lib.sh"

kvm_setup
kvm_run kvm-kill
kvm_check kvm-kill/trace.ivt --marks b=1-500
