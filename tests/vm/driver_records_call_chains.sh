#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
# Behind the events that call chains are asked for: those of a program whose
# functions are known, of one whose frame pointers lead nowhere (which does no harm,
# nor leaves faults in the trace), of one that sleeps; none of kernel threads, and
# none behind other events.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"

is_recording()
{
	lab/vm exec g -- 'grep -q recording /sys/class/misc/ivtrace/state'
}

vm_setup
gcc -std=gnu11 -O0 -D_GNU_SOURCE -static -no-pie -fno-omit-frame-pointer -o "$work/chain-calls" \
	"$SRC/tests/vm/tools/chain-calls.c"
vm_start g --smp 2 --add "$work/chain-calls:/bin/chain-calls" --add "$work/chain-calls:/bin/sleeper"
"$BIN/ivtrace-host" record -o "$work/t.ivt" --host none --vm "g=shm:$(vm_region g)" \
	--guest sched_switch,syscall_entry_getpriority,syscall_exit_getpriority,fault \
	--stacks sched_switch,syscall_entry_getpriority,fault 2>"$work/err" &
recorder=$!
wait_for 20 is_recording
[ "$(lab/vm exec g -- 'cat /sys/class/misc/ivtrace/chains')" = 16,144-145,4236 ]
lab/vm exec g -- 'sleeper sleep & echo $! >/tmp/pid; chain-calls frames'
lab/vm exec g -- 'chain-calls garbage' >"$work/garbage"
sleep 0.3
lab/vm exec g -- 'kill $(cat /tmp/pid)'
kill -INT $recorder
wait $recorder || { cat "$work/err"; exit 1; }
"$BIN/ivtrace-report" summary "$work/t.ivt"
"$BIN/ivtrace-report" events --json "$work/t.ivt" >"$work/events"
python3 "$SRC/tests/vm/check_chains.py" "$work/chain-calls" "$work/events" "$work/garbage"

echo '== asked for no more'
wait_for 20 lab/vm exec g -- 'grep -q idle /sys/class/misc/ivtrace/state'
"$BIN/ivtrace-host" record -o "$work/u.ivt" --host none --guest syscall_entry_getpriority \
	--vm "g=shm:$(vm_region g)" -- sh -c 'lab/vm exec g -- chain-calls frames' 2>"$work/err"
"$BIN/ivtrace-report" events --json --name syscall_entry_getpriority,ivtrace_user_stack \
	"$work/u.ivt" >"$work/events"
[ "$(grep -c getpriority "$work/events")" = 100 ]
[ "$(grep -c ivtrace_user_stack "$work/events")" = 0 ]
lab/vm check-log g
