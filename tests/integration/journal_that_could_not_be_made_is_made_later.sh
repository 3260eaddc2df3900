#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 60
# There is no room for the journal when a guest comes: it is recorded all the same.
# Once there is room it has one, and a recorder that is killed then is gone on with.
. "$(dirname "$0")/lib.sh"

make_region 16M 2
record_in_background
in_the_way=$trace/..recorder-a.state.new
wait_for 10 test -e "$trace/.recorder-a.state"
mkdir "$in_the_way"
"$guest" "$region" --count 20000 --pace-us 5000 --hang >"$work/out" &
writer=$!
wait_for 10 grep -q 'no journal' "$work/record.out"
[ ! -e "$trace/.recorder-a.state" ]
sleep 0.6 # it tries again
rmdir "$in_the_way"
wait_for 10 test -e "$trace/.recorder-a.state"
[ "$(grep -c 'no journal' "$work/record.out")" = 1 ]
kill_recorder
go_on
grep -q 'a: goes on' "$work/record.out"
wait_for 30 grep -q written "$work/out"
kill -INT "$recorder"
wait "$recorder"
kill $writer
ends_with 40000 1
[ "$(check_marks)" = 40000 ]
