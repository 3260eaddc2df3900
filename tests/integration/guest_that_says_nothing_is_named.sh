#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 60
# A command waits for the guests' first records; where none comes, it starts and a
# message says for whom it did not wait longer.
. "$(dirname "$0")/lib.sh"

make_region 16M 2
# It finds its way into the region, and then writes nothing.
"$guest" "$region" --count 0 --hang >"$work/out" &
wait_for 20 grep -q written "$work/out"
record -- true 2>"$work/err"
cat "$work/err"
grep -q 'a: nothing of its guest has come in 1 s: the command starts without' "$work/err"

kill %1
wait %1 || true
record -o "$work/u.ivt" -- "$guest" "$region" --count 1000 2>"$work/err" >"$work/out"
[ "$(grep -c 'nothing of its guest' "$work/err")" = 0 ]
