#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --focus, --from and --to mean the same in the window as in a picture; each
# action of the help sheet exists and none leaves a warning.
. "$SRC/tests/gui/lib.sh"
trace a --requests 30

window 0 "$tmp/a.ivt" --focus slowest <<'END'
wait-idle
dump
app.quit
END
"$BIN/ivtrace-view" "$tmp/a.ivt" --focus slowest --list "$tmp/list"
read -r _ t0 span _ <"$tmp/list"
read -r _ t1 span1 _ <<<"$(view_line 1)"
[ "$t0 $span" = "$t1 $span1" ] || fail "picture shows $t0 $span, window $t1 $span1"

window 0 "$tmp/a.ivt" --from 20ms --to 0.05s <<'END'
wait-idle
dump
app.shortcuts
view.zoom-out
view.page-left
view.page-right
view.pan-right
view.rows-up
view.rows-down
app.quit
END
read -r _ t1 span1 _ <<<"$(view_line 1)"
[ "$t1 $span1" = '20000000 30000000' ] || fail "window shows $t1 $span1"
