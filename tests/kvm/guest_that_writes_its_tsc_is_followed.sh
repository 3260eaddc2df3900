#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 2400
#
# A guest sets its TSC forward by seconds: on the host's time nothing moves.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$SRC/tests/kvm/lib.sh"

kvm_setup
kvm_run kvm-tsc-write
dir=$work/kvm-tsc-write
if cmp "$dir/tsc-offsets.before" "$dir/tsc-offsets.after"; then
	echo "the guest's write changed nothing"
	exit 1
fi
kvm_check kvm-tsc-write/trace.ivt --entries a=2 --marks a=1-600 \
	--offsets "$dir/tsc-offsets.before" --offsets "$dir/tsc-offsets.after"
