#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1800
#
# What may happen to a guest, a recording each: it is stopped and goes on, sleeps, gets
# another vCPU, reboots, is killed.  Whatever it recorded is there, on the right clock.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$SRC/tests/kvm/lib.sh"

kvm_setup
kvm_run kvm-life
dir=$work/kvm-life

# Stopped and continued, three times: one clock, all records.
kvm_check kvm-life/stop-cont.ivt --marks a=1-3000 --offsets "$dir/tsc-offsets.stop-cont"

# It sleeps to memory, and KVM begins its TSC anew: the driver begins a new epoch, and both
# have their clocks.
cat "$dir/sleep.log"
grep -q 'the clock or the rings went back' "$dir/sleep.log"
kvm_check kvm-life/sleep.ivt --marks a+a.1=1-1000 \
	--offsets "$dir/tsc-offsets.sleep.before" --offsets "$dir/tsc-offsets.sleep.after"

# A vCPU that comes in the middle has thread, clock and records.
kvm_check kvm-life/hotplug.ivt --entries a=2 --marks a=1-1000 --offsets "$dir/tsc-offsets.hotplug"

# It reboots: KVM's offset is another, the records before keep the old one.
kvm_check kvm-life/reboot.ivt --marks a+a.1=1-1000 \
	--offsets "$dir/tsc-offsets.reboot.before" --offsets "$dir/tsc-offsets.reboot.after"

# QEMU is killed while its guest is busy: what it committed is there, the other goes on.
kvm_check kvm-life/kill.ivt --marks b=1-500
