#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# A guest that does not overrun its rings: nothing lost, each record once.
. "$(dirname "$0")/lib.sh"
make_region 16M 2
record -- "$guest" "$region" --count 100000 --pace-us 300 | tee "$work/out"
read -r records lost refused < <(counts)
echo "records $records lost $lost refused $refused"
[ "$(field recorded "$work/out")" -eq 200000 ]
[ "$records $lost $refused" = "200000 0 0" ]
[ "$(check_marks)" -eq 200000 ]
"$report" sync "$trace"
