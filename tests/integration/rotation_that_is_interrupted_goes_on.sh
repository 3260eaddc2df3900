#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# A recording in chunks whose next chunk cannot be begun goes on in the present one and
# says so once; one whose recorder was killed goes on in the last chunk (--resume), and the
# chunks before it are finished and counted.  Each mark of the guest is there once.
. "$(dirname "$0")/lib.sh"

record_chunks() # OPTIONS...: sets $recorder
{
	rm -f "$work/record.out"
	"$host" record -o "$trace" --vm "a=shm:$region" --host none --tsc tcg --rotate-time 400ms \
		"$@" >"$work/record.out" 2>&1 &
	recorder=$!
	wait_for 30 grep -qs 'recording into' "$work/record.out"
}

make_region 64M 2
record_chunks
"$guest" "$region" --count 300000 --pace-us 1000 --linger-ms 500 >"$work/out" &
writing=$!
wait_for 30 test -d "$work/t.0001.ivt"
ln -s nowhere "$work/t.0002.ivt" 2>/dev/null || true
wait_for 30 grep -qs 'cannot begin the next chunk' "$work/record.out"
sleep 0.5
rm "$work/t.0002.ivt"
wait_for 30 test -d "$work/t.0003.ivt"
[ "$(grep -c 'cannot begin the next chunk' "$work/record.out")" = 1 ]
kill -9 $recorder
wait $recorder || true
grep -v 'goes on in' "$work/record.out"
# It may have died when it had just begun to make the next chunk.
last=$(printf '%s\n' "$work"/t.[0-9][0-9][0-9][0-9].ivt | tail -n 1)
printf -v next '%s/t.%04d.ivt' "$work" $((10#${last: -8:4} + 1))
rm -rf "$next.new"
mkdir "$next.new"
printf IVSY >"$next.new/sync.bin"

echo '== resumed'
record_chunks --resume
grep 'going on in' "$work/record.out"
wait_for 30 test -d "$next"
[ ! -e "$next.new" ]
wait $writing
kill -INT $recorder
wait $recorder
grep -v 'goes on in' "$work/record.out"
grep -q '^  a  *600000 records .* 0 lost' "$work/record.out"
for chunk in "$work"/t.[0-9][0-9][0-9][0-9].ivt; do
	grep -q '"finalised": *true' "$chunk/manifest.json"
done
marks=$(count_marks "$work"/t.[0-9][0-9][0-9][0-9].ivt)
echo "$marks marks"
[ "$marks" = 600000 ]
tail -n 1 "$work/out"

echo '== another recording of the same name keeps its hands off'
record_chunks
wait_for 30 grep -q 'goes on in' "$work/record.out"
kill -9 $recorder
wait $recorder || true
record_chunks --resume --keep 1
wait_for 30 grep -q '1 chunks are kept' "$work/record.out"
kill -INT $recorder
wait $recorder
[ "$(count_marks "$work"/t.[0-9][0-9][0-9][0-9].ivt)" = 600000 ]
