#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What tracing costs a guest, in its own instructions: TCG guests of one vCPU whose
# TSC counts instructions (-icount), in which ivtrace and its rivals trace the same
# work, in turn.  And how often tracing leaves the guest, which wants a KVM host.
# What a machine has not (a rival, QEMU) is said on standard error.
#
#	guest.sh [--quick]	KVM_HOST=yes: VM exits, too, on an emulated KVM
#				host (minutes)
set -uo pipefail
cd "$SRC" || exit 1

skip() # WHY
{
	echo "guest: skipped: $1" >&2
	exit 0
}

command -v qemu-system-x86_64 >/dev/null || skip 'no qemu-system-x86_64'
[ -e "$O/module/ivtrace.ko" ] || skip 'no module for guests (make module)'

runs=10 n_empty=3
[ "${1-}" != --quick ] || runs=1 n_empty=1

# Not in a guest under TCG: that never leaves.
exits_of_records()
{
	local calls

	export -n IVT_LAB_IMAGE
	lab/build-image --module "$O/module/ivtrace.ko" "$O/lab/image" >&2
	if [ "$(IVT_LAB_IMAGE=$O/lab/image lab/vm accel)" != kvm ] && [ "${KVM_HOST-}" != yes ]; then
		echo "guest: exits_per_event: not measured: no KVM (KVM_HOST=yes emulates it)" >&2
		return
	fi
	lab/run kvm-exits "$work/exits" >&2 || fail "no exits: $(cat "$work/exits/failures")"
	calls=$(awk '$1 == "recorded" && $2 == "calls" { n += $3 } END { print n }' "$work/exits/exits.tsv")
	equal "calls recorded while exits were counted" "$("$BIN/ivtrace-report" events --vm a \
		--name syscall_exit_getpriority "$work/exits/trace.ivt" | grep -c getpriority)" "$calls" >&2
	bench/guest_figures.py "$work/exits/exits.tsv" || fail "cannot work out what is in $work/exits"
}

# shellcheck source-path=SCRIPTDIR source=../tests/vm/tools/driver.sh
. "$SRC/tests/vm/tools/driver.sh" >&2
# shellcheck source-path=SCRIPTDIR source=guest/rivals.sh
. "$SRC/bench/guest/rivals.sh"

fail() # WHY; standard output is for figures
{
	echo "guest: $*" >&2
	exit 1
}

mkdir -p "$O/bench"
work=$(mktemp -d "$O/bench/guest.XXXXXX")
rivals_find "$(<"$IVT_LAB_IMAGE/release")" "$O/bench/rivals"
parts=()
for part in events overhead overhead_user; do
	bench/guest/part "$part" "$work" "$runs" "$n_empty" >"$work/$part.log" 2>&1 &
	parts+=("$!:$part")
done
status=0
for part in "${parts[@]}"; do
	wait "${part%%:*}" && continue
	tail -n 40 "$work/${part#*:}.log" >&2
	status=1
done
[ "$status" = 0 ] || exit 1
bench/guest_figures.py "$work"/*.figures || fail "cannot work out what is in $work"
exits_of_records
rm -rf "$work"
