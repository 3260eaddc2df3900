#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# Recorder and guest are killed; what the guest left in its region becomes a trace,
# in both modes, with the clock of the recording or without, and the file stays as it
# is.  Files that are no region, or a damaged one, are refused by name.
. "$(dirname "$0")/lib.sh"
dying=$O/tests/data/dying-guest

recorded() # the guest's own count
{
	python3 -c 'import struct, sys
d = open(sys.argv[1], "rb").read(32); print(sum(struct.unpack("<4Q", d)[0::2]))' "$work/tally"
}

# left_behind RECORD-OPTIONS...: a region, recorder and guest are gone
left_behind()
{
	rm -rf "$work"/*.ivt "$region"
	: >"$work/done"
	trace=$work/t.ivt
	make_region 16M 2
	record_in_background --duration 60s "$@"
	"$dying" "$region" "$work/tally" --count 20000 --pace-us 200 --half-written >"$work/done" &
	pid=$!
	wait_for 60 grep -q "done" "$work/done"
	wait_for 30 grep -q 'a: clock: ' "$work/record.out"
	sleep 0.3 # and what it says is in the trace
	kill -9 $recorder $pid
	wait $recorder $pid 2>/dev/null || true
	before=$(sha256sum <"$region")
}

salvage() # OPTIONS...
{
	rm -rf "$work/s.ivt"
	"$host" salvage "$region" --name a -o "$work/s.ivt" "$@" >"$work/out" 2>&1 ||
		{ cat "$work/out"; exit 1; }
	[ "$(sha256sum <"$region")" = "$before" ] || { echo "the file was changed"; exit 1; }
	trace=$work/s.ivt
}

# Every record that the guest's own count has, of which some is half-written.
is_whole()
{
	local n

	n=$(recorded)
	[ "$(counts)" = "$n 2 0" ] || { cat "$work/out"; echo "$(counts), not $n 2 0"; exit 1; }
	[ "$(check_marks)" = "$n" ]
}

for mode in stream flight; do
	left_behind --mode $mode
	salvage
	grep 'salvaged' "$work/out"
	grep -q "nothing tells its clock" "$work/out"
	"$report" summary "$trace" | grep "snapshot  salvaged from .*the guest's own"
	is_whole
done

left_behind
salvage --clock "$work/t.ivt"
grep -q "nothing tells its clock" "$work/out" && exit 1
is_whole
# The same mark has the same time in the recording and in what was salvaged.
stamp() # TRACE
{
	"$report" events --json --name ivtrace_mark "$1" 2>/dev/null | grep -m 1 '"0 100"' |
		sed -E 's/.*"(ns|time_ns|t_ns)":"?([0-9]+).*/\2/'
}
[ -n "$(stamp "$work/s.ivt")" ]
[ "$(stamp "$work/t.ivt")" = "$(stamp "$work/s.ivt")" ] ||
	{ echo "$(stamp "$work/t.ivt") $(stamp "$work/s.ivt")"; exit 1; }

echo '== a copy, cut; scribbled on; no region'
head -c 8M "$region" >"$work/cut"
! "$host" salvage "$work/cut" -o "$work/c.ivt" 2>"$work/err" || exit 1
grep 'smaller than the region' "$work/err"
cp "$region" "$work/scribbled"
dd if=/dev/urandom of="$work/scribbled" bs=64K seek=40 count=60 conv=notrunc status=none
rm -rf "$work/s.ivt"
"$host" salvage "$work/scribbled" --name a -o "$work/s.ivt" >"$work/out" 2>&1
"$report" summary "$work/s.ivt" | grep '^a '
! "$host" salvage /bin/true -o "$work/c.ivt" 2>"$work/err" || exit 1
grep 'not a trace region' "$work/err"
[ ! -e "$work/c.ivt" ]
