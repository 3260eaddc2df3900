#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
# While three VMs are recorded, one's QEMU is killed, one powers off, one lives on:
# every mark that was written is in the trace.  Then the recorder itself is killed.
# Neither leaves an eBPF program, a mount or a file in /dev/shm behind.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"

programs() # PID: ids of the eBPF programs that it holds
{
	sed -n 's/^prog_id:[[:blank:]]*//p' "/proc/$1/fdinfo/"* 2>/dev/null | sort -un
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

record_start() # TRACE
{
	"$BIN/ivtrace-host" record -o "$1" "${vms[@]}" 2>"$work/err" &
	recorder=$!
	for _ in $(seq 200); do
		grep -q 'recording into' "$work/err" && break
		sleep 0.1
	done
	sleep 1.5 # the drivers notice
}

marks() # NAME FIRST LAST
{
	lab/vm exec "$1" -- "i=$2; while [ \$i -le $3 ]; do echo mark \$i >/dev/ivtrace; i=\$((i + 1)); done"
}

vm_setup
vms=()
for name in killed off alive; do
	vm_start "$name"
	vms+=(--vm "$name=shm:$(vm_region "$name")")
done
before=$(things)

record_start "$work/t.ivt"
for name in killed off alive; do
	marks "$name" 1 50
done
sleep 0.3
lab/vm kill killed
lab/vm stop off
marks alive 51 100
sleep 1
held=$(programs $recorder)
[ -n "$held" ]
kill -INT $recorder
wait $recorder
cat "$work/err"
[ "$(grep -c 'has ended (its records are taken' "$work/err")" = 2 ]
"$BIN/ivtrace-report" summary "$work/t.ivt"
[ "$(vm_marks "$work/t.ivt" killed)" = "$(seq 50)" ]
[ "$(vm_marks "$work/t.ivt" off)" = "$(seq 50)" ]
[ "$(vm_marks "$work/t.ivt" alive)" = "$(seq 100)" ]
[ "$(things)" = "$before" ] || { diff <(echo "$before") <(things); exit 1; }
programs_are_gone "$held"

record_start "$work/k.ivt"
marks alive 101 150
sleep 0.3
held=$(programs $recorder)
[ -n "$held" ]
kill -KILL $recorder
wait $recorder || true
"$BIN/ivtrace-report" summary "$work/k.ivt" 2>&1 | tee "$work/out"
grep -q 'was not closed' "$work/out"
[ "$(vm_marks "$work/k.ivt" alive)" = "$(seq 101 150)" ]
"$BIN/ivtrace-view" --render "$work/k.png" "$work/k.ivt"
"$BIN/ivtrace-report" repair "$work/k.ivt"
[ "$(vm_marks "$work/k.ivt" alive)" = "$(seq 101 150)" ]
babeltrace2 "$work/k.ivt" >"$work/bt"
grep -c 'mark 1[0-9][0-9]"' "$work/bt" | grep -x 50
[ "$(things)" = "$before" ] || { diff <(echo "$before") <(things); exit 1; }
programs_are_gone "$held"
