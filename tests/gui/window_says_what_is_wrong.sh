#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Not a trace, no such action, no display: status 1 and a message that says what.
. "$SRC/tests/gui/lib.sh"
trace a --requests 5

window 1 "$tmp/nowhere.ivt" <<<wait-idle
grep -q "^ivtrace-view: .*nowhere.ivt" "$tmp/err" || fail 'does not name the trace'
mkdir "$tmp/empty.ivt"
window 1 "$tmp/empty.ivt" <<<wait-idle
grep -q "^ivtrace-view: .*not a trace" "$tmp/err" || fail 'does not say that it is no trace'
window 1 "$tmp/a.ivt" <<<no.such-action
grep -q "no.such-action.*no such action" "$tmp/err" || fail 'does not name the action'

# Without a trace: an empty window.
window 0 <<<app.quit

status=0
DISPLAY='' timeout 20 "$BIN/ivtrace-view" "$tmp/a.ivt" >"$tmp/out" 2>"$tmp/err" || status=$?
[ $status -eq 1 ] || fail "no display: exit status $status"
grep -q "cannot open display.*--render" "$tmp/err" || fail 'no display: does not say what to do'
