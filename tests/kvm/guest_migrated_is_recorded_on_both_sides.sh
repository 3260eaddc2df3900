#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 2400
#
# A guest moves to another QEMU while it is recorded: its last calls there, its
# first ones here, on the new process's clock, none twice.  What it had not published
# when it was stopped is salvaged there; only a half-written record may be missing.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$SRC/tests/kvm/lib.sh"

kvm_setup
kvm_run kvm-migrate
kvm_check kvm-migrate/trace.ivt --marks a+a-new=1000001- --may-miss 1
