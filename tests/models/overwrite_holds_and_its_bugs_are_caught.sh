#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# Overwrite mode: w_claim, snapshots while the writer runs, content_size.
. "$(dirname "$0")/lib.sh"

holds '2 levels x 3 records' overwrite -DRECORDS=3
holds '2 levels x 2 records, writer may die' overwrite -DSUBBUF=2 -DWRITER_MAY_DIE
holds '2 levels x 2 records of 1 or 2 units' overwrite -DBIG=2 -DSUBBUF=4
holds '2 levels x 3 records, 4 sub-buffers of which a snapshot tries 2' overwrite \
	-DRECORDS=3 -DNSUB=4 -DSUBBUF=2 -DKEEP=4
holds '2 levels x 2 records, 1 flush, grain of 2' overwrite -DTICKS=1 -DPUB=2

caught claim_after_cmpxchg accepted_is_whole overwrite -DRECORDS=3
caught claim_of_none claim_is_sane overwrite
caught claim_of_two quiet_ring_is_read_whole overwrite
caught switch_inside_a_switch content_size_is_sane overwrite
caught resv_not_read_again_after_switch_end claim_is_sane overwrite -DSUBBUF=2
caught uncommitted_is_lapped accepted_is_whole overwrite -DSUBBUF=2
caught pub_moved_before_head unpublished_is_not_overwritten overwrite \
	-DSUBBUF=2 -DWRITER_MAY_DIE
caught claim_loaded_before_the_copy accepted_is_whole overwrite -DRECORDS=3
caught one_claim_too_many_believed accepted_is_whole overwrite -DRECORDS=3
caught content_size_before_cmpxchg accepted_is_whole overwrite -DBIG=2 -DSUBBUF=4
caught content_size_not_stored content_size_is_sane overwrite
caught reader_ignores_content_size accepted_is_whole overwrite -DBIG=2 -DSUBBUF=4
caught reader_closed_test_not_strict content_size_is_sane overwrite

if [ -n "${LONG:-}" ]; then
	holds '2 levels x 5 records' overwrite -DRECORDS=5
	holds '2 levels x 4 records, 3 sub-buffers' overwrite -DRECORDS=4 -DNSUB=3
	holds '3 levels x 2 records' overwrite -DLEVELS=3
	holds '2 levels x 3 records of 1 or 2 units' overwrite -DRECORDS=3 -DBIG=2 -DSUBBUF=4
fi
exit $status
