#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest whose driver comes up, writes a little and is reset before the recorder
# has seen it at work: each boot is a machine of its own, its records all there.
. "$(dirname "$0")/lib.sh"

make_region 16M 2
record_in_background
"$guest" "$region" --cpus 1 --count 10 --pace-us 0 --boots 4 --firmware-ms 0
kill -INT "$recorder"
wait "$recorder"
cat "$work/record.out"
ends_with 40 4
