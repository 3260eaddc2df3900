#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# A reader that is killed at any point resumes from its journal, exactly once.
. "$(dirname "$0")/lib.sh"

holds '6 records, killed once' restart -DLEVELS=1 -DRECORDS=6
holds '5 records, killed twice' restart -DLEVELS=1 -DRECORDS=5 -DKILLS=2
holds '3 records of 1 or 2 units, killed once' restart -DLEVELS=1 -DRECORDS=3 -DBIG=2 -DSUBBUF=4
holds '2 levels x 2 records, killed once' restart
holds '6 records, snapshots, killed once' overwrite -DLEVELS=1 -DRECORDS=6 -DKILLS=1

caught journal_before_data journal_fits_file restart -DLEVELS=1 -DRECORDS=6
caught released_before_journal unit_is_whole restart -DLEVELS=1 -DRECORDS=6
caught released_before_data unit_is_whole restart -DLEVELS=1 -DRECORDS=6
caught newer_slot_filled 'journal_fits_ring|journalled_is_kept' restart -DLEVELS=1 -DRECORDS=6
caught checksum_not_looked_at journalled_is_kept restart -DLEVELS=1 -DRECORDS=6
caught r_tail_believed file_has_each_record_once restart -DLEVELS=1 -DRECORDS=6
caught file_not_cut file_has_each_record_once restart -DLEVELS=1 -DRECORDS=6
caught overwritten_is_journalled file_has_each_record_once overwrite \
	-DLEVELS=1 -DRECORDS=6 -DKILLS=1

if [ -n "${LONG:-}" ]; then
	holds '8 records, killed 3 times' restart -DLEVELS=1 -DRECORDS=8 -DKILLS=3
	holds '2 levels x 3 records, killed once' restart -DRECORDS=3
	holds '2 levels x 2 records, snapshots, killed once' overwrite -DKILLS=1
	holds '5 records of 1 or 2 units, killed once' restart \
		-DLEVELS=1 -DRECORDS=5 -DBIG=2 -DSUBBUF=4
fi
exit $status
