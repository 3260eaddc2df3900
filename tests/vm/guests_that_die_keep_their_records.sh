#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
# While three VMs are recorded, one's QEMU is killed, one powers off, one lives on:
# every mark that was written is in the trace.  Then the recorder itself is killed.
# Neither leaves an eBPF program, a mount or a file in /dev/shm behind.
set -euo pipefail
# Other tests of this machine mount and unmount meanwhile.
if [ -z "${IVT_PRIVATE_MOUNTS-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
	unshare -m true 2>/dev/null || { echo "needs unshare -m"; exit 77; }
	IVT_PRIVATE_MOUNTS=1 exec unshare -m "$0"
fi
. "$SRC/tests/vm/lib.sh"

# Files of /proc that the recorder closes between the shell's list and the look
# cannot be read: they are none of a program, those it keeps.
programs() # PID: ids of the eBPF programs that it holds
{
	{ cat "/proc/$1/fdinfo/"* 2>/dev/null || true; } |
		sed -n 's/^prog_id:[[:blank:]]*//p' | sort -un
}

# By id, since other recorders of this machine come and go meanwhile.
programs_are_gone() # IDS
{
	local id

	for id in $1; do
		! bpftool prog show id "$id" >/dev/null 2>&1 ||
			{ echo "eBPF program $id is still loaded"; return 1; }
	done
}

things() # what a recorder may leave elsewhere
{
	sort /proc/self/mounts
	find /dev/shm -maxdepth 1 -name "ivtrace-test-$$-*" | sort
}

vm_marks() # TRACE NAME: the numbers of its marks, in order
{
	"$BIN/ivtrace-report" events --vm "$2" --name ivtrace_mark --json "$1" 2>/dev/null |
		sed -n 's/.*"msg":"mark \([0-9]*\)".*/\1/p'
}

record_start() # TRACE NAME...: until each of these guests' records arrive
{
	local trace=$1 name

	shift
	rm -f "$work/err"
	"$BIN/ivtrace-host" record -o "$trace" "${vms[@]}" 2>"$work/err" &
	recorder=$!
	for name; do
		wait_for 30 has_records "$trace" "$name"
	done
}

# Ends when the guest has published them, which it does within 10 ms of its time.
marks() # NAME FIRST LAST
{
	lab/vm exec "$1" -- "i=$2; while [ \$i -le $3 ]; do echo mark \$i >/dev/ivtrace; i=\$((i + 1)); done
		sleep 0.3"
}

has_marks() # TRACE NAME FIRST LAST
{
	[ "$(vm_marks "$1" "$2")" = "$(seq "$3" "$4")" ]
}

have_ended() # NUMBER: so many guests, says the recorder
{
	[ "$(grep -c 'has ended (its records are taken' "$work/err")" = "$1" ]
}

vm_setup
vms=()
for name in killed off alive; do
	vm_start "$name"
	vms+=(--vm "$name=shm:$(vm_region "$name")")
done
before=$(things)

record_start "$work/t.ivt" killed off alive
for name in killed off alive; do
	marks "$name" 1 50
done
lab/vm kill killed
lab/vm stop off
marks alive 51 100
wait_for 30 have_ended 2
held=$(programs $recorder)
[ -n "$held" ]
kill -INT $recorder
wait $recorder
programs_are_gone "$held"
cat "$work/err"
"$BIN/ivtrace-report" summary "$work/t.ivt"
has_marks "$work/t.ivt" killed 1 50
has_marks "$work/t.ivt" off 1 50
has_marks "$work/t.ivt" alive 1 100
[ "$(things)" = "$before" ] || { diff <(echo "$before") <(things); exit 1; }

record_start "$work/k.ivt" alive
marks alive 101 150
wait_for 30 has_marks "$work/k.ivt" alive 101 150
held=$(programs $recorder)
[ -n "$held" ]
kill -KILL $recorder
wait $recorder || true
"$BIN/ivtrace-report" summary "$work/k.ivt" 2>&1 | tee "$work/out"
grep -q 'was not closed' "$work/out"
has_marks "$work/k.ivt" alive 101 150
"$BIN/ivtrace-view" --render "$work/k.png" "$work/k.ivt"
"$BIN/ivtrace-report" repair "$work/k.ivt"
has_marks "$work/k.ivt" alive 101 150
babeltrace2 "$work/k.ivt" >"$work/bt"
grep -c 'mark 1[0-9][0-9]"' "$work/bt" | grep -x 50
[ "$(things)" = "$before" ] || { diff <(echo "$before") <(things); exit 1; }
# Nobody waits for them here, and the kernel frees them after a grace period.
wait_for 30 programs_are_gone "$held"
