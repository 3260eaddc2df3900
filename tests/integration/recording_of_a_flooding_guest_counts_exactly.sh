#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# A guest that writes as fast as it can into small rings: attempted = recorded +
# lost in the guest, in the trace, and in what can be read.
. "$(dirname "$0")/lib.sh"
make_region 4M 8
record -- "$guest" "$region" --cpus 2 --count 400000 --pace-us 0 --linger-ms 1500 | tee "$work/out"
read -r records lost refused < <(counts)
echo "records $records lost $lost refused $refused"
[ "$(field lost "$work/out")" -gt 0 ] || echo "nothing was lost: the machine is too fast for this test"
[ "$records" -eq "$(field recorded "$work/out")" ]
[ "$lost" -eq "$(field lost "$work/out")" ]
[ $((records + lost)) -eq 800000 ]
[ "$refused" -eq 0 ]
[ "$(check_marks)" -eq "$records" ]
