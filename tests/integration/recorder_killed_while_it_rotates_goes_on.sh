#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 170
#
# kill -9 of a recorder that begins a new chunk all the time, mostly in the moment in
# which it does: the next one goes on, and all chunks together hold each record once.
# KILLS=N (30, with LONG 1000), SEED=N.
. "$(dirname "$0")/lib.sh"
kills=${KILLS:-${LONG:+1000}}
kills=${kills:-30}
SEED=${SEED:-$RANDOM}
RANDOM=$SEED

# The next chunk's directory has just been made.
await_chunk()
{
	local next end=$((SECONDS + 3))

	next=$(printf '%s/t.%04d.ivt' "$work" "$(find "$work" -name 't.[0-9]*.ivt' | wc -l)")
	until [ -d "$next" ] || [ $SECONDS -ge $end ]; do :; done
}

echo "seed $SEED"
make_region 64M 2
resume_in_background --rotate-time 100ms
wait_for 30 is_recording
"$guest" "$region" --count $((kills * 3000)) --pace-us 2500 --linger-ms 100 >"$work/out" &
writer=$!
for ((i = 0; i < kills; i++)); do
	if [ $((i % 3)) = 2 ]; then
		sleep "0.$((RANDOM % 100 + 50))"
	else
		await_chunk
		sleep "0.00$((RANDOM % 40))"
	fi
	kill_recorder
	resume_in_background --rotate-time 100ms
done
wait_for 60 is_recording
wait $writer
kill -INT $recorder
wait $recorder || { tail "$work/record.out"; exit 1; }
for chunk in "$work"/t.[0-9]*.ivt; do
	"$host" finish "$chunk" >/dev/null 2>&1
done
count_marks "$work"/t.[0-9]*.ivt >"$work/marks"
echo "$kills kills, $(find "$work" -name 't.[0-9]*.ivt' | wc -l) chunks, $(cat "$work/marks") marks," \
	"guest: $(tail -n 1 "$work/out")"
[ "$(cat "$work/marks")" -eq "$(field recorded "$work/out")" ]
[ "$(field lost "$work/out")" -eq 0 ]
