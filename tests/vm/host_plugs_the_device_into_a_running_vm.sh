#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 400
# ivtrace-host attach and detach: a VM that was started without the device gets it
# while it runs, is recorded, gives it back, and takes another one.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"
vm_setup
lab/vm start a --smp 2 --hotplug
lab/vm exec a -- 'cat /sys/class/misc/ivtrace/device' | grep -qx none
ln -s "$(lab/vm dir a)/qmp.sock" "$work/q" # a socket's path must be short
cd "$work"
region=$(vm_region a)
qmp=$(realpath --relative-to=. "$(dirname "$(readlink q)")")/qmp.sock
[ ${#qmp} -lt 100 ] || qmp=q
cd "$SRC"
in_work() { (cd "$work" && "$@"); }

attach() { in_work "$BIN/ivtrace-host" attach --vm "a=shm:$region" --size 16M --cpus 2 --qmp "$qmp"; }
for round in 1 2; do
	attach 2>"$work/said" || { cat "$work/said"; exit 1; }
	cat "$work/said"
	grep -q 'a: its driver has the device' "$work/said"
	in_work "$BIN/ivtrace-host" record -o "$work/$round.ivt" --vm "a=shm:$region" --host none \
		--guest sched_switch -- "$SRC/lab/vm" exec a -- 'echo plugged >/dev/ivtrace'
	"$BIN/ivtrace-report" events "$work/$round.ivt" | grep 'ivtrace_mark.*plugged'
	if attach 2>"$work/said"; then
		echo 'WRONG: attached twice'
		exit 1
	fi
	grep 'the VM has the device already' "$work/said"
	in_work "$BIN/ivtrace-host" detach --qmp "$qmp"
	wait_for 10 lab/vm exec a -- 'grep -qx none /sys/class/misc/ivtrace/device'
	rm "$region"
done
if in_work "$BIN/ivtrace-host" detach --qmp "$qmp"; then
	echo 'WRONG: detached what is not there'
	exit 1
fi
lab/vm check-log a
