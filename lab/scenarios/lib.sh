# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What scenarios are made of. A scenario is a script in this folder that runs on
# a KVM host, lab/host's or a real one; lab/run starts it. Its head says
#
#	# what: one line for 'lab/run --list'
#	# timeout: seconds until it has hung (300)
#	# host: more options for lab/host start
#
# and it finds OUT (where results go), SRC, O, BIN, LAB_DISK (a slow disk of
# 256 MiB), GUEST_CMD (what each guest runs in the place of the scenario's own
# workload; may be empty), TSC (--tsc of the recordings) and RECORD=no (run it
# without a recording) in the environment.  SCRIPT, where a scenario sets it, is a
# SystemTap script that records beside the host's own events.
set -euo pipefail

vm=$SRC/lab/vm
slower=${IVT_LAB_SLOWER:-1}
guests=() ready=()
# Guests that come while they are recorded, see guest_at_doorbell.
doorbells=()
recorder=
disk_bytes=$((128 << 20))
# Compiled for lab/host; a host of one's own compiles it itself.
stap_module=$O/lab/host/ivtrace_kvm_exit.ko
[ "$(cat "$O/lab/host/image/release" 2>/dev/null)" = "$(uname -r)" ] && [ -e "$stap_module" ] ||
	stap_module=$SRC/tsc-sync/kvm_exit.stp

step()
{
	printf '%8.2f %s\n' "$(cut -d ' ' -f 1 /proc/uptime)" "$*" | tee -a "$OUT/steps"
}

# fail MESSAGE...: the scenario goes on, but has failed.
fail()
{
	step "FAIL: $*"
	echo "$*" >>"$OUT/failures"
}

# die MESSAGE...: it ends.
die()
{
	fail "$@"
	exit 1
}

region()
{
	echo "/dev/shm/ivtrace-$1"
}

# guest NAME [OPTIONS of lab/vm start]: does not wait, see guests_ready.
guest()
{
	local name=$1 extra=()

	shift
	rm -f "$(region "$name")"
	[ "$RECORD" = no ] ||
		"$BIN/ivtrace-host" qemu-args --vm "$name=shm:$(region "$name")" --size 16M \
			--cpus 4 >/dev/null || die "cannot make the region of '$name'"
	[ -z "${GUEST_CMD_FILE-}" ] || extra+=(--add "$GUEST_CMD_FILE:/bin/guest-cmd")
	"$vm" start "$name" --no-wait --region "$(region "$name")" --region-size 16M \
		"${extra[@]}" "$@" || die "cannot start guest '$name'"
	guests+=("$name")
}

doorbell_socket()
{
	echo "/run/ivtrace-$1.sock"
}

# guest_at_doorbell NAME [OPTIONS of lab/vm start]: one of doorbells; QEMU connects to
# the recorder, which must run. Does not wait.
guest_at_doorbell()
{
	local name=$1 args

	args="-chardev socket,path=$(doorbell_socket "$name"),id=iv"
	args+=' -device ivshmem-doorbell,chardev=iv,vectors=1'
	shift
	"$vm" start "$name" --no-wait --qemu-args "$args" "$@" || die "cannot start guest '$name'"
	guests+=("$name")
}

guests_ready()
{
	local name

	for name in "${guests[@]}"; do
		"$vm" wait "$name" --timeout $((90 * slower)) || die "guest '$name' did not boot"
	done
	ready=("${guests[@]}")
	step "guests are up: ${guests[*]}"
}

# wait_for SECONDS COMMAND...: until it succeeds; fails when the time is up.
wait_for()
{
	local end=$((SECONDS + $1 * slower))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.2
	done
}

# on NAME COMMAND...: runs it in the guest; a status other than 0 is a failure. From a
# guest that is gone or stands still nothing more is to be had.
on()
{
	local name=$1 status=0

	shift
	"$vm" exec "$name" --timeout $((90 * slower)) -- "$*" || status=$?
	case $status in
	0) ;;
	124 | 125) die "'$*' in guest '$name': status $status" ;;
	*) fail "'$*' in guest '$name': status $status" ;;
	esac
}

# workload NAME DEFAULT...: GUEST_CMD, or else DEFAULT; its output in $OUT.
workload()
{
	local name=$1

	shift
	on "$name" "${GUEST_CMD:-$*}" >>"$OUT/$name.out"
}

qmp()
{
	"$vm" qmp "$1" "$2" >>"$OUT/qmp.log" || fail "QMP command of '$1' failed: $2"
}

# record NAME COMMAND...: runs COMMAND (a function, too) while all guests that
# were started are recorded into $OUT/NAME.ivt.
record()
{
	local name=$1 status=0 args=() guest

