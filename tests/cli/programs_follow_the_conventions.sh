#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every program: --help and --version on standard output with status 0; a wrong
# use is status 2 and names what was wrong, a fault is status 1 and "PROGRAM: ..."
# on standard error, neither prints on standard output; a full one is a fault.
set -uo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0

complain()
{
	echo "FAIL $*"
	sed 's/^/  out: /' "$tmp/out" | head -n 5
	sed 's/^/  err: /' "$tmp/err" | head -n 5
	bad=1
}

# run STATUS PROGRAM ARGUMENTS...
run()
{
	local want=$1 status

	shift
	timeout 20 "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	[ $status -eq "$want" ] || { complain "$*: exit status $status, not $want"; return 1; }
	echo "ok $*"
}

message() # PROGRAM COMMAND-LINE
{
	[ ! -s "$tmp/out" ] || complain "$2: a fault, but standard output has text"
	grep -q "^$1: " "$tmp/err" || complain "$2: no message '$1: ...'"
}

names() # WORD COMMAND-LINE
{
	[ ! -s "$tmp/out" ] || complain "$2: a fault, but standard output has text"
	grep -q -e "$1" "$tmp/err" || complain "$2: the message does not name '$1'"
}

for program in "$BIN"/*; do
	[ -x "$program" ] || continue
	name=${program##*/}
	if run 0 "$program" --help; then
		grep -qi 'usage' "$tmp/out" || complain "$name --help: no usage"
		[ ! -s "$tmp/err" ] || complain "$name --help: text on standard error"
	fi
	if run 0 "$program" --version; then
		grep -qE "^$name [0-9]+\.[0-9]+" "$tmp/out" || complain "$name --version: not 'NAME X.Y'"
	fi
	run 2 "$program" --no-such-option && names no-such-option "$name --no-such-option"
	[ "$name" = ivtrace-view ] && continue
	run 2 "$program" no-such-command && message "$name" "$name no-such-command"
	run 2 "$program" && names "$name" "$name without arguments"
	"$program" --help >/dev/full 2>"$tmp/err" && complain "$name --help >/dev/full: status 0"
done

if [ -x "$BIN/ivtrace-report" ]; then
	for command in summary events io sync; do
		run 1 "$BIN/ivtrace-report" $command "$tmp/nowhere.ivt" &&
			message ivtrace-report "$command of nothing"
		grep -q "nowhere.ivt" "$tmp/err" || complain "$command: does not name the trace"
		mkdir -p "$tmp/empty.ivt"
		run 1 "$BIN/ivtrace-report" $command "$tmp/empty.ivt" &&
			message ivtrace-report "$command of an empty folder"
		run 2 "$BIN/ivtrace-report" $command && message ivtrace-report "$command without a trace"
	done
fi
if [ -x "$BIN/ivtrace-host" ]; then
	run 2 "$BIN/ivtrace-host" record --no-such-option &&
		names no-such-option 'ivtrace-host record --no-such-option'
	run 2 "$BIN/ivtrace-host" record --duration nonsense -o "$tmp/x.ivt" &&
		message ivtrace-host 'record --duration nonsense'
	mkdir "$tmp/there.ivt"
	run 1 "$BIN/ivtrace-host" record -o "$tmp/there.ivt" --duration 1 &&
		message ivtrace-host 'record into what is there'
fi
if [ -x "$BIN/ivtrace-view" ]; then
	DISPLAY='' WAYLAND_DISPLAY='' run 1 "$BIN/ivtrace-view" --render "$tmp/x.png" "$tmp/nowhere.ivt" &&
		message ivtrace-view 'render of nothing'
fi
exit $bad
