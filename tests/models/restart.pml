/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reader that is killed (-9) at any point, KILLS times, and started again: the
 * writer of writer.pml in discard mode, and ivring_drain_open() and
 * ivring_drain_step() with the journal: data to the file, journal, r_tail.
 *
 * Held: at the end the file has each record once, in order; a restart finds a
 * journal that neither ring nor file contradicts.
 * Modelled: the journal's two slots, a store at a time; the checksum, which fits
 * when all words of a slot are those of one commit.
 * Not modelled: a loss of power (stores may then be kept out of order), a
 * pwritev() that ends half way (behind file_offset, so cut off like a whole one),
 * packets' headers, snapshots.
 */
#include "writer.pml"

#ifndef KILLS
#define KILLS 1
#endif

#define MAX_UNITS (LEVELS * RECORDS * BIG)

/* What each unit of the file holds; 0 behind its end and in a hole. */
byte file[MAX_UNITS], file_units;

/* The journal, after the first commit of all, made before any record. */
byte slot_seq[2], slot_tail[2], slot_offset[2];
bit slot_fits[2] = 1;

byte kills_left = KILLS;
bit is_killed;

hidden byte j, k;
hidden byte head_fits_behind_tail, content_size_is_sane, unit_is_whole;
hidden byte journal_fits_ring, journal_fits_file, file_has_each_record_once;

active proctype killer()
{
end:
	do
	:: d_step { kills_left > 0 && !is_killed -> kills_left--; is_killed = 1 }
	od
}

#ifdef BUG_checksum_not_looked_at
#define IS_GOOD(slot) 1
#else
#define IS_GOOD(slot) slot_fits[slot]
#endif
#ifdef BUG_newer_slot_filled
#define SLOT(seq) 0
#else
#define SLOT(seq) ((seq) % 2)
#endif

/* One pwritev() of all that was gathered, from file_offset on. */
#define WRITE_PACKETS()                                                     \
	if                                                                  \
	:: d_step {                                                         \
		k = write_at;                                               \
		for (i : 0 .. n_ranges - 1) {                               \
			for (j : range_from[i] .. range_end[i] - 1) {       \
				CLAIM(unit_is_whole, data[INDEX(j)] == COMMITTED(j)); \
				CLAIM(file_has_each_record_once, k < MAX_UNITS); \
				file[k] = COMMITTED(j);                     \
				k++                                         \
			}                                                   \
		};                                                          \
		file_units = (k > file_units -> k : file_units);            \
		for (i : 0 .. NSUB) { range_from[i] = 0; range_end[i] = 0 }; \
		n_ranges = 0; write_at = 0                                  \
	   }                                                                \
	fi

/* ivring_journal_commit(): word by word, the checksum last. */
#define COMMIT()                                                            \
	if                                                                  \
	:: d_step {                                                         \
		seq++;                                                      \
		slot_fits[SLOT(seq)] = 0;                                   \
		slot_seq[SLOT(seq)] = seq                                   \
	   }                                                                \
	fi;                                                                 \
	slot_tail[SLOT(seq)] = tail;                                        \
	d_step { offset = offset + n_units; slot_offset[SLOT(seq)] = offset } \
	d_step { slot_fits[SLOT(seq)] = 1; n_units = 0 }

#define RELEASE() r_tail = tail

active proctype reader()
{
	byte tail, head, end, next, seq, offset, write_at, n_units, n_ranges;
	byte range_from[NSUB + 1], range_end[NSUB + 1];

restart:
	{
		/* ---- ivring_drain_open(): resume ---- */
		d_step {
			seq = (IS_GOOD(1) && (!IS_GOOD(0) || slot_seq[1] > slot_seq[0]) -> 1 : 0);
			tail = slot_tail[seq]; offset = slot_offset[seq]; seq = slot_seq[seq];
#ifdef BUG_r_tail_believed
			tail = r_tail;
#endif
			n_units = 0; n_ranges = 0; write_at = 0; next = 0; end = 0;
			for (i : 0 .. NSUB) { range_from[i] = 0; range_end[i] = 0 }
		}
		d_step {
			head = w_head; /* R1 */
			CLAIM(journal_fits_ring, tail <= head && head - tail <= SIZE)
		}
		d_step { /* the file is cut to what the journal has */
			CLAIM(journal_fits_file, file_units >= offset);
#ifdef BUG_file_not_cut
			offset = file_units;
#else
			for (i : offset .. MAX_UNITS - 1) { file[i] = 0 };
			file_units = offset
#endif
		}
		RELEASE();

		do
		:: d_step { /* ---- ivring_drain_step(): gather ---- */
			w_head != head || tail < head ->
			CLAIM(head_is_monotone, w_head >= head);
			CLAIM(head_fits_behind_tail, w_head - tail <= SIZE);
			head = w_head; /* R1 */
			write_at = offset
		   }
		   do
		   :: tail < head ->
			next = BASE(tail) + SUBBUF;
			if
			:: d_step {
				head > next ->
				end = BASE(tail) + content_size[SUB_INDEX(BASE(tail))];
				CLAIM(content_size_is_sane, end >= tail && end <= next &&
				      end - BASE(tail) > HDR)
			   }
			:: d_step { head <= next -> end = head; next = head }
			fi;
			d_step {
				range_from[n_ranges] = (tail == BASE(tail) -> tail + HDR : tail);
				range_end[n_ranges] = end;
				if
				:: range_from[n_ranges] < end ->
					n_units = n_units + end - range_from[n_ranges];
					n_ranges++
				:: else -> range_from[n_ranges] = 0; range_end[n_ranges] = 0
				fi;
				tail = next; next = 0; end = 0
			}
		   :: tail >= head -> break
		   od;
#ifdef BUG_journal_before_data
		   COMMIT();
		   WRITE_PACKETS();
		   RELEASE()
#elif defined(BUG_released_before_journal)
		   WRITE_PACKETS();
		   RELEASE();
		   COMMIT()
#elif defined(BUG_released_before_data)
		   RELEASE();
		   WRITE_PACKETS();
		   COMMIT()
#else
		   WRITE_PACKETS();
		   COMMIT();
		   RELEASE() /* R2 */
#endif
		:: d_step {
			is_finished && tail == w_head ->
			k = 0;
			for (i : 0 .. file_units - 1) {
				k = (file[i] > k -> file[i] : BUSY)
			};
			CLAIM(file_has_each_record_once, k < BUSY && file_units == written)
		   }
		   goto done
		od
	} unless { d_step { is_killed -> is_killed = 0 } };
	goto restart;
done:
	skip
}