	shift
	if [ "$RECORD" = no ]; then
		"$@"
		return
	fi
	for guest in "${guests[@]}"; do
		args+=(--vm "$guest=shm:$(region "$guest")")
	done
	for guest in "${doorbells[@]}"; do
		args+=(--vm "$guest=sock:$(doorbell_socket "$guest")" --size 16M --cpus 4)
	done
	[ "$TSC" != stap ] || args+=(--stap-module "$stap_module")
	[ -z "${SCRIPT-}" ] || args+=(--stap "$SCRIPT")
	"$BIN/ivtrace-host" record -o "$OUT/$name.ivt" --tsc "$TSC" "${args[@]}" \
		>"$OUT/$name.record" 2>&1 </dev/null &
	recorder=$!
	recording_begins "$recorder" "$OUT/$name.ivt" ||
		die "cannot record: $(tail -n 1 "$OUT/$name.record")"
	step "recording $name"
	"$@"
	kill -INT "$recorder" 2>/dev/null || true
	wait "$recorder" || status=$?
	recorder=
	[ "$status" = 0 ] || fail "ivtrace-host record: status $status:" \
		"$(tail -n 1 "$OUT/$name.record")"
	[ -s "$OUT/$name.ivt/manifest.json" ] || fail "no manifest in $name.ivt"
	step "recorded $name: $(du -sk "$OUT/$name.ivt" | cut -f 1) KiB"
}

# recording_begins PID DIR: until records of each guest that is up arrive.
recording_begins()
{
	wait_for 60 has_begun "$@" && kill -0 "$1" 2>/dev/null
}

# has_begun PID DIR: or PID has ended.
has_begun()
{
	local name

	kill -0 "$1" 2>/dev/null || return 0
	for name in "${ready[@]}"; do
		[ -n "$(find "$2/vm-$name" -name 'cpu_*' -size +0 2>/dev/null)" ] || return 1
	done
}

# observe FILE COMMAND...: runs COMMAND while tsc-sync/kvm_exit.stp writes what it
# sees to FILE: a witness of the clocks that shares nothing with the recorder.
# Without SystemTap there is no FILE.
observe()
{
	local file=$1 observer

	shift
	if ! command -v staprun >/dev/null; then
		"$@"
		return
	fi
	case $stap_module in
	*.ko) staprun "$stap_module" >"$file" 2>"$file.log" </dev/null & ;;
	*) stap "$stap_module" >"$file" 2>"$file.log" </dev/null & ;;
	esac
	observer=$!
	until [ -s "$file" ]; do
		kill -0 "$observer" 2>/dev/null || die "SystemTap: $(tail -n 1 "$file.log")"
		sleep 0.2
	done
	"$@"
	kill -INT "$observer" 2>/dev/null || true
	wait "$observer" || true
}

# tsc_offsets FILE: what KVM uses now, a line per vCPU: pid-fd vcpu offset.
tsc_offsets()
{
	local path

	for path in /sys/kernel/debug/kvm/*/vcpu*/tsc-offset; do
		path=${path#/sys/kernel/debug/kvm/}
		echo "${path%%/*} $(cut -d / -f 2 <<<"$path") $(<"/sys/kernel/debug/kvm/$path")"
	done >"$1" 2>/dev/null || true
}

scenario_end()
{
	local status=$? name

	trap - EXIT
	set +e
	[ -z "$recorder" ] || { kill -INT "$recorder" && wait "$recorder"; }
	mkdir -p "$OUT/guests"
	[ "$status" = 0 ] || [ -s "$OUT/failures" ] || fail "ended with status $status"
	for name in "${guests[@]}"; do
		cp "$("$vm" dir "$name")/console.log" "$OUT/guests/$name.log"
		cat "$("$vm" dir "$name")/qemu.log" >>"$OUT/guests/$name.qemu"
		"$vm" check-log "$name" >"$OUT/guests/$name.complaints" ||
			fail "the kernel of guest '$name' complained: $(head -n 1 "$OUT/guests/$name.complaints")"
	done
	for name in "${guests[@]}"; do
		"$vm" kill "$name"
		rm -f "$(region "$name")"
	done
	step "end"
	[ ! -s "$OUT/failures" ] || exit 1
}

trap scenario_end EXIT
trap 'exit 130' INT TERM
RECORD=${RECORD-} GUEST_CMD=${GUEST_CMD-} TSC=${TSC:-auto}
[ "$RECORD" = no ] || [ -x "$BIN/ivtrace-host" ] ||
	die "cannot find '$BIN/ivtrace-host' (run make, or take RECORD=no)"
[ -e /sys/kernel/debug/kvm ] || die "this is no KVM host: no /sys/kernel/debug/kvm"
