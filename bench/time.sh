#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How well handshakes know a guest's clock: bursts between ivtrace-host and the
# driver in a TCG guest, beside the offset that QEMU's memory holds, which is
# exact.  Wants root and the guest's module; says so and ends with 0 where it
# has not.
#
#	time.sh [--quick]	KVM_HOST=yes: the program exits, too, on an
#				emulated KVM host (minutes)
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tests/vm/lib.sh
. "$SRC/tests/vm/lib.sh"

recordings=12 seconds=5
[ "${1-}" != --quick ] || recordings=3

skip() # WHY
{
	echo "time: skipped: $1" >&2
	exit 0
}

[ "$(id -u)" = 0 ] || skip 'not root'
[ -e "$O/module/ivtrace.ko" ] || skip 'no module for guests (make module)'

exits_on_a_kvm_host()
(
	lab/build-host >&2
	trap 'lab/host stop bench >/dev/null 2>&1' EXIT
	lab/host start bench --boot-timeout 180 >&2
	# shellcheck disable=SC2016
	lab/host exec bench --timeout 900 -- '$O/bench/exits --quick'
	lab/host check-log bench >&2
)

record() # TRACE
{
	"$BIN/ivtrace-host" record -o "$1" --vm "a=shm:$(vm_region a)" --host none \
		--tsc tcg --duration "$seconds" 2>>"$work/record.log" >&2 ||
		{ cat "$work/record.log" >&2; exit 1; }
}

vm_setup
export IVT_LAB_ACCEL=tcg
vm_start a >&2
for i in $(seq "$recordings"); do
	record "$work/$i.ivt"
done
lab/vm check-log a >&2
lab/vm stop a >&2
python3 -B bench/time_figures.py "$work"/*.ivt
[ "${KVM_HOST-}" != yes ] || exits_on_a_kvm_host
