#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
# ivtrace-guest in a real guest: says what is missing, loads the driver, shows what
# the host records, puts marks and a command's end into the trace.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/tools/guest_tool.sh"

tool() # ARGUMENTS...
{
	lab/vm exec g -- "ivtrace-guest $*"
}

refused() # TEXT ARGUMENTS...: status 1 and that message
{
	local text=$1 status=0

	shift
	tool "$@" >"$work/out" 2>&1 || status=$?
	[ "$status" = 1 ] || { echo "$*: status $status"; cat "$work/out"; exit 1; }
	grep -F "$text" "$work/out" || { cat "$work/out"; exit 1; }
}

is_recording()
{
	tool status | grep -q '^host  *recording$'
}

is_filtered()
{
	tool status | grep -q '^only'
}

vm_setup
mapfile -t add < <(with_tool)
vm_start g "${add[@]}"
lab/vm exec g -- 'lsmod | grep -q ^ivtrace && rmmod ivtrace; true'
refused 'the driver is not loaded (ivtrace-guest load)' status
refused 'is the driver loaded?' events
refused 'cannot open' mark nobody hears
lab/vm exec g -- 'ivtrace-guest run -- sh -c "exit 3"; test $? = 3'
refused 'modprobe could not load' load

lab/vm exec g -- 'd=/lib/modules/$(uname -r); mkdir -p $d; cp /lib/lab/ivtrace.ko $d/;
	echo ivtrace.ko: >$d/modules.dep'
tool load
tool load flush_ms=20 2>&1 | grep -F "is loaded already: 'flush_ms=20' was not set"
tool status | tee "$work/out"
grep -E '^device +0000:[0-9a-f:.]+, 16 MiB$' "$work/out"
grep -E '^host +not recording$' "$work/out"
tool status --json | python3 -c '
import json, sys
s = json.load(sys.stdin)
assert s["loaded"] and s["allowed"] and s["state"] == "idle" and s["channels"] == 2, s
assert s["advice"] is None and s["devices"][0]["memory_bytes"] == 16 << 20, s'

"$BIN/ivtrace-host" record -o "$work/t.ivt" --host none --guest sched,ivtrace \
	--vm "g=shm:$(vm_region g)" 2>"$work/err" &
recorder=$!
wait_for 20 is_recording
tool events --recorded >"$work/events"
grep -E '^recorded +sched +sched_switch ' "$work/events"
if grep -E 'block_rq_issue|syscall_entry' "$work/events"; then
	exit 1
fi
tool mark request id=17 -- phase=commit
lab/vm exec g -- 'printf "first line\nsecond line\n" | ivtrace-guest mark --lines'
lab/vm exec g -- 'ivtrace-guest run --name job -- sh -c "exit 7"; test $? = 7'
lab/vm exec g -- 'ivtrace-guest run -- sh -c "kill -9 \$\$"; test $? = 137'
lab/vm exec g -- 'ivtrace-guest run -- /no/such/file; test $? = 127'
kill -INT $recorder
wait $recorder
"$BIN/ivtrace-host" record -o "$work/u.ivt" --host none --guest sched,syscall --filter-pid 1,4000000 \
	--filter-comm 'g:lab-agent,two words' --stacks sched_switch,syscall_entry_read \
	--vm "g=shm:$(vm_region g)" 2>"$work/err" &
recorder=$!
wait_for 20 is_filtered # until then it may still be the recording before
tool status | tee "$work/out"
grep -x 'only     processes 1,4000000' "$work/out"
grep -x 'only     tasks named lab-agent' "$work/out"
grep -x 'only     tasks named two words' "$work/out"
grep -x 'chains   behind 2 types of event' "$work/out"
tool status --json | python3 -c '
import json, sys
s = json.load(sys.stdin)
assert s["filter_pids"] == [1, 4000000] and s["chains"] == 2, s
assert s["filter_comms"] == ["lab-agent", "two words"], s'
tool events --recorded >"$work/events"
grep -E '^recorded +sched +sched_switch +task switch, with call chain$' "$work/events"
grep -E '^recorded +sched +sched_waking +task waking$' "$work/events"
grep -E 'syscall_entry_\* +[0-9]+ system calls by name, 1 with call chains$' "$work/events"
lab/vm exec g -- 'echo N >/sys/module/ivtrace/parameters/host_control'
refused 'this guest forbids recording' status
kill -INT $recorder
wait $recorder

"$BIN/ivtrace-report" summary "$work/u.ivt" | grep -F 'g: recorded with a filter (pid 1,4000000 name lab-agent,two words)'

"$BIN/ivtrace-report" events --name ivtrace_mark --json "$work/t.ivt" |
	sed -n 's/.*"msg":"\([^"]*\)".*/\1/p' | sed 's/pid=[0-9]*/pid=P/' >"$work/marks"
diff - "$work/marks" <<'END'
request id=17 -- phase=commit
first line
second line
run job ends pid=P status=7
run sh ends pid=P signal=9
run /no/such/file ends pid=P status=127
END
lab/vm check-log g
