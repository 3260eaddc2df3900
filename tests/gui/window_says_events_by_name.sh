#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The line at the bottom says what is under the pointer on a row of events: where
# a column holds one, that one; several, how many and the first; none, the span.
. "$SRC/tests/gui/lib.sh"
trace a --requests 40 --marks 20


# pointers FROM TO "X Y"...: what the line says at each place of this range
pointers()
{
	local from=$1 to=$2

	shift 2
	{
		echo wait-idle
		printf 'pointer %s\ndump\n' "$@"
		echo app.quit
	} | window 0 "$tmp/a.ivt" --size 1200x800 --from "$from" --to "$to"
	grep '^status' "$tmp/out"
}

# Where the row is: of a column of places, the first that speaks of it.
places=()
for ((y = 100; y < 760; y += 12)); do
	places+=("900 $y")
done
said=$(pointers 950us 1550us "${places[@]}")
n=$(grep -n -m 1 '^status a/events' <<<"$said" | cut -d: -f1) || fail 'no place is on the row'
y=${places[n - 1]#* }

# 900 is late in the job, where nothing else is.
sed -n "${n}p" <<<"$said"
sed -n "${n}p" <<<"$said" |
	grep -qE '^status a/events  1\.[0-9]+ ms  in: 1\.0[0-9]* ms  CPU 0  writer/0 300  span of 500 µs  job id=1$' ||
	fail 'the span is not said'

# A mark is 8 px wide there, and found 2 px beside its tick.
places=()
for ((x = 176; x < 1180; x += 4)); do
	places+=("$x $y")
done
said=$(pointers 1090us 1215us "${places[@]}" | sort -u)
for what in 'value  depth value=1' 'mark  step'; do
	grep -qE "ms  1\\.[0-9]+ ms  CPU 0  writer/0 300  $what\$" <<<"$said" ||
		fail "not said: $what"
done

# All of 20 ms: a column is about 20 us, the ten marks are in one or two.
places=()
for ((x = 220; x < 260; x++)); do
	places+=("$x $y")
done
said=$(pointers 0 20ms "${places[@]}")
grep -m 1 -E '  ([2-9]|1[0-9]) events, the first: [0-9.]+ ms  CPU 0  writer/0 300  mark  step$' \
	<<<"$said" || fail 'marks in one column are not counted'
