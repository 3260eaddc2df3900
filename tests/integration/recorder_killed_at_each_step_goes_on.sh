#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 170
#
# ivtrace-host ends (SIGKILL) right before the n-th call that leaves something on the
# disk, the one that goes on before its m-th; also while it rotates.  Whatever n and m
# are, each record that the guest recorded is there once.  Some of them; with LONG all
# up to 150.  SEED=N repeats the choice.
. "$(dirname "$0")/lib.sh"
SEED=${SEED:-$RANDOM}
RANDOM=$SEED
killer=$O/tests/data/kill-at

life() # KILL_AT OPTIONS...: sets $recorder; 0: it is not killed
{
	local at=$1

	shift
	LD_PRELOAD=$killer KILL_AT=$at resume_in_background "$@"
}

has_begun() # or is dead
{
	is_recording || ! kill -0 $recorder 2>/dev/null
}

has_written() # or the recorder is dead
{
	grep -q written "$work/out" || ! kill -0 $recorder 2>/dev/null
}

marks()
{
	local part parts=()

	for part in "$trace" "$work"/t.[0-9]*.ivt; do
		[ ! -d "$part" ] || parts+=("$part")
	done
	count_marks "${parts[@]}"
}

# die_at COUNT "KILL_AT..." OPTIONS...: one recording with so many lives
die_at()
{
	local count=$1 at writer='' n

	rm -rf "$work"/t*.ivt "$region"
	: >"$work/out"
	make_region 16M 2
	for at in $2 0; do
		life "$at" "${@:3}"
		wait_for 30 has_begun
		if [ -z "$writer" ] && is_recording; then
			"$guest" "$region" --count "$count" --pace-us 4000 --hang >"$work/out" &
			writer=$!
		fi
		[ "$at" = 0 ] || [ -z "$writer" ] || wait_for 60 has_written
		[ "$at" = 0 ] || kill -9 $recorder 2>/dev/null || true
		[ "$at" = 0 ] || wait $recorder 2>/dev/null || true
	done
	is_recording || { echo "$2: it does not go on"; cat "$work/record.out"; exit 1; }
	wait_for 60 grep -q written "$work/out"
	kill -INT $recorder
	wait $recorder || { echo "$2:"; cat "$work/record.out"; exit 1; }
	kill -9 $writer
	wait $writer 2>/dev/null || true
	n=$(marks)
	[ "$n" = $((2 * count)) ] || { echo "killed at $2: $n of $((2 * count)) records"; exit 1; }
}

echo "seed $SEED"
n=0
step=${LONG:+1}
step=${step:-11}
for ((at = 1 + RANDOM % step; at <= 150; at += step)); do
	die_at 2000 "$at $((1 + RANDOM % 40))"
	n=$((n + 1))
done
echo "$n recordings"
for ((at = 30 + RANDOM % step; at <= 150; at += step)); do
	die_at 8000 "$at $((1 + RANDOM % 40))" --rotate-time 100ms
	n=$((n + 1))
done
echo "$n recordings, each killed twice: nothing is missing, nothing there twice"
