#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What ivtrace-host costs and how well it does with 1, 10 and 100 real VMs, idle and
# busy: its share of a CPU, how long a record takes until it is in a file, and whether
# all that the guests attempted is in the trace or counted.  And what recording the
# host's events costs, beside trace-cmd, and a program's, beside LTTng's consumer; and
# how far behind a live reader is.  Wants root, QEMU, the guest's module, and 18 GB for a
# hundred guests; what there is not is said on standard error.
#
#	collector.sh [--quick]	1 and 4 VMs, short
#	VMS="1 10" SECONDS_EACH=12 RUNS=10 in the environment: what else is wanted
set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=../tests/vm/lib.sh
. "$SRC/tests/vm/lib.sh"

sizes=${VMS:-1 10 100} seconds=${SECONDS_EACH:-12} runs=${RUNS:-10} rounds=300000 events=2000000
interval_us=100000 # of each VM's work: 10 times a second some 7 records
settle=5 # seconds: a hundred programs that start at once are another load
# Waking a TCG guest costs its host 0.3 ms of a CPU: at the driver's default of 100 Hz, a
# hundred guests would want more CPUs than two.
timers='ivtrace.poll_ms=40 ivtrace.flush_ms=40'
[ "${1-}" != --quick ] || sizes='1 4' seconds=3 settle=1 runs=2 rounds=50000 events=500000

skip() # WHY
{
	echo "collector: skipped: $1" >&2
	exit 0
}

fail() # WHY; standard output is for figures
{
	echo "collector: $*" >&2
	lab/fleet stop m
	rm -rf "$(vm_region user.ivt)"
	exit 1
}

[ "$(id -u)" = 0 ] || skip 'not root'
command -v qemu-system-x86_64 >/dev/null || skip 'no qemu-system-x86_64'
[ -e "$O/module/ivtrace.ko" ] || skip 'no module for guests (make module)'

# ---- VMs --------------------------------------------------------------------------

