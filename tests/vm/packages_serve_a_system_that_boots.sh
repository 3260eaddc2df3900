#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# The packages in a Debian that boots with systemd.  Installed, nothing runs.  A VM that
# connects starts its recorder, another is found by the host's; killed, they go on and
# have each record once; upgraded, they begin another piece; stopped, all traces are
# finished.  Removed
# while they record they end in order, purged they leave nothing.  The VM is a QEMU that
# is never started, as another user; its guest a program that writes into its memory.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../kvm/lib.sh
. "$SRC/tests/kvm/lib.sh"
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
for tool in dpkg-buildpackage dh dh_dkms; do
	command -v "$tool" >/dev/null || { echo "skip: no $tool"; exit 77; }
done
cd "$SRC"
mkdir -p "$O/tests"
work=$(mktemp -d "$O/tests/vm.XXXXXX")
export O IVT_LAB_HOST_DIR=$work/lab
end()
{
	local status=$?

	[ "$status" = 0 ] || lab/host exec s -- 'journalctl --no-pager -b -u "ivtrace*" -u vm' || true
	lab/host kill s >/dev/null 2>&1 || true
	(exit "$status") || true
	[ "$status" != 0 ] || rm -rf "$work"
	exit "$status"
}
trap end EXIT
kvm_emulated_host
make --no-print-directory O="$O" deb >"$work/deb.log" || { cat "$work/deb.log"; exit 1; }

step()
{
	echo "$SECONDS s: $*"
}

# What each command in the system may use.
functions='
set -eu
fail() { echo "failed: $*"; exit 1; }
wait_for() # COMMAND...: until it succeeds
{
	end=$(($(date +%s) + 60))
	until "$@"; do
		[ "$(date +%s)" -lt "$end" ] || fail "waited in vain for: $*"
		sleep 0.1
	done
}
pid_of() { systemctl show -P MainPID "$1"; }
is() { [ "$(systemctl show -P "$2" "$1")" = "$3" ]; }
expect() { is "$@" || fail "$1: $2 is $(systemctl show -P "$2" "$1"), not $3"; }
another() { [ "$(pid_of "$1")" != "$2" ] && is "$1" SubState running; }
has_vm() # RECORDER NAME STATE
{
	ivtrace-host status --pid "$(pid_of "$1")" 2>/dev/null | grep -q "^  $2  *$3"
}
marks() { for t in "$@"; do ivtrace-report events --name ivtrace_mark "$t"; done | grep -c ivtrace_mark; }
host=ivtrace-host.service a=ivtrace-host@a.service dir=/var/lib/ivtrace
'
on()
{
	lab/host exec s --timeout 120 -- "$functions$1"
}

# One CPU: with more, TCG now and then runs an int3 that is gone (lab/README.md).
lab/host start s --systemd --smp 1 --boot-timeout $((90 * IVT_LAB_SLOWER))
step 'booted'
on 'dpkg -i "$O"/deb/ivtrace_*.deb "$O"/deb/ivtrace-guest_*.deb "$O"/deb/libivring0_*.deb >/tmp/log 2>&1 ||
		{ cat /tmp/log; exit 1; }
	apt-get -q check
	for unit in $host $a ivtrace-host@a.socket; do
		expect $unit ActiveState inactive
		[ "$(systemctl is-enabled $unit)" != enabled ] || fail "$unit is enabled"
	done
	ivtrace-guest --version; ivtrace-host --version'
step 'installed'

# systemctl start returns when it records: no waiting here.  Two programs are enough to
# see that they load and are let: all of them take TCG ten seconds.
on 'sed -i "s/^IVTRACE_OPTIONS=.*/IVTRACE_OPTIONS=--host sched_switch,block_rq_issue --tsc tcg/" /etc/default/ivtrace-host
	systemctl enable -q --now ivtrace-host@a.socket
	ivtrace-host qemu-args --vm b --size 4M --cpus 2 >/dev/null
	chown nobody /dev/shm/ivtrace-b
	systemctl start $host
	ivtrace-host status --pid "$(pid_of $host)"
	expect $a ActiveState inactive'
