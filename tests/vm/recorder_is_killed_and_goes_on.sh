#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# A real guest is recorded while ivtrace-host is killed again and again, and goes on;
# once it panics, is reset and boots anew while nobody records.  Each mark that its
# programs wrote is in the trace, once.  KILLS=N (8; with LONG 100), SEED=N.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"
kills=${KILLS:-${LONG:+100}}
kills=${kills:-8}
SEED=${SEED:-$RANDOM}
RANDOM=$SEED

go_on() # sets $recorder
{
	: >"$work/err"
	"$BIN/ivtrace-host" record --resume -o "$work/t.ivt" --host none \
		--vm "kill=shm:$(vm_region kill)" 2>>"$work/err" &
	recorder=$!
	wait_for 60 grep -q 'recording into' "$work/err"
}

recorder_dies()
{
	kill -9 "$recorder"
	wait "$recorder" 2>/dev/null || true
}

is_recorded()
{
	lab/vm exec kill -- 'grep -q recording /sys/class/misc/ivtrace/state'
}

# work_on ROUND COUNT: marks on both CPUs
work_on()
{
	local cpu

	for cpu in 0 1; do
		lab/vm exec kill -- "(i=1; while [ \$i -le $2 ]; do echo mark r$1 c$cpu \$i >/dev/ivtrace; i=\$((i + 1)); done; \
			echo r$1 >/tmp/done.$cpu) >/dev/null 2>&1 & taskset -p $((1 << cpu)) \$! >/dev/null"
	done
}

has_worked() # ROUND
{
	lab/vm exec kill -- "grep -qx r$1 /tmp/done.0 && grep -qx r$1 /tmp/done.1"
}

# marks_of ROUND COUNT: each of 1..COUNT of both CPUs once, in order
marks_of()
{
	local cpu

	for cpu in 0 1; do
		grep -oE "mark r$1 c$cpu [0-9]+" "$work/marks" | awk -v n="$2" '
			$4 != NR { print "mark", NR, "is", $4; exit 1 }
			END { if (NR != n) { print NR, "of", n; exit 1 } }'
	done
}

boots()
{
	lab/vm console kill | grep -c 'lab: .* is up' || true
}

has_booted() # NUMBER
{
	[ "$(boots)" -ge "$1" ] && lab/vm wait kill --timeout 5
}

echo "seed $SEED"
vm_setup
"$BIN/ivtrace-host" qemu-args --vm "kill=shm:$(vm_region kill)" --size 16M --cpus 2 >/dev/null
lab/vm start kill --smp 2 --region "$(vm_region kill)" --region-size 16M --append panic=0 \
	--qemu-args '-action reboot=reset'
go_on
wait_for 60 is_recorded

work_on 1 4000
for ((i = 0; i < kills; i++)); do
	sleep "0.$((RANDOM % 900 + 50))"
	recorder_dies
	go_on
done
wait_for 120 has_worked 1

# It panics while nobody records, and boots anew: the driver waits, somebody comes.
work_on 2 200
wait_for 60 has_worked 2
recorder_dies
work_on 3 100
wait_for 60 has_worked 3
lab/vm exec kill -- '(sleep 0.1; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &'
wait_for 30 eval '[ "$(od -An -tu4 -j4096 -N4 "$(vm_region kill)" | tr -d " ")" = 4 ]'
go_on
wait_for 30 grep -q 'has panicked' "$work/err"
recorder_dies
go_on
before=$(boots)
lab/vm qmp kill '{"execute": "system_reset"}' >/dev/null
wait_for 90 has_booted $((before + 1))
wait_for 60 is_recorded
work_on 4 100
wait_for 60 has_worked 4
lab/vm kill kill
wait_for 30 grep -q 'has ended' "$work/err"
kill -INT "$recorder"
wait "$recorder"
cat "$work/err"
"$BIN/ivtrace-report" summary "$work/t.ivt" | tee "$work/summary"
"$BIN/ivtrace-report" events --name ivtrace_mark --json "$work/t.ivt" >"$work/marks"
marks_of 1 4000
marks_of 2 200
marks_of 3 100
marks_of 4 100
[ "$(grep -c '^gap at' "$work/summary")" -ge $((kills + 2)) ]
! grep -q 'bytes of records that guests cleared' "$work/summary"
[ "$("$BIN/ivtrace-report" summary --json "$work/t.ivt" | python3 -c '
import json, sys
print(sum(m["refused_bytes"] for m in json.load(sys.stdin)["machines"]))')" = 0 ]
babeltrace2 "$work/t.ivt" | grep -c 'mark r[0-9] c' | grep -x 8800
