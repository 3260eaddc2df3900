#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# kill -9 of a recorder that rotates: the chunks that it closed and the one that it was
# writing can be read, and hold together what it had taken; `finish` makes them whole,
# packs and unpacks them, and babeltrace2 reads them then.
. "$(dirname "$0")/lib.sh"

records_of() # CHUNK...
{
	local chunk

	for chunk in "$@"; do
		"$report" summary --json "$chunk" 2>/dev/null
	done | python3 -c '
import json, sys
text, at, n, decoder = sys.stdin.read(), 0, 0, json.JSONDecoder()
while text[at:].strip():
    doc, end = decoder.raw_decode(text[at:].lstrip())
    at += len(text[at:]) - len(text[at:].lstrip()) + end
    n += sum(m["records"] for m in doc["machines"] if m["kind"] == "guest")
print(n)'
}

have_records() # NUMBER
{
	chunks=("$work"/t.[0-9][0-9][0-9][0-9].ivt)
	[ "$(records_of "${chunks[@]}")" = "$1" ]
}

make_region 16M 2
"$host" record -o "$trace" --vm "a=shm:$region" --host none --tsc tcg --rotate-size 256K \
	>"$work/record.out" 2>&1 &
recorder=$!
wait_for 30 grep -qs 'recording into' "$work/record.out"
"$guest" "$region" --count 20000 --pace-us 300 --hang >"$work/out" &
wait_for 60 grep -q written "$work/out"
wait_for 30 have_records 40000
kill -9 $recorder
wait $recorder || true
have_records 40000
echo "${#chunks[@]} chunks: 40000 records after the kill"
[ ${#chunks[@]} -ge 3 ]
last=${chunks[-1]}
"$report" summary "$last" | grep -q 'not closed'

echo '== finish'
for chunk in "${chunks[@]}"; do
	"$host" finish --compress "$chunk"
	"$host" finish "$chunk"
done
"$report" summary "$last" | grep -q '^state  *closed'
have_records 40000
[ "$(find "$work" -name 'cpu_*' ! -name '*.zst' | wc -l)" = 0 ]
for chunk in "${chunks[@]}"; do
	"$host" finish --decompress "$chunk"
done
[ "$(find "$work" -name '*.zst' | wc -l)" = 0 ]
have_records 40000
if command -v babeltrace2 >/dev/null; then
	n=$(babeltrace2 "${chunks[@]}" | grep -c ivtrace_mark)
	echo "babeltrace2: $n marks"
	[ "$n" = 40000 ]
fi

echo '== remove'
"$host" finish --remove "$last"
[ ! -e "$last" ]
mkdir "$work/none.ivt"
! "$host" finish --remove "$work/none.ivt" 2>"$work/err" || exit 1
grep -q 'not a trace' "$work/err"
[ -d "$work/none.ivt" ]
