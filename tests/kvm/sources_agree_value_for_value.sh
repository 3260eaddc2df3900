#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 2400
#
# The same two guests recorded with each source: bpf, stap and debugfs give the
# offsets that KVM shows, exactly, and no record lies outside its vCPU's runs.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$SRC/tests/kvm/lib.sh"

kvm_setup
kvm_run kvm-sources
dir=$work/kvm-sources
kvm_check kvm-sources/bpf.ivt --witness "$dir/stap.lines" --marks a=1-300 --marks b=1-300 \
	--offsets "$dir/tsc-offsets.bpf.before" --offsets "$dir/tsc-offsets.bpf.after"
for source in stap debugfs; do
	kvm_check "kvm-sources/$source.ivt" --source "$source" --marks a=1-300 --marks b=1-300 \
		--offsets "$dir/tsc-offsets.$source.before" \
		--offsets "$dir/tsc-offsets.$source.after"
done
