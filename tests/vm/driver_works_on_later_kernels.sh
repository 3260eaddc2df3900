#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
# The driver on the kernels of Debian 13 and its backports, Debian's newest: it
# binds by the device's alias, records exactly, marks, sleeps, goes; the kernels say
# nothing about it.
# shellcheck source-path=SCRIPTDIR source=tools/driver.sh
. "$SRC/tests/vm/tools/driver.sh"
[ "$(id -u)" = 0 ] || { echo 'skip: needs root'; exit 77; }

later=$O/tests/vm/later
rm -rf "$later"
make --no-print-directory O="$O" DKMS_TREE="$later/source" dkms-tree >/dev/null || fail "dkms-tree"
lab/build-for-kernels "$later/source" "$later/built" || fail "$(tail -n 20 "$later"/built/*/log)"

one_kernel() # RELEASE
{
	local release=$1 module=$later/built/$1/ivtrace.ko

	export IVT_LAB_IMAGE=$O/tests/vm/later-image-$release
	strip -g "$module"
	lab/build-image --release "$release" --add "$tools/count-calls:/bin/count-calls" \
		--add "$module:/lib/modules/$release/ivtrace.ko" "$IVT_LAB_IMAGE" || fail "build-image"
	driver_region "later-${release%%[+-]*}" 16 2
	driver_boot "driver-later-${release%%[+-]*}" --smp 2 --mem 256 --region "$region"
	equal "kernel" "$(guest 'uname -r')" "$release"
	# As udev does, when the kernel names the device.
	guest 'depmod && modprobe "$(cat /sys/bus/pci/devices/0000:00:01.0/modalias)"' || fail "modprobe"
	wait_state READY
	record -c 140
	guest 'count-calls 5000; echo "later kernel" >/dev/ivtrace
		echo 0 >/sys/devices/system/cpu/cpu1/online; count-calls 100 0
		echo 1 >/sys/devices/system/cpu/cpu1/online; until count-calls 100 1; do :; done' >/dev/null
	record_end
	equal "calls" "$(count syscall_entry_getpriority)" 5200
	equal "marks" "$(count ivtrace_mark)" 1
	lost_nothing_else
	guest '(sleep 0.2; echo mem >/sys/power/state) >/dev/null 2>&1 &'
	wait_state FROZEN 60
	for ((tries = 0; tries < 100; tries++)); do
		lab/vm qmp "$vm" '{"execute": "query-status"}' | grep -q suspended && break
		sleep 0.1
	done
	lab/vm qmp "$vm" '{"execute": "system_wakeup"}' >/dev/null || fail "system_wakeup"
	wait_state READY
	guest 'rmmod ivtrace' || fail "rmmod"
	wait_state DOWN
	log_is_clean
	lab/vm kill "$vm"
}

# Found with this image, and kept: the answer is not the kernel's.
IVT_LAB_ACCEL=$(lab/vm accel)
export IVT_LAB_ACCEL

n=0
for dir in "$later"/built/*/; do
	echo "== $(basename "$dir")"
	one_kernel "$(basename "$dir")"
	n=$((n + 1))
done
at_least "kernels" "$n" 2
