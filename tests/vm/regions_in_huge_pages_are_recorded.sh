#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# Regions in huge pages: a file on a hugetlbfs, and the memory of a VM that connects.
# Where there are too few that is said, and nothing is left behind.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"
vm_setup
reserve=/proc/sys/vm/nr_hugepages
reserved=$(cat "$reserve")
grep -q '^Hugepagesize: *2048 kB' /proc/meminfo || { echo "skip: huge pages of another size"; exit 77; }
give_back()
{
	local status=$? job

	lab/vm stop-all >/dev/null 2>&1 || true
	for job in $(jobs -p); do
		kill "$job" 2>/dev/null || true
	done
	wait
	umount "$work/huge" 2>/dev/null || true
	echo "$reserved" >"$reserve"
	(exit $status)
	vm_teardown
}
trap give_back EXIT
echo $((reserved + 8)) >"$reserve"
free() { awk '/^HugePages_Free:/ { print $2 }' /proc/meminfo; }
[ "$(free)" -ge 8 ] || { echo "skip: no memory for 8 huge pages"; exit 77; }
mkdir "$work/huge"
mount -t hugetlbfs -o pagesize=2M,mode=0700 none "$work/huge"

refused() # OPTIONS of record: more than there is
{
	if "$BIN/ivtrace-host" record -o "$work/no.ivt" --host none --size 1G "$@" 2>"$work/said"; then
		echo "WRONG: made of nothing"
		exit 1
	fi
	cat "$work/said"
	grep -q 'in huge pages of 2 MiB; .* are free: sysctl vm.nr_hugepages' "$work/said"
	[ ! -e "$work/no.ivt" ]
}
refused --vm "a=shm:$work/huge/a"
refused --vm "a=sock:$(vm_socket a)" --hugepages
[ -z "$(ls "$work/huge")" ] && [ ! -e "$(vm_socket a)" ]

has_mark() { "$BIN/ivtrace-report" events "$work/$1.ivt" | grep "ivtrace_mark.*$2"; }
maps_huge_pages() { grep -A20 "$1" "/proc/$(lab/vm pid a)/smaps" | grep -q '^KernelPageSize: *2048 kB'; }
"$BIN/ivtrace-host" record -o "$work/file.ivt" --vm "a=shm:$work/huge/a" --host none --size 16M --cpus 2 \
	2>"$work/file.log" &
recorder=$!
wait_for 20 grep -qs 'recording into' "$work/file.log"
lab/vm start a --region "$work/huge/a" --region-size 16M
wait_for 30 has_records "$work/file.ivt" a
maps_huge_pages huge/a
lab/vm exec a -- 'echo in a file >/dev/ivtrace'
end_recording
lab/vm check-log a
lab/vm stop a
has_mark file 'in a file'
rm "$work/huge/a"

record_doorbell memory --hugepages
vm_start_doorbell a
wait_for 30 has_records "$work/memory.ivt" a
maps_huge_pages memfd:ivtrace-a
lab/vm exec a -- 'echo in memory >/dev/ivtrace'
end_recording
lab/vm check-log a
has_mark memory 'in memory'
