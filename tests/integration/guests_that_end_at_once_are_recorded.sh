#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Guests that have come, written a little and gone before the recorder looks
# again: each is a machine of its own, and its records are all there.
. "$(dirname "$0")/lib.sh"

make_region 16M 2
record_in_background
for ((i = 0; i < 3; i++)); do
	"$guest" "$region" --cpus 1 --count 10 --pace-us 0
	sleep 0.5
done
kill -INT "$recorder"
wait "$recorder"
cat "$work/record.out"
ends_with 30 3
