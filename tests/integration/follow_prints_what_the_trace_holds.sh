#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 180
# A live reader prints, while guests write, reboot, come and go, what the finished trace
# is printed as: the same lines in the same order, also if it begins late.  Where a busy
# machine kept a guest from publishing in time it says so: then the order may differ.
. "$(dirname "$0")/lib.sh"
region2=$region.b
trap 'status=$?; kill $(jobs -p) 2>/dev/null || true; rm -rf "$work" "$region" "$region2"; exit $status' EXIT

has_lines() # N FILE
{
	[ -e "$2" ] && [ "$(wc -l <"$2")" -ge "$1" ]
}

check_same() # NAME
{
	cmp "$work/$1" "$work/after" && return
	grep -q 'came late' "$work/$1.err" || { diff "$work/$1" "$work/after" | head; exit 1; }
	echo "$1: $(cat "$work/$1.err")"
	cmp <(sort "$work/$1") <(sort "$work/after") || exit 1
}

make_region 16M 2
"$host" qemu-args --vm "b=shm:$region2" --size 16M --cpus 3 >/dev/null
record_in_background
"$report" events --follow --json "$trace" >"$work/early" 2>"$work/early.err" &
early=$!
"$guest" "$region" --cpus 2 --count 20000 --pace-us 1000 --boots 2 >"$work/a.out" &
a=$!
wait_for 30 has_lines 100 "$work/early"
"$host" add --vm "b=shm:$region2" --pid "$recorder"
"$report" events --follow --json "$trace" >"$work/late" 2>"$work/late.err" &
late=$!
"$guest" "$region2" --cpus 3 --count 20000 --pace-us 500 --linger-ms 300 >"$work/b.out"
wait "$a"
"$host" stop --pid "$recorder"
wait "$early" "$late"

"$report" events --json "$trace" >"$work/after" 2>/dev/null
check_same early
check_same late
n=$(grep -c ivtrace_mark "$work/early")
want=$(($(field recorded "$work/a.out") + $(field recorded "$work/b.out")))
echo "$n of $want events"
[ "$n" = "$want" ]
