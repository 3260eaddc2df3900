#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 400
#
# A guest is reset, rebooted, panics or loses its QEMU at a random moment of its
# work, again and again, while it is recorded: each mark that stands in its memory
# then is in the trace, and what is not is counted.  ROUNDS=N (4; with LONG 100),
# SEED=N repeats the choice of deaths and moments.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"

rounds=${ROUNDS:-${LONG:+100}}
rounds=${rounds:-4}
SEED=${SEED:-$RANDOM}
RANDOM=$SEED
deaths=(reset reboot panic kill)
per_trace=20 # a recording follows 32 boots

has_said() # NUMBER TEXT: so often
{
	[ "$(grep -cF "$2" "$work/err")" -ge "$1" ]
}

# The numbers after each "mark rR cC" in memory: the newest of CPU C in round R.
newest_mark() # ROUND CPU
{
	grep -aoE "mark r$1 c$2 [0-9]+" "$(vm_region die)" | awk '$4 > n { n = $4 } END { print n + 0 }'
}

guest_start()
{
	lab/vm start die --smp 2 --region "$(vm_region die)" --region-size 16M --append panic=0 \
		--qemu-args '-action reboot=reset'
}

boots()
{
	lab/vm console die | grep -c 'lab: .* is up' || true
}

has_booted() # NUMBER
{
	[ "$(boots)" -ge "$1" ] && lab/vm wait die --timeout 5
}

# Marks on both CPUs, as fast as a shell can.
work_on() # ROUND
{
	local cpu

	for cpu in 0 1; do
		lab/vm exec die -- "(i=1; while :; do echo mark r$1 c$cpu \$i >/dev/ivtrace; i=\$((i + 1)); done) \
			>/dev/null 2>&1 & taskset -p $((1 << cpu)) \$! >/dev/null"
	done
}

qmp()
{
	lab/vm qmp die "{\"execute\": \"$1\"}" >/dev/null
}

# The guest stands still after it: what its memory holds is final.
die() # DEATH
{
	case $1 in
	reset) qmp stop ;;
	reboot) lab/vm exec die -- '(sleep 0.1; reboot -f) >/dev/null 2>&1 &' ;;
	panic) lab/vm exec die -- '(sleep 0.1; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &' ;;
	kill) lab/vm kill die ;;
	esac
}

state() # of the guest's driver, as a number
{
	od -An -tu4 -j4096 -N4 "$(vm_region die)" | tr -d ' '
}

# is_still DEATH: no vCPU writes any more
is_still()
{
	case $1 in
	reboot) [ "$(state)" = 0 ] ;; # and the next kernel takes seconds to come
	panic) [ "$(state)" = 4 ] ;;
	*) true ;;
	esac
}

published() # records, by the guest's own counters
{
	local cpu n=0

	for cpu in 0 1; do
		n=$((n + $(od -An -tu8 -j$((0x2070 + 256 * cpu)) -N8 "$(vm_region die)")))
	done
	echo "$n"
}

# What the trace must hold, for check_deaths.py: a line per round.
note() # ROUND DEATH
{
	echo "$1 $2 $(published) $(newest_mark "$1" 0) $(newest_mark "$1" 1)" >>"$work/rounds"
}

revive() # DEATH
{
	local before

	before=$(boots)
	case $1 in
	kill)
		guest_start
		return
		;;
	reset | panic) qmp system_reset ;;
	esac
	[ "$1" = panic ] || qmp cont
	wait_for 90 has_booted $((before + 1))
}

is_recorded()
{
	lab/vm exec die -- 'grep -q recording /sys/class/misc/ivtrace/state'
}

one_round() # ROUND: sets death
{
	death=${deaths[$(((first + $1) % 4))]}
	[ "$rounds" -le 4 ] || death=${deaths[$((RANDOM % 4))]}
	wait_for 30 is_recorded
	work_on "$1"
	sleep "$((RANDOM % 2)).$((RANDOM % 900 + 100))"
	echo "round $1: $death"
	die "$death"
	wait_for 30 is_still "$death"
	[ "$death" != reboot ] || qmp stop
	note "$1" "$death"
}

# one_trace FIRST LAST: rounds in one recording
one_trace()
{
	local round

	: >"$work/err"
	: >"$work/rounds"
	guest_start
	"$BIN/ivtrace-host" record -o "$work/t.ivt" --host none --vm "die=shm:$(vm_region die)" \
		2>"$work/err" &
	recorder=$!
	wait_for 30 has_said 1 'guest with Linux'
	for ((round = $1; round <= $2; round++)); do
		one_round "$round"
		[ "$round" = "$2" ] || revive "$death"
	done
	lab/vm kill die
	wait_for 30 eval 'tail -n 5 "$work/err" | grep -q "has ended"'
	kill -INT "$recorder"
	wait "$recorder"
	cat "$work/err"
	"$BIN/ivtrace-report" summary --json "$work/t.ivt" >"$work/summary"
	"$BIN/ivtrace-report" events --name ivtrace_mark --json "$work/t.ivt" >"$work/marks"
	python3 "$SRC/tests/vm/check_deaths.py" "$work/rounds" "$work/summary" "$work/marks"
	babeltrace2 "$work/t.ivt" | grep -c 'mark r[0-9]* c' | grep -x "$(grep -c '"mark r' "$work/marks")"
	rm -rf "$work/t.ivt"
}

echo "seed $SEED"
first=$((RANDOM % 4))
vm_setup
"$BIN/ivtrace-host" qemu-args --vm "die=shm:$(vm_region die)" --size 16M --cpus 2 >/dev/null
for ((from = 1; from <= rounds; from += per_trace)); do
	to=$((from + per_trace - 1))
	one_trace "$from" $((to < rounds ? to : rounds))
done
