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
	local trace tries=1

	until lab/run "$1" "$work/$1" "${@:2}"; do
		kvm_emulation_died "$1" && [ $((tries++)) -lt 4 ] || return 1
		echo "the emulated host or a guest of it died: once more"
	done
	cat "$work/$1/steps" "$work/$1"/*.record
	for trace in "$work/$1"/*.ivt; do
		"$BIN/ivtrace-report" sync "$trace"
	done
}

# Once in a while, TCG's SVM gives guest or host a page fault that it cannot have.
# It ends in a triple fault, the guest is gone without a word on its console, or in
# faults within faults until the host's stack is full; or one of them stands still
# until the time is up.  Only there, and only that,
# is worth another try, three at most; what it was is in the log.
kvm_emulation_died() # SCENARIO
{
	cat "$work/$1/steps" "$work/$1/host.complaints" 2>/dev/null || true
	grep -q '"where": "host"' "$work/$1/result.json" || return 1
	grep -qE "status 125|did not boot|the host died|stood still|time is up" "$work/$1/failures" || return 1
	"$BIN/ivtrace-report" events --vm host "$work/$1/"*.ivt 2>/dev/null | grep 'triple fault' || true
}

# kvm_check SCENARIO/TRACE [OPTIONS of check_kvm.py]
kvm_check()
{
	python3 "$SRC/tests/kvm/check_kvm.py" --report "$BIN/ivtrace-report" "$work/$1" "${@:2}"
}
