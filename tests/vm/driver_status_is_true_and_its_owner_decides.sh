#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
# /sys/class/misc/ivtrace says what the driver does; host_control=N ends what the
# host has asked for, and Y takes it up again; the host is told.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"

value() # FILE
{
	lab/vm exec g -- "cat /sys/class/misc/ivtrace/$1"
}

is() # FILE VALUE
{
	[ "$(value "$1")" = "$2" ]
}

mark()
{
	lab/vm exec g -- "echo mark $1 >/dev/ivtrace"
}

control() # Y|N
{
	lab/vm exec g -- "echo $1 >/sys/module/ivtrace/parameters/host_control"
}

vm_setup
vm_start g
wait_for 20 is state idle
value device | grep -E '^0000:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$'
is channels 2
is types ''
is records 0
value memory | grep -E '^(write-back|uncached)$'
mark unheard

"$BIN/ivtrace-host" record -o "$work/t.ivt" --host none --guest ivtrace \
	--vm "g=shm:$(vm_region g)" 2>"$work/err" &
recorder=$!
wait_for 20 is state recording
[ "$(value types)" = 1-10 ]
mark one
control N
wait_for 20 is state idle
wait_for 20 grep -q 'g: its owner forbids recording' "$work/err"
"$BIN/ivtrace-host" status --json | grep -q '"state" *: *"forbidden"'
is types ''
mark forbidden
control Y
wait_for 20 is state recording
wait_for 20 grep -q 'g: its owner allows recording again' "$work/err"
mark two
[ "$(value records)" -gt 2 ]
for cause in full nested big; do
	is "lost_$cause" 0
done
kill -INT $recorder
wait $recorder
wait_for 20 is state idle

"$BIN/ivtrace-report" events --name ivtrace_mark --json "$work/t.ivt" |
	sed -n 's/.*"msg":"mark \([a-z]*\)".*/\1/p' >"$work/marks"
diff - "$work/marks" <<'END'
one
two
END
lab/vm exec g -- 'rmmod ivtrace; test ! -e /sys/class/misc/ivtrace'
lab/vm check-log g
