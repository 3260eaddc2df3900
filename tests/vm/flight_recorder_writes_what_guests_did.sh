#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 400
# A flight recorder of a VM: by command, at a system call of the guest, at a slow
# disk request, at a reset and a panic that QMP tells, at a panic that the driver tells
# and when QEMU is killed it writes a snapshot that says why and has every mark up to
# the newest.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"

by_reason() # TEXT: prints the last snapshot that was taken for it, and is whole
{
	local dir found=

	for dir in "$work"/t.*.ivt; do
		grep -qsF "\"reason\": \"$1" "$dir/manifest.json" || continue
		grep -qs "'$dir' is written" "$work/err" && found=$dir
	done
	[ -n "$found" ] && echo "$found"
}

has_snapshot() # TEXT
{
	by_reason "$1" >/dev/null
}

vm_marks() # TRACE
{
	"$BIN/ivtrace-report" events --name ivtrace_mark --json "$1" 2>/dev/null |
		sed -n 's/.*"msg":"mark \([0-9]*\)".*/\1/p'
}

# holds TEXT FIRST LAST: the snapshot of this reason has these marks and no other
holds()
{
	local dir

	wait_for 40 has_snapshot "$1"
	dir=$(by_reason "$1")
	"$BIN/ivtrace-report" summary "$dir" >"$work/summary"
	sed -n '/^snapshot/p; /^host  *host/p; /^g[ .]/p' "$work/summary"
	grep -qE '^host +host +- +[0-9]+ +[1-9]' "$work/summary"
	[ "$(vm_marks "$dir")" = "$(seq "$2" "$3")" ] ||
		{ vm_marks "$dir" | tr '\n' ' '; echo "not $2..$3 in $dir"; exit 1; }
}

marks() # FIRST LAST [COMMAND]
{
	lab/vm exec g -- "i=$1; while [ \$i -le $2 ]; do echo mark \$i >/dev/ivtrace; i=\$((i + 1)); done; ${3-}"
}

try_slow() # reads as long as nothing came of it
{
	lab/vm exec g -- 'echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/vda of=/dev/null bs=64k count=4' >/dev/null 2>&1
	has_snapshot 'trigger g:block>500ms'
}

recorded_again() # the guest's next boot is known, and records
{
	lab/vm exec g --timeout 5 -- '[ ! -e /tmp/earlier ] &&
		grep -q recording /sys/class/misc/ivtrace/state' >/dev/null 2>&1
}

reset()
{
	lab/vm exec g -- 'echo >/tmp/earlier'
	lab/vm qmp g '{"execute": "system_reset"}' >/dev/null
}

vm_setup
gcc -O2 -Wall -static -s -o "$work/say-panic" "$SRC/tests/vm/tools/say-panic.c"
truncate -s 1M "$work/slow.img"
# Part of the image: by the control port it takes half a minute, after each boot.
vm_start g --smp 2 --add "$work/say-panic:/bin/say-panic" --disk "$work/slow.img,bps=65536" \
	--qemu-args "-action reboot=reset,panic=none -device pvpanic -qmp unix:$work/q.sock,server=on,wait=off"
: >"$work/err"
"$BIN/ivtrace-host" record --mode flight -o "$work/t.ivt" --host sched --guest default \
	--vm "g=shm:$(vm_region g)" --qmp "g:$work/q.sock" --snapshot-distance 2s \
	--trigger g:syscall_entry_sync --trigger 'g:block>500ms' 2>"$work/err" &
recorder=$!
wait_for 20 grep -q 'recording into' "$work/err"
wait_for 90 recorded_again

# What a command's snapshot holds is what was published: the guest's flush timer, too, has
# gone off when this sleep of the guest's ends.
marks 1 50 'sleep 0.1'
path=$("$BIN/ivtrace-host" snapshot --vm g --reason first)
[ "$path" = "$(by_reason 'command: first')" ]
holds 'command: first' 1 50
marks 51 60 sync
holds 'trigger g:syscall_entry_sync' 1 60
wait_for 60 try_slow
holds 'trigger g:block>500ms' 1 60

marks 61 100
reset
holds "reset: QMP's RESET" 1 100
wait_for 90 recorded_again
grep -q 'the guest was rebooted' "$work/err"

marks 101 200 say-panic
holds "panic: QMP's GUEST_PANICKED" 101 200
reset
wait_for 90 recorded_again

# In the background: nobody answers a call whose guest is gone before its time is up.
marks 201 300 '(sleep 0.1; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &'
holds "panic: the guest's driver says so" 201 300
wait_for 90 recorded_again
marks 301 400
lab/vm kill g
holds "the VM's process ended" 301 400
ticks=$(cut -d ' ' -f 14,15 "/proc/$recorder/stat")
kill -INT $recorder
wait $recorder
cat "$work/err"
echo "the recorder's CPU time, user and system, in ticks: $ticks"
