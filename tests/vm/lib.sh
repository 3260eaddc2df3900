# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the VM tests share: a work folder, guests with a region each, and that
# nothing of it is left.

# Sets $work; everything is undone at exit.
vm_setup()
{
	[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
	cd "$SRC"
	mkdir -p "$O/tests"
	work=$(mktemp -d "$O/tests/vm.XXXXXX")
	export IVTRACE_RUN_DIR=$work/run
	export IVT_LAB_DIR=$work/lab
	export O
	trap vm_teardown EXIT
	lab/build-image --module "$O/module/ivtrace.ko" >/dev/null
}

vm_teardown()
{
	local status=$? job name

	for job in $(jobs -p); do
		kill -KILL "$job" 2>/dev/null || true
	done
	# They have said all that is asked: no power-off of each in turn.
	for name in $(lab/vm list 2>/dev/null | awk '{ print $1 }'); do
		lab/vm kill "$name" >/dev/null 2>&1 || true
	done
	[ ! -d "$work/disk" ] || lab/slowdisk-ctl stop "$work/disk" >/dev/null 2>&1 || true
	rm -f "/dev/shm/ivtrace-test-$$-"*
	[ "$status" != 0 ] || rm -rf "$work"
	exit "$status"
}

wait_for() # SECONDS COMMAND...: until it succeeds
{
	local end=$((SECONDS + $1 * ${IVT_LAB_SLOW:-1}))

	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || { echo "waited in vain for: $*"; exit 1; }
		sleep 0.1
	done
}

# The driver records: its state dump, at least, is there.
has_records() # TRACE NAME
{
	[ -n "$(find "$1/vm-$2" -name 'cpu_*' -size +0 2>/dev/null)" ]
}

vm_region() # NAME
{
	echo "/dev/shm/ivtrace-test-$$-$1"
}

# vm_start NAME [lab/vm start's options]: a guest with a formatted 16 MiB region
vm_start()
{
	local name=$1

	shift
	"$BIN/ivtrace-host" qemu-args --vm "$name=shm:$(vm_region "$name")" --size 16M --cpus 2 \
		>/dev/null
	lab/vm start "$name" --region "$(vm_region "$name")" --region-size 16M "$@"
}

vm_socket() # NAME: where a recorder is this guest's ivshmem server
{
	echo "/dev/shm/ivtrace-test-$$-$1.sock"
}

# vm_start_doorbell NAME [lab/vm start's options]: a recorder listens already
vm_start_doorbell()
{
	local name=$1

	shift
	lab/vm start "$name" --qemu-args "-chardev socket,path=$(vm_socket "$name"),id=iv -device ivshmem-doorbell,chardev=iv,vectors=1" "$@"
}

# record_doorbell TRACE [record's options]: of a, in the background; $recorder, TRACE.log
record_doorbell()
{
	local trace=$1

	shift
	"$BIN/ivtrace-host" record -o "$work/$trace.ivt" --vm "a=sock:$(vm_socket a)" --host none \
		--size 16M --cpus 2 "$@" 2>"$work/$trace.log" &
	recorder=$!
	wait_for 20 grep -qs 'recording into' "$work/$trace.log"
}

end_recording()
{
	kill -INT "$recorder"
	wait "$recorder"
}