# Those of the sizes that the memory allows; the fleet is as large as the largest.
fit_sizes()
{
	local free fit=() n

	free=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
	for n in $sizes; do
		if [ $((n * 180 + 500)) -le "$free" ]; then
			fit+=("$n")
		else
			echo "collector: $n VMs: not measured: $free MB are free" >&2
		fi
	done
	sizes=${fit[*]}
	[ ${#fit[@]} -gt 0 ] || fail 'no memory for any VM'
	largest=${fit[-1]}
}

start_fleet()
{
	local i

	strip -g -o "$work/ivtrace.ko" "$O/module/ivtrace.ko" || fail 'cannot strip the module'
	export IVT_LAB_IMAGE=$O/bench/collector-image
	mkdir -p "$IVT_LAB_IMAGE"
	lab/build-image --module "$work/ivtrace.ko" >&2 || fail 'no image'
	for ((i = 1; i <= largest; i++)); do
		"$BIN/ivtrace-host" qemu-args --vm "m$i=shm:$(vm_region "m$i")" --size 4M --cpus 1 \
			>/dev/null || fail "no region for m$i"
	done
	echo "collector: starting $largest guests" >&2
	lab/fleet start m "$largest" --regions "$(vm_region '')" --boot-timeout 300 \
		--append "$timers" ||
		fail 'the guests do not start'
}

# The first N drivers' counters, "name state records lost_big lost_full lost_nested",
# once they have seen that nobody records.
counters() # N FILE
{
	# shellcheck disable=SC2016 # the guests'
	lab/fleet exec m --first "$1" --timeout 120 -- 'cd /sys/class/misc/ivtrace
		until grep -q idle state; do sleep 0.1; done; echo $(cat state records lost_*)' >"$2"
}

record_vms() # N LOAD: into $work/vms-N-LOAD.*
{
	local n=$1 name=$work/vms-$1-$2 args=() i recorder watcher=

	for ((i = 1; i <= n; i++)); do
		args+=(--vm "m$i=shm:$(vm_region "m$i")")
	done
	counters "$n" "$name.before" || fail 'no counters'
	"$BIN/ivtrace-host" record -o "$name.ivt" --host none --guest sched_switch,syscall \
		"${args[@]}" >"$name.log" 2>&1 &
	recorder=$!
	wait_for 60 grep -qs 'recording into' "$name.log"
	if [ "$2" = busy ]; then
		# Longer than the watching: it ends first.
		lab/fleet exec m --first "$n" --timeout 300 -- marker --interval-us "$interval_us" \
			--count $(((seconds + settle + 1) * 1000000 / interval_us)) >"$name.work" 2>&1 &
		i=$!
		sleep "$settle"
		"$O/bench/collector/visible" "$name.ivt" "$seconds" >"$name.visible" &
		watcher=$!
	else
		sleep 5 # state dump, first handshakes, names of threads
	fi
	python3 bench/collector/cpu.py share "$recorder" "$seconds" >"$name.cpu" || fail 'no CPU time'
	[ "$2" != busy ] || wait "$i" || fail "the guests' work: $(tail -n 3 "$name.work")"
	kill -INT "$recorder"
	wait "$recorder" || fail "$(tail -n 5 "$name.log")"
	[ -z "$watcher" ] || wait "$watcher" || fail 'no latencies'
	counters "$n" "$name.after" || fail 'no counters'
	"$BIN/ivtrace-report" summary --json "$name.ivt" >"$name.json" || fail "cannot read $name.ivt"
	rm -rf "$name.ivt"
}

measure_vms()
{
	local n vm

	fit_sizes
	start_fleet
	for n in $sizes; do
		record_vms "$n" idle
		record_vms "$n" busy
	done
	for vm in $(lab/fleet names m); do
		lab/vm check-log "$vm" >&2 || fail "the kernel of $vm complained"
	done
	lab/fleet stop m
}

# ---- the host's events ---------------------------------------------------------------

# whole_cost COMMAND...: its CPU time less that of the work in it, in us
whole_cost()
{
	local all

	all=$(python3 bench/collector/cpu.py whole "$@" 2>"$work/whole.log") ||
		fail "$1: $(tail -n 3 "$work/whole.log")"
	echo $((all - $(<"$work/work.us")))
}

host_ivtrace() # prints CPU time in us, records and lost
{
	rm -rf "$work/host.ivt"
	whole_cost "$BIN/ivtrace-host" record -o "$work/host.ivt" --host sched_switch,sched_waking \
		-- "$O/bench/collector/switches" "$rounds" "$work/work.us"
	"$BIN/ivtrace-report" summary --json "$work/host.ivt" | python3 -c '
import json, sys
m = json.load(sys.stdin)["machines"][0]
print(m["records"], m["lost"])'
}

# trace-cmd sets function tracing to what it is, too, which some machines forbid: it has
# files of its own in these places.
host_trace_cmd()
{
	rm -f "$work/host.dat"
	# shellcheck disable=SC2016 # the inner shell's
	whole_cost unshare -m bash -c '
		cp /proc/sys/kernel/ftrace_enabled "$0/enabled" && : >"$0/filter" &&
			mount --bind "$0/enabled" /proc/sys/kernel/ftrace_enabled || exit 1
		for file in set_ftrace_filter set_ftrace_notrace set_ftrace_pid; do
			[ ! -e /sys/kernel/tracing/$file ] ||
				mount --bind "$0/filter" /sys/kernel/tracing/$file || exit 1
		done
		exec "$@"' "$work" trace-cmd record -q -b 16384 --compression none -o "$work/host.dat" \
		-e sched:sched_switch -e sched:sched_waking \
		"$O/bench/collector/switches" "$rounds" "$work/work.us"
	trace-cmd report -i "$work/host.dat" --stat 2>/dev/null | awk '
		/^(entries|read events):/ { n += $NF } /^(overrun|dropped events):/ { lost += $NF }
		END { print n + 0, lost + 0 }'
}

measure_host()
{
	local run

	command -v trace-cmd >/dev/null ||
		{ echo 'collector: trace-cmd: not measured: no such program' >&2; return; }
	for ((run = 0; run < runs; run++)); do
		echo "ivtrace $(host_ivtrace | tr '\n' ' ')" >>"$work/host.costs" || return
		echo "trace-cmd $(host_trace_cmd | tr '\n' ' ')" >>"$work/host.costs" || return
	done
}

# ---- a program's events ------------------------------------------------------------

# As a guest that is a program writes them.  What taking them out of the ring costs, and
# what all costs that the recorder does, from its start to the finished and checked trace.
# Prints both in us, records and lost.
user_ivtrace()
{
	local region trace recorder before

	region=$(vm_region user) trace=$(vm_region user.ivt)
	rm -rf "$trace" "$region" "$work/done"
	mkfifo "$work/done" # a command that waits without doing anything
	"$BIN/ivtrace-host" qemu-args --vm "a=shm:$region" --size 16M --cpus 1 >/dev/null
	: >"$work/user.log"
	python3 bench/collector/cpu.py whole "$BIN/ivtrace-host" record -o "$trace" \
		--vm "a=shm:$region" --host none --tsc tcg -- bash -c "read -r <'$work/done'" \
		>"$work/user.us" 2>"$work/user.log" &
	recorder=$!
	wait_for 20 grep -qs 'recording into' "$work/user.log"
	before=$(python3 bench/collector/cpu.py now "$recorder")
	"$O/tests/data/pretend-guest" "$region" --cpus 1 --count "$events" >&2
	sleep 0.2
	echo $(($(python3 bench/collector/cpu.py now "$recorder") - before))
	echo >"$work/done"
	wait "$recorder" || fail "$(tail -n 3 "$work/user.log")"
	cat "$work/user.us"
	"$BIN/ivtrace-report" summary --json "$trace" | python3 -c '
import json, sys
m = json.load(sys.stdin)["machines"][1]
print(m["records"], m["lost"])'
	rm -rf "$trace" "$region"
}

# The consumer alone: it writes into a tmpfs, the session daemon is not counted.
user_lttng()
{
	local said lost used

	said=$(echo "$events" | unshare --mount --pid --fork --kill-child --mount-proc \
		bash bench/rivals/lttng.sh discard "$O/bench/rivals/lttng" 2>"$work/lttng.log") ||
		fail "LTTng: $(tail -n 3 "$work/lttng.log")"
	lost=$(sed -n 's/^lost //p' <<<"$said")
	used=$(sed -n 's/^consumer_us //p' <<<"$said")
	echo "$used $((events - lost)) $lost"
}

measure_user()
{
	local run drained whole records lost

	[ -x "$O/bench/rivals/lttng" ] && command -v lttng-sessiond >/dev/null ||
		{ echo 'collector: LTTng: not measured: not installed' >&2; return; }
	for ((run = 0; run < runs; run++)); do
		read -r drained whole records lost <<<"$(user_ivtrace | tr '\n' ' ')"
		echo "ivtrace $drained $records $lost" >>"$work/user.costs"
		echo "ivtrace-whole $whole $records $lost" >>"$work/user.costs"
		echo "lttng-consumerd $(user_lttng)" >>"$work/user.costs" || return
	done
}

# ---- a live reader -----------------------------------------------------------------

# events --follow of a recording of one program, which writes a record each millisecond.
measure_follow()
{
	local region trace recorder

	region=$(vm_region user) trace=$(vm_region user.ivt)
	rm -rf "$trace" "$region"
	"$BIN/ivtrace-host" qemu-args --vm "a=shm:$region" --size 4M --cpus 1 >/dev/null
	"$BIN/ivtrace-host" record -o "$trace" --vm "a=shm:$region" --host none --tsc tcg \
		>"$work/follow.log" 2>&1 &
	recorder=$!
	wait_for 20 grep -qs 'recording into' "$work/follow.log"
	"$O/bench/collector/lag" "$region" "$seconds" "$trace" "$BIN/ivtrace-report" \
		>"$work/follow.lag" 2>"$work/lag.log" || fail "$(tail -n 3 "$work/lag.log")"
	kill -INT "$recorder"
	wait "$recorder" || fail "$(tail -n 5 "$work/follow.log")"
	rm -rf "$trace" "$region"
}

cd "$SRC" || exit 1
vm_setup >&2
set +e
measure_host
measure_user
measure_follow
measure_vms
python3 -B bench/collector_figures.py "$work" || fail "cannot work out what is in $work"
