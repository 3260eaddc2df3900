#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# No source tells the guest's TSC offset: its records cannot be placed exactly in the
# host's time, and that is said; they are in the trace all the same.
. "$(dirname "$0")/lib.sh"
make_region 16M 2
"$host" record -o "$trace" --vm "a=shm:$region" --host none --tsc debugfs -- \
	"$guest" "$region" --count 20000 --pace-us 300 2>"$work/err" | tee "$work/out"
cat "$work/err"
grep -q 'no TSC offset' "$work/err"
read -r records lost refused < <(counts)
echo "records $records lost $lost refused $refused"
[ "$records $lost $refused" = "40000 0 0" ]
[ "$(check_marks)" -eq 40000 ]
