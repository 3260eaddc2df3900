#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whatever a reader stores into r_tail: no record is overwritten that is not
# committed yet, or not published.
. "$(dirname "$0")/lib.sh"

holds '2 levels x 4 records' discard -DIS_HOSTILE -DRECORDS=4 -DWRITER_MAY_DIE
holds '2 levels x 2 records of 1 or 2 units' discard -DIS_HOSTILE -DBIG=2 -DSUBBUF=4
holds '2 levels x 3 records, 1 flush, grain of 4' discard -DIS_HOSTILE -DRECORDS=3 -DPUB=4 -DTICKS=1
caught tail_not_clamped uncommitted_is_not_overwritten discard \
	-DIS_HOSTILE -DBIG=2 -DSUBBUF=4
caught pub_moved_before_head unpublished_is_not_overwritten discard \
	-DIS_HOSTILE -DRECORDS=3 -DSUBBUF=2 -DWRITER_MAY_DIE

if [ -n "${LONG:-}" ]; then
	holds '2 levels x 6 records' discard -DIS_HOSTILE -DRECORDS=6
	holds '3 levels x 2 records' discard -DIS_HOSTILE -DLEVELS=3
	holds '2 levels x 3 records of 1 or 2 units' discard \
		-DIS_HOSTILE -DRECORDS=3 -DBIG=2 -DSUBBUF=4
fi
exit $status
