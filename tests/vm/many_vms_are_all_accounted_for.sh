#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# alone: it is many by itself
#
# Many guests at once (8; with LONG a hundred, which wants 18 GB) make numbered system
# calls and task switches at a modest rate, are recorded, and end together.  Of every
# guest: what its driver says it attempted is what the trace holds and counts as lost,
# to the record; all its numbers are there, in order, and nobody else's; nothing found
# no room.  And while they work, one timer of the driver wakes each vCPU, not two.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"

n=8 calls=300 interval_us=10000 timers=
# A hundred TCG guests on two CPUs: 200 timers a second each would be too many.
[ -z "${LONG-}" ] || n=100 calls=200 interval_us=100000 \
	timers='ivtrace.poll_ms=40 ivtrace.flush_ms=40'
[ "$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)" -gt $((n * 180 + 1000)) ] ||
	{ echo "$n guests do not fit into the memory that is free"; exit 77; }

vm_setup
export prefix=many calls interval_us work
args=()
for ((i = 1; i <= n; i++)); do
	"$BIN/ivtrace-host" qemu-args --vm "$prefix$i=shm:$(vm_region "$prefix$i")" --size 4M \
		--cpus 1 >/dev/null
	args+=(--vm "$prefix$i=shm:$(vm_region "$prefix$i")")
done
lab/fleet start "$prefix" "$n" --regions "$(vm_region '')" --append "$timers" \
	--boot-timeout 300

cat >"$work/load" <<'END'
#!/bin/bash
# Runs while recording: each guest makes calls with numbers of its own.
set -euo pipefail
lab/fleet exec "$prefix" --timeout 200 -- "marker --first \$((number * 1000000)) \
	--count $calls --interval-us $interval_us &
	while kill -0 \$! 2>/dev/null; do
		grep -o 'ivtrace_[a-z]*_timer' /proc/timer_list; sleep 0.2
	done" >"$work/markers"
END
chmod +x "$work/load"
"$BIN/ivtrace-host" record -o "$work/t.ivt" --host none --guest sched_switch,syscall \
	"${args[@]}" -- "$work/load"
# Once a driver has seen that nobody records, its counters stand.
# shellcheck disable=SC2016 # the guests'
lab/fleet exec "$prefix" -- 'cd /sys/class/misc/ivtrace
	until grep -q idle state; do sleep 0.1; done; echo $(cat state records lost_*)' \
	>"$work/drivers"
for vm in $(lab/fleet names "$prefix"); do
	lab/vm check-log "$vm"
done
lab/fleet stop "$prefix"
grep -q ivtrace_control_timer "$work/markers"
if grep ivtrace_flush_timer "$work/markers"; then
	echo "a second timer of the driver wakes a guest's only vCPU"
	exit 1
fi
"$BIN/ivtrace-report" summary --json "$work/t.ivt" >"$work/summary.json"
"$BIN/ivtrace-report" events --json --name syscall_entry_getpriority "$work/t.ivt" \
	>"$work/calls.jsonl"
python3 "$SRC/tests/vm/check_many_vms.py" "$work" "$prefix" "$n" "$calls"
