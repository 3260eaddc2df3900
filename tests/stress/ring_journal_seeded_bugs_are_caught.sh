#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# reader_killed_at_each_step_loses_nothing must fail when one of the orders or checks
# that journal and drain live by is put out of order.
#
# Not among them: "checksum stored first" alone.  The checksum covers every word of the
# slot, so a slot counts only when all of them are there, in whatever order they came; it
# is caught together with a checksum that does not.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
test=reader_killed_at_each_step_loses_nothing
status=0

build() # DIRECTORY OUTPUT
{
	(cd "$1" && gcc -std=gnu11 -O1 -w -D_GNU_SOURCE -I. -Iivring/include -o "$2" \
		tests/stress/$test.c)
}

# seed NAME FILE EDIT: EDIT is a perl substitution over the whole of FILE
seed()
{
	local name=$1 file=$2 edit=$3 output

	rm -rf "$tmp/tree"
	mkdir -p "$tmp/tree/tests/stress" "$tmp/tree/ivring"
	cp -r "$SRC/ivring/include" "$SRC/ivring/src" "$tmp/tree/ivring/"
	cp "$SRC"/tests/stress/reader_killed* "$tmp/tree/tests/stress/"
	perl -0pi -e "$edit" "$tmp/tree/$file"
	if [ -n "$edit" ] && cmp -s "$tmp/tree/$file" "$SRC/$file"; then
		echo "FAIL $name: the seed does not apply to $file any more"
		status=1
		return
	fi
	build "$tmp/tree" "$tmp/seeded"
	if output=$(timeout 60 "$tmp/seeded" 2>&1 >/dev/null); then
		echo "FAIL $name: not noticed"
		status=1
	else
		echo "ok $name: ${output%%$'\n'*}"
	fi
}

drain=ivring/src/drain.c
journal=ivring/src/journal.c

seed ring_released_before_the_journal $drain \
	's/(\t\tcommit\(d, file_bytes, g\.n\);\n)(\t\terr = guarded\(d, release, NULL\);\n)/$2$1/'
seed journal_before_the_data $drain \
	's/(static int step_discard.*?)\tif \(g\.n\) \{\n/$1\tif (g.n) {\n\t\tcommit(d, g.bytes, g.n);\n\t\td->pos.file_offset -= g.bytes;\n\t\td->packet_seq -= g.n;\n/s; s/if \(d->reader\.tail != d->pos\.tail \|\|.*?\) \{/if (1) {/s'
seed tail_moves_though_the_write_failed $drain \
	's/\t\t\td->reader\.tail = tail;\n//'
seed offset_does_not_move $drain \
	's/d->pos\.file_offset \+ file_bytes/d->pos.file_offset/'
seed regions_tail_is_believed $drain \
	's/\t\t\t   d->pos\.tail\);/\t\t\t   ((const struct ivring_reader_line *)((char *)region->reader_area + 4096))->r_tail);/'
seed ring_not_released_at_the_restart $drain \
	's/(commit\(&d, 0, 0\);\n)\terr = guarded\(&d, release, NULL\);\n/$1/'
seed snapshot_kept_though_overwritten $drain \
	's/\tif \(got != 1\)\n\t\tfile_bytes/\tif (0)\n\t\tfile_bytes/'
seed snapshot_journalled_before_the_claim_was_looked_at $drain \
	's/(\tgot = guarded\(d, snapshot_accept, NULL\);)/\t{ struct ivring_reader was = d->reader; uint64_t seq = d->packet_seq; struct ivring_journal_pos pos = d->pos; d->reader.tail = d->reader.snap_next; commit(d, file_bytes, 1); d->reader = was; d->packet_seq = seq; d->pos = pos; }\n$1/'
seed thrown_away_snapshot_stays_in_the_file $drain \
	's/file_bytes = range\.bytes = 0;/range.bytes = 0;/'
seed one_slot_for_all_commits $journal \
	's/\+ \(seq & 1\)\]/+ 0]/; s/ && \(slot\.seq & 1\) == i//'
seed checksum_not_looked_at $journal \
	's/ &&\n\t\t    slot\.crc32c == slot_crc\(journal, channel, &slot\)//'
seed checksum_first_and_of_the_number_alone $journal \
	's/return crc_of\(&copy\);/return ivring_crc32c(&copy, 8);/; s/(\tfor \(i = 0; i < SLOT_WORDS - 1; i\+\+\))/\tivring_store(&to[7], words[7]);\n$1/'
seed older_slot_counts $journal \
	's/slot\.seq > last &&/(!last || slot.seq < last) && slot.seq \&\&/'
exit $status
