#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Zoom, pan, history, selection, findings and themes by the actions' names.
. "$SRC/tests/gui/lib.sh"
trace a --requests 30

window 0 "$tmp/a.ivt" --size 1200x800 <<END
wait-idle
dump
view.zoom-in
dump
view.pan-left
view.undo
dump
select 100000000 200000000
view.zoom-range
dump
view.undo
view.redo
dump
view.full
select.clear
finding.next
dump
finding.prev
view.rows-page-down
view.rows-page-up
app.theme
pointer 600 300
dump
view.full
pointer 600 130
view.frame-item
dump
snapshot $tmp/window.png
app.quit
END
read -r _ t0 span _ <<<"$(view_line 1)"
[ "$t0" -eq 0 ] || fail 'does not begin with the whole trace'
read -r _ t1 span1 _ <<<"$(view_line 2)"
if [ "$span1" -ge "$span" ] || [ "$t1" -le 0 ]; then fail "zoom-in does not zoom in"; fi
[ "$(view_line 3)" = "$(view_line 1)" ] || fail 'undo does not go back'
read -r _ t span1 _ <<<"$(view_line 4)"
[ "$t $span1" = '95000000 110000000' ] || fail "zoom-range shows $t $span1"
[ "$(view_line 5)" = "$(view_line 4)" ] || fail 'redo does not go forward'
grep -q '^status VM a: write' "$tmp/out" || fail 'the finding is not told'
view_line 6 | grep -q selection || fail 'the finding is not selected'
read -r _ t1 span1 _ <<<"$(view_line 8)"
[ "$span1" -lt "$span" ] || fail 'the request under the pointer is not shown'
tail -n 1 "$tmp/out" | grep -qE '^status [a-z]+/' || fail 'nothing is said of what is under the pointer'
[ "$(stat -c %s "$tmp/window.png")" -gt 20000 ] || fail 'the snapshot looks blank'