step 'the host is recorded'
on 'systemd-run -q --unit vm -p User=nobody -p Group=kvm qemu-system-x86_64 -machine q35 -nodefaults \
		-accel tcg -display none -m 16 -S \
		-chardev socket,path=/run/ivtrace-vm/a.sock,id=a -device ivshmem-doorbell,chardev=a,vectors=1 \
		-object memory-backend-file,id=b,share=on,mem-path=/dev/shm/ivtrace-b,size=4M \
		-device ivshmem-plain,memdev=b
	wait_for has_vm $a a waiting
	wait_for has_vm $host b waiting
	ivtrace-host status'
step 'VMs a and b are there'

# Their guests write while the recorders are killed.  Replaced by an upgrade they end in
# order first: what guests write in between nobody has asked for.
on 'qemu=$(pid_of vm)
	region=$(find /proc/$qemu/fd -lname "/memfd:*ivtrace*" | head -n 1)
	[ -n "$region" ] || { ls -l /proc/$qemu/fd; fail "no region in the hands of QEMU"; }
	guest=$O/tests/data/pretend-guest
	$guest "$region" --cpus 2 --count 3000 --pace-us 200000 >/tmp/a.said 2>&1 & a_guest=$!
	$guest /dev/shm/ivtrace-b --cpus 2 --count 3000 --pace-us 200000 >/tmp/b.said 2>&1 & b_guest=$!
	wait_for has_vm $a a recording
	wait_for has_vm $host b recording
	for unit in $host $a; do
		kill -KILL "$(pid_of $unit)"
	done
	for unit in $host $a; do
		wait_for is $unit NRestarts 1
		wait_for is $unit SubState running
	done
	wait $a_guest
	wait $b_guest
	cat /tmp/a.said /tmp/b.said
	was_host=$(pid_of $host) was_a=$(pid_of $a)
	dpkg -i "$O"/deb/ivtrace_*.deb >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }
	wait_for another $host $was_host
	wait_for another $a $was_a'
step 'killed, upgraded'

on 'systemctl stop $host $a
	for unit in $host $a; do
		expect $unit Result success
		expect $unit ExecMainStatus 0
		expect $unit ActiveState inactive
	done
	ls -l $dir
	for trace in $dir/*.ivt; do
		ivtrace-report summary $trace >/tmp/summary 2>/tmp/err || fail "$trace: $(cat /tmp/err)"
		# The clock of the pretended guest is none that QEMU could tell.
		! grep -v "the clock log has no offset" /tmp/err || fail "$trace is complained about"
		grep -q "\"finalised\": *true" $trace/manifest.json || fail "$trace is not finished"
	done
	cat /tmp/summary
	for vm in a b; do
		case $vm in a) chunks=a ;; *) chunks=host ;; esac
		wrote=$(sed -n "s/.*\"recorded\": *\([0-9]*\).*/\1/p" /tmp/$vm.said)
		there=$(marks $dir/$chunks.*.ivt)
		echo "$vm: $wrote written, $there there"
		[ "$wrote" -gt 0 ] && [ "$there" = "$wrote" ] || fail "records of $vm"
	done
	! journalctl --no-pager -b -k | grep type=1326
	! journalctl --no-pager -b -u "ivtrace*" | grep -E "not permitted|[Dd]enied"'
step 'stopped; the traces are whole'

on 'systemctl start $host
	apt-get -qq -y remove ivtrace >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }
	! pgrep ivtrace-host || fail "it still runs"
	[ ! -e /run/ivtrace-vm/a.sock ] || fail "its socket is there"
	for trace in $dir/host.*.ivt; do
		grep -q "\"finalised\": *true" $trace/manifest.json || fail "$trace is not finished"
	done
	apt-get -qq -y purge ivtrace ivtrace-guest libivring0 >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }
	rm /dev/shm/ivtrace-b
	find /etc /run /var /dev/shm /usr/bin /usr/lib/systemd /usr/share -name "*ivtrace*" >/tmp/left
	grep -v "^/run/systemd/\|^/var/log/" /tmp/left && fail "is left of it" || true
	[ -z "$(systemctl list-units --no-legend "ivtrace*")" ] || { systemctl list-units "ivtrace*"; fail units; }'
step 'removed, purged'
lab/host check-log s
