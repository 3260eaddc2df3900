#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# ivtrace-host attach --vm NAME=sock:PATH: a VM that runs connects to its recorder, rings,
# gives the device back, and takes it again from the next recorder.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"
vm_setup
lab/vm start a --smp 2 --hotplug
# A socket's path must be short.
in_folder() { (cd "$(lab/vm dir a)" && "$@"); }
attach() { in_folder "$BIN/ivtrace-host" attach --vm "a=sock:$(vm_socket a)" --qmp qmp.sock; }
burst() { lab/vm exec a -- 'i=0; while [ $i -lt 3000 ]; do echo burst; i=$((i+1)); done >/dev/ivtrace; [ $(cat /sys/class/misc/ivtrace/rings) -gt 0 ]'; }
if attach 2>"$work/said"; then
	echo 'WRONG: attached without a recorder'
	exit 1
fi
cat "$work/said"
for round in one two; do
	record_doorbell $round --guest default
	attach
	wait_for 30 grep -qs 'a: process .* is connected' "$work/$round.log"
	wait_for 30 has_records "$work/$round.ivt" a
	lab/vm exec a -- "grep -qx yes /sys/class/misc/ivtrace/doorbell && echo plugged $round >/dev/ivtrace"
	wait_for 60 burst
	in_folder "$BIN/ivtrace-host" detach --qmp qmp.sock
	wait_for 10 lab/vm exec a -- 'grep -qx none /sys/class/misc/ivtrace/device'
	end_recording
	"$BIN/ivtrace-report" events "$work/$round.ivt" | grep "ivtrace_mark.*plugged $round"
done
lab/vm check-log a
