# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the KVM tests share: a scenario of lab/ that runs on a KVM host, this
# machine or an emulated one, and what it leaves in a work folder.

# Limits are there for what hangs.  A machine that has other work takes its time.
export IVT_LAB_SLOWER=${IVT_LAB_SLOWER:-2}

# Sets $work; everything is undone at exit.
kvm_setup()
{
	[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
	cd "$SRC" || exit 1
	export O
	mkdir -p "$O/tests"
	work=$(mktemp -d "$O/tests/kvm.XXXXXX")
	trap kvm_teardown EXIT
	lab/build-image --module "$O/module/ivtrace.ko" >/dev/null
	[ "$(lab/vm accel)" = kvm ] || kvm_emulated_host
}

# The root tree needs the network once, which a test machine may not have; what is
# made of it after that has to work.
kvm_emulated_host()
{
	lab/build-host >"$work/build-host.log" 2>&1 && return
	cat "$work/build-host.log"
	[ ! -e "$O/lab/host/inputs" ] || exit 1
	echo "needs a KVM host, and none could be made: $(tail -n 1 "$work/build-host.log")"
	exit 77
}

kvm_teardown()
{
	local status=$?

	case $status in
	0 | 77) rm -rf "$work" ;;
	*) echo "what the scenario left is in $work" ;;
	esac
	exit "$status"
}

# kvm_run SCENARIO [SETTINGS of lab/run]: into $work/SCENARIO, then the clocks of
# each of its traces.
kvm_run()
{
	local trace

	lab/run "$1" "$work/$1" "${@:2}" || {
		cat "$work/$1/steps" "$work/$1/host.complaints" 2>/dev/null
		return 1
	}
	cat "$work/$1/steps" "$work/$1"/*.record
	for trace in "$work/$1"/*.ivt; do
		"$BIN/ivtrace-report" sync "$trace"
	done
}

# kvm_check SCENARIO/TRACE [OPTIONS of check_kvm.py]
kvm_check()
{
	python3 "$SRC/tests/kvm/check_kvm.py" --report "$BIN/ivtrace-report" "$work/$1" "${@:2}"
}
