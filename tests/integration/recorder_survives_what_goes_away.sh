#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# While it records: the region is cut, its messages' reader goes, a second recorder
# comes, the command is none or fails, it is ended before it has begun.  The trace is
# closed and holds what was there.
. "$(dirname "$0")/lib.sh"

is_closed() # [TRACE]
{
	"$report" summary --json "${1:-$trace}" 2>/dev/null | grep -q '"is_closed": *true\|"closed": *true' ||
		{ echo "'${1:-$trace}' is not closed"; exit 1; }
}

status_of() # COMMAND...: sets $status
{
	status=0
	"$@" >"$work/out" 2>&1 || status=$?
}

has_many_marks()
{
	[ "$(check_marks)" -gt 100 ]
}

echo '== the region is cut to nothing, to a page'
for size in 0 4096; do
	trace=$work/cut-$size.ivt
	rm -f "$region"
	make_region 4M 2
	record_in_background --duration 20
	"$guest" "$region" --count 1000000 --pace-us 300 >/dev/null &
	wait_for 30 has_many_marks
	truncate -s $size "$region"
	wait_for 30 grep -q "a: the region '$region' was cut" "$work/record.out"
	kill -INT $recorder
	status=0
	wait $recorder || status=$?
	cat "$work/record.out"
	[ $status = 1 ]
	is_closed
	has_many_marks
done
rm -f "$region"
make_region 4M 2

echo '== standard error is a pipe that nobody reads'
trace=$work/pipe.ivt
{ { record --duration 500ms 2>&1 && echo ended >"$work/pipe.status"; } | true; } || true
wait_for 10 test -e "$work/pipe.status"
is_closed

echo '== a second recorder'
trace=$work/first.ivt
record_in_background --duration 20
first=$trace trace=$work/second.ivt
status_of record --duration 1
[ $status = 1 ]
grep -q "another ivtrace-host (process $recorder) records" "$work/out"
[ ! -e "$trace" ]
kill -TERM $recorder
wait $recorder
is_closed "$first"

echo '== commands'
trace=$work/none.ivt
status_of record -- /nowhere/command
[ $status = 1 ]
grep -q "cannot run '/nowhere/command': No such file" "$work/out"
is_closed
trace=$work/fails.ivt
status_of record -- sh -c 'exit 3'
[ $status = 0 ]
grep -q "'sh' ended with status 3" "$work/out"
trace=$work/signal.ivt
status_of record -- sh -c 'kill -9 $$'
[ $status = 0 ]
grep -q "'sh' was ended by signal 9" "$work/out"
trace=$work/pipes.ivt # our ignored SIGPIPE is not the command's
status_of record -- sh -c 'grep -q "^SigIgn:.*[13579bdf]...$" /proc/self/status'
grep -q 'ended with status 1' "$work/out"

echo '== the process that runs the command is killed'
trace=$work/helper.ivt
# shellcheck disable=SC2016
record_in_background -- sh -c 'echo $PPID >"$0/pid" && until [ -e "$0/end" ]; do sleep 0.05; done' \
	"$work"
wait_for 30 test -s "$work/pid"
kill -9 "$(cat "$work/pid")"
wait_for 10 grep -q "runs 'sh' for the recorder is gone.*until the command ends" "$work/record.out"
touch "$work/end"
status=0
wait $recorder || status=$?
cat "$work/record.out"
[ $status = 0 ]
grep -q "how 'sh' ended is not known" "$work/record.out"
is_closed

echo '== ended before it has begun'
for signal in INT TERM HUP; do
	for ms in 05 10 20 40; do
		trace=$work/early.ivt
		rm -rf "$trace"
		"$host" record -o "$trace" --vm "a=shm:$region" --host none -- sleep 30 \
			>"$work/out" 2>&1 &
		recorder=$!
		sleep "0.0$ms"
		kill -$signal $recorder
		# a command that runs gets the first Ctrl-C from the terminal, which is not here
		[ $signal != INT ] || { sleep 0.2 && kill -TERM $recorder 2>/dev/null; } || true
		status=0
		wait $recorder || status=$?
		# 128 + n: before main(); then there is nothing
		[ $status = 0 ] || [ ! -e "$trace" ] || { cat "$work/out"; exit 1; }
		[ $status != 0 ] || is_closed
	done
done
