#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Marks, values and spans of a guest have a row below the guest's others: denser
# than a px they are one tick, zoomed in each has its place and its name.
. "$SRC/tests/draw/lib.sh"
trace a --requests 40 --marks 20
trace none --requests 40

# row FILE: what the list says of a's events
row()
{
	awk '/^row / { on = 0 } /^row a\/events/ { on = 1 } on' "$1"
}

# has FILE LINE...: a's row has these lines
has()
{
	local file=$1 line

	shift
	for line; do
		row "$file" | grep -qxE "  $line" || fail "$file: no '$line'" "$(row "$file")"
	done
}

"$view" "$tmp/none.ivt" --list "$tmp/none"
grep -q '/events' "$tmp/none" && fail 'a row of events where there are none'

"$view" "$tmp/a.ivt" --list "$tmp/whole" --render "$tmp/a.png"
# 20 spans of 500 us, each with a value and ten marks
has "$tmp/whole" 'ns 10000000 span' 'events 240'
grep '^row ' "$tmp/whole" | grep -A1 '^row a/events' | tail -n 1 | grep -qE '^row (host|b)\.0' ||
	fail "a's events are not below a's other rows"
[ "$(grep -c '^row [a-z]*/events' "$tmp/whole")" -eq 1 ] || fail 'another row of events'

# The first job, from its begin on: the trace starts at or soon before the jobs' zero.
"$view" "$tmp/a.ivt" --list "$tmp/near" --from 950us --to 1550us
has "$tmp/near" 'ns 500000 span' 'events 12' "run [0-9]+ [0-9]+ span's begin" \
	'run [0-9]+ [0-9]+ value' 'name [0-9]+ [0-9]+ job' 'name [0-9]+ [0-9]+ depth' \
	'name [0-9]+ [0-9]+ step'
[ "$(row "$tmp/near" | grep -c ' mark$')" -eq 10 ] || fail 'not ten marks'

# A px and less for all ten marks.
"$view" "$tmp/a.ivt" --list "$tmp/far" --from 0 --to 20ms
[ "$(row "$tmp/far" | grep -c ' mark$')" -eq 19 ] || fail 'not a tick per job' "$(row "$tmp/far")"
exit 0
