#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 180
# The doctor on hosts that lack something (another user's, without file systems that
# are there, with a small /dev/shm): each lack is named once, with what to do; the
# status is 1 where recording cannot work.
set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
doctor="$BIN/ivtrace-host doctor"

# state NAME WANTED: in the JSON of the last run
state()
{
	local got

	got=$(python3 -c 'import json, sys
for c in json.load(open(sys.argv[1])):
    assert set(c) == {"check", "state", "what", "found", "why", "advice"} and c["advice"], c
    if c["check"] == sys.argv[2]: print(c["state"])' "$tmp/out" "$1" 2>"$tmp/err")
	[ "$got" = "$2" ] || fail "$1 is '$got', not $2"
}

# in_world SETUP STATUS: the doctor in a mount namespace of its own, after SETUP
in_world()
{
	timeout 60 unshare -m --propagation private sh -c "$1; exec $doctor --json" \
		>"$tmp/out" 2>"$tmp/err" </dev/null
	local got=$?

	[ $got = "$2" ] || fail "$1: status $got, not $2"
}

says 2 'unexpected' "$BIN/ivtrace-host" doctor nonsense
says 2 'see ivtrace-host doctor' "$BIN/ivtrace-host" doctor --nonsense
[ "$(id -u)" = 0 ] || { echo "skip: needs root"; exit 77; }

# another user, to whom nothing of ours is open
install -d -m 755 "$tmp/bin"
install -m 755 "$BIN/ivtrace-host" "$tmp/bin/"
timeout 60 setpriv --reuid=65534 --regid=65534 --clear-groups "$tmp/bin/ivtrace-host" doctor --json \
	>"$tmp/out" 2>"$tmp/err"
[ $? = 1 ] || fail 'another user: not status 1'
state root missing
state bpf without
state run-dir without
state report without

if unshare -m --propagation private true 2>/dev/null; then
	in_world 'mount -t tmpfs none /sys/kernel' 0
	for lack in btf bpf debugfs tracefs kvm-clocks; do
		state $lack without
	done
	in_world 'mount -t tmpfs -o size=1M,mode=1777 none /dev/shm' 1
	state room missing
	state shm ok
	in_world 'mount -t tmpfs -o mode=777 none /dev/shm' 1
	state shm missing
	state room ok
	in_world 'PATH=/nowhere; export PATH' 0
	state qemu without
	state ivshmem without
	state systemtap without
	in_world "mkdir -m 777 $tmp/run; export IVTRACE_RUN_DIR=$tmp/run" 0
	state run-dir without
	timeout 60 unshare -m --propagation private sh -c \
		"mount -t tmpfs -o size=1M none /dev/shm; exec $doctor" >"$tmp/out" 2>"$tmp/err"
	grep -qE '^missing  room for a region .*\(1 MiB are free\).*--size' "$tmp/out" || {
		cp "$tmp/out" "$tmp/err"
		fail 'no line of it'
	}
else
	echo 'mount namespaces are not allowed here: not tried'
fi

if [ -e /sys/kernel/btf/vmlinux ]; then
	$doctor --json >"$tmp/out" 2>"$tmp/err"
	for there in root kernel seccomp btf bpf report; do
		state $there ok
	done
fi
exit "$failed"
