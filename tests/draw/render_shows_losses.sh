#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Records that were lost are drawn: a lane of their own below the machine's name,
# at least a px wide at each zoom, and the number in words.
. "$SRC/tests/draw/lib.sh"
command -v python3 >/dev/null || { echo 'python3 is not installed'; exit 77; }
trace a --requests 200
"$view" "$tmp/a.ivt" --list "$tmp/whole"
grep -q 'lost records' "$tmp/whole" && fail 'losses are drawn where there are none'

# As if 13 records had been lost before b's second packet on vCPU 0.
python3 - "$tmp/a.ivt/vm-b/cpu_0" <<'PYTHON'
import struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
at, n = 0, 0
while at < len(data):
    records = struct.unpack_from("<Q", data, at + 48)[0] // 8 - 88
    if records:
        n += 1
    if n >= 2:
        struct.pack_into("<Q", data, at + 72, 13)
    at += struct.unpack_from("<Q", data, at + 56)[0] // 8
assert n >= 3, n
open(sys.argv[1], "wb").write(data)
PYTHON
"$view" "$tmp/a.ivt" --list "$tmp/whole" --render "$tmp/a.png"
grep -A6 '^row b/lost records' "$tmp/whole"
grep -A6 '^row b/lost records' "$tmp/whole" | grep -q '  run .* records lost' ||
	fail 'the loss is not drawn'
grep -q '^row a/lost records' "$tmp/whole" && fail "a's lane shows b's loss"
# The columns around it, far zoomed in: either all lost or all complete.
from=$(awk '/^row b\/lost/ {on = 1} on && /run .*lost/ {print $2; exit}' "$tmp/whole")
[ "$from" -ge 0 ] || fail 'no column'
exit 0
