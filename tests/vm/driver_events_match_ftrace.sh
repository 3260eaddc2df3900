#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 400
#
# The events that are recorded on request, against two witnesses of the same run:
# the guest's own ftrace, record for record and field for field, and a program
# that says what it did.  And each of them can be switched on and off alone.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"

/usr/bin/python3 -c 'import bt2' 2>/dev/null || { echo "skip: no python3-bt2"; exit 77; }
vm_setup
check=$SRC/tests/vm/check_driver_events.py
gcc -std=gnu11 -Wall -Wextra -O2 -D_GNU_SOURCE -static -pthread -o "$work/event-load" \
	"$SRC/tests/vm/tools/event-load.c"

# Runs in the guest; ftrace's clock is the one of the records.
cat >"$work/in-guest" <<'GUEST'
cd /sys/kernel/tracing
echo 0 >tracing_on
echo x86-tsc >trace_clock
echo 0 >options/hash-ptr
echo 4096 >buffer_size_kb
while read -r event; do
	[ ! -e "events/$event" ] || echo 1 >"events/$event/enable"
done </tracepoints
echo >trace
echo 1 >tracing_on
event-load >/tmp/load
echo 0 >tracing_on
echo 0 >events/enable
cat trace >/tmp/ftrace.txt
GUEST
"$check" tracepoints "$SRC" >"$work/tracepoints"
vm_start a --smp 2 --add "$work/event-load:/bin/event-load" --add "$work/in-guest:/in-guest" \
	--add "$work/tracepoints:/tracepoints"
lab/vm exec a -- 'ip link set lo up'

record() # TRACE GUEST_EVENTS COMMAND
{
	"$BIN/ivtrace-host" record -o "$work/$1.ivt" --vm "a=shm:$(vm_region a)" --host sched_process_exec \
		--guest "$2" -- lab/vm exec a --timeout 120 -- "$3"
	mkdir -p "$work/$1"
	"$SRC/tests/integration/bt_dump.py" "$work/$1.ivt" >"$work/$1/bt.jsonl" 2>/dev/null
}

record all all 'sh /in-guest'
# the functions that ftrace names, at their addresses
lab/vm exec a --timeout 120 -- "grep -oE '(function|ip|callsite|callback)[= ][a-zA-Z_][^ +]*' \
	/tmp/ftrace.txt | sed 's/^[a-z]*[= ]//' | sort -u >/tmp/names
	awk 'NR == FNR { want[\$1]; next } \$3 in want' /tmp/names /proc/kallsyms >/tmp/symbols"
for file in load ftrace.txt symbols; do
	lab/vm get a "/tmp/$file" >"$work/all/$file"
done
"$BIN/ivtrace-report" summary "$work/all.ivt"
status=0
"$check" match "$SRC" "$work/all" || status=1
"$check" truth "$SRC" "$work/all" || status=1
"$SRC/tests/integration/babeltrace_agrees.sh" "$work/all.ivt" || status=1

# Every second event, then the others, then what is recorded without options.
odd=$("$check" names "$SRC" | sed -n '1~2p' | paste -sd,)
even=$("$check" names "$SRC" | sed -n '2~2p' | paste -sd,)
record odd "$odd" 'event-load >/dev/null'
"$check" only "$SRC" "$work/odd" "$odd" || status=1
record even "$even" 'event-load >/dev/null'
"$check" only "$SRC" "$work/even" "$even" || status=1
record default default 'event-load >/dev/null'
"$check" only "$SRC" "$work/default" '' || status=1
record idle power 'sleep 4'
"$check" idle "$SRC" "$work/idle" || status=1

# What this kernel lacks is said once, however often it was asked for.
lab/vm console a | grep -o "has no tracepoint '[^']*'" | sort | uniq -d | grep . &&
	{ echo "WRONG said twice"; status=1; }
lab/vm check-log a || status=1
exit $status
