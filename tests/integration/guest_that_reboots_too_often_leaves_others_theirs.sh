#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# A trace holds so many machines, and each boot is one.  A guest that boots over and over
# uses up its own share: the others' boots are recorded, what it wrote without a machine
# is counted, files of boots that are past are closed, and the next chunk has it again.
. "$(dirname "$0")/lib.sh"
trap 'status=$?; kill $(jobs -p) 2>/dev/null || true; rm -rf "$work" "$region"*; exit $status' EXIT

# With the host, a and b that leaves 8 numbers for second boots: 3 of them for the first
# that asks (3 <= 6 / 2), 2 for the next.
# Boots shorter than two looks at the clock: their records are placed by their arrival.
others=(--tsc handshake --vm "b=shm:$region.b")
for ((i = 0; i < 213; i++)); do
	others+=(--vm "idle$i=shm:$region.$i")
done

has_said() # TEXT
{
	grep -q "$1" "$work/record.out"
}

boots() # REGION BOOTS: of 10 records each
{
	"$guest" "$1" --cpus 1 --count 10 --pace-us 0 --firmware-ms 0 --boots "$2"
}

open_streams()
{
	find "/proc/$recorder/fd" -lname '*/vm-*/cpu_*' | wc -l
}

has_open_streams() # NUMBER
{
	[ "$(open_streams)" = "$1" ]
}

echo '== one trace'
make_region 4M 1
record_in_background --size 4M --cpus 1 "${others[@]}"
boots "$region" 3 >/dev/null
wait_for 10 test -e "$trace/vm-a.2/cpu_0"
has_open_streams 1
boots "$region" 3 >/dev/null
wait_for 10 has_said 'a: its 4 boots have used up its share of the 256 machines'
"$host" status --pid "$recorder" --json >"$work/status"
grep -q '"state" *: *"spent"' "$work/status"
boots "$region.b" 3 >/dev/null
kill -INT "$recorder"
status=0
wait "$recorder" || status=$?
tr '\r' '\n' <"$work/record.out" | grep ' [ab]: '
[ $status = 1 ]
has_said 'a: 2 of its boots had no machine any more'
echo "records, lost, refused: $(counts)"
has_counts 70 20 0
[ "$(find "$trace" -maxdepth 1 -name 'vm-a*' | wc -l)" = 4 ]
[ "$(find "$trace" -maxdepth 1 -name 'vm-b*' | wc -l)" = 3 ]

echo '== the next chunk'
rm -rf "$region" "$trace"
make_region 4M 1
record_in_background --size 4M --cpus 1 "${others[@]}" --rotate-size 256K
"$guest" "$region" --cpus 1 --count 10 --pace-us 0 --boots 5 --hang >/dev/null &
pid=$!
wait_for 10 has_said 'a: its 4 boots have used up its share'
"$guest" "$region.b" --cpus 1 --count 20000 --pace-us 200 >/dev/null
wait_for 10 has_said 'a: a new chunk has a machine for it again'
kill -INT "$recorder"
wait "$recorder" || { cat "$work/record.out"; exit 1; }
kill -9 $pid
grep -E '^  [ab] ' "$work/record.out"
grep -Eq '^  a +50 records .* 0 lost' "$work/record.out"
grep -Eq '^  b +20000 records .* 0 lost' "$work/record.out"
