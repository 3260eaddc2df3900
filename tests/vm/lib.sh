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
	export IVT_LAB_DIR=$work/lab
	export O
	trap vm_teardown EXIT
	lab/build-image --module "$O/module/ivtrace.ko" >/dev/null
}

vm_teardown()
{
	local status=$? job

	for job in $(jobs -p); do
		kill -KILL "$job" 2>/dev/null || true
	done
	lab/vm stop-all >/dev/null 2>&1 || true
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
