/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reader that is killed at any point, KILLS times, and started again, in
 * discard mode: the writer of writer.pml, and ivring_drain_step(), which writes
 * data to the file, then the journal, then r_tail.
 *
 * Held: at the end the file has each record once, in order; a restart finds a
 * journal that neither ring nor file contradicts.
 */
#ifndef KILLS
#define KILLS 1
#endif
#include "writer.pml"
#include "journal.pml"

hidden byte j;
hidden byte head_fits_behind_tail, content_size_is_sane, unit_is_whole;

/* One pwritev() of all that was gathered. */
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
		FORGET_RANGES()                                             \
	   }                                                                \
	fi

#define FORGET_RANGES()                                                     \
	for (i : 0 .. NSUB) { range_from[i] = 0; range_end[i] = 0 };        \
	n_ranges = 0; write_at = 0

#define RELEASE() r_tail = tail

active proctype reader()
{
	byte tail, head, end, next, seq, offset, write_at, n_units, n_ranges;
	byte range_from[NSUB + 1], range_end[NSUB + 1];

restart:
	{
		RESUME(SIZE);
		do
		:: d_step { /* ---- ivring_drain_step(): gather() ---- */
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
			LAST_OF_FILE();
			CLAIM(file_has_each_record_once, k < BUSY && offset == written)
		   }
		   goto done
		od
	} unless {
		d_step { is_killed -> is_killed = 0; next = 0; end = 0; FORGET_RANGES() }
	};
	goto restart;
done:
	skip
}
