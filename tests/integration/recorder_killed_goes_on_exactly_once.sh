#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 170
#
# kill -9 of ivtrace-host at random moments, also while it goes on, again and again:
# with record --resume each record that the guest recorded is in the trace once, and
# what it lost is counted, exactly.  KILLS=N (200, with LONG 3000), SEED=N repeats the
# choice of moments.
. "$(dirname "$0")/lib.sh"
kills=${KILLS:-${LONG:+3000}}
kills=${kills:-200}
per_trace=50
SEED=${SEED:-$RANDOM}
RANDOM=$SEED

# A start takes 5 to 50 ms: some are killed in it, even twice in a row.  After each
# tenth nobody records for a while.
kill_some() # NUMBER WHILE
{
	local i

	for ((i = 0; i < $1; i++)); do
		sleep "$(printf '0.%03d' $((RANDOM % 80)))"
		kill_recorder
		is_recording || n_starts=$((n_starts + 1))
		[ $((i % 10)) != 9 ] || sleep "$2"
		resume_in_background
	done
}

# storm NAME SIZE KILLS WHILE OPTIONS...: of the guest
storm()
{
	local name=$1 size=$2 n=$3 while=$4

	shift 4
	rm -rf "$trace" "$region"
	n_starts=0
	make_region "$size" 2
	resume_in_background
	wait_for 30 is_recording
	"$guest" "$region" "$@" >"$work/out" &
	writer=$!
	kill_some "$n" "$while"
	wait_for 30 is_recording
	wait $writer
	kill -INT $recorder
	wait $recorder || { tail "$work/record.out"; exit 1; }
	read -r records lost refused < <(counts)
	echo "$name: $n kills, $n_starts of them while it began; records $records" \
		"lost $lost refused $refused, guest: $(tail -n 1 "$work/out")"
	[ "$records" -eq "$(field recorded "$work/out")" ]
	[ "$lost" -eq "$(field lost "$work/out")" ]
	[ "$refused" -eq 0 ]
	[ "$(check_marks)" -eq "$records" ]
	[ "$(find "$trace" -name '.*' -type f | wc -l)" -eq 0 ]
	"$report" summary "$trace" >"$work/summary" 2>&1
	grep -q "no recorder for" "$work/summary"
	! grep -qiE 'damaged|missing|cut|not closed' <(grep -v '^gap at' "$work/summary")
}

echo "seed $SEED"
for ((done = 0; done < kills; done += 2 * per_trace)); do
	storm "room" 16M $per_trace 0 --count 90000 --pace-us 2500
	[ "$lost" -eq 0 ]
	# Its rings are full in less than that time.
	storm "full at times" 4M $per_trace 0.5 --count 1500000 --pace-us 150
	[ "$lost" -gt 0 ]
done
