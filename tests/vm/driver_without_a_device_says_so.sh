#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# The driver in a VM that has no ivshmem device: loads, says that nothing is
# recorded and what to do, takes marks for nothing, and goes again.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"

vm_setup
lab/vm start none
lab/vm exec none -- 'lsmod | grep -q ^ivtrace || insmod /lib/lab/ivtrace.ko; lsmod; dmesg' >"$work/log"
grep '^ivtrace ' "$work/log"
grep -F 'this VM has no ivshmem device (1af4:1110)' "$work/log"
lab/vm exec none -- 'echo into the void >/dev/ivtrace'
lab/vm exec none -- 'rmmod ivtrace && ! lsmod | grep ^ivtrace'
lab/vm check-log none
