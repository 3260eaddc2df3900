/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Discard mode (live recording): the writer of writer.pml and
 * ivring_reader_fetch(), ivring_reader_next() and ivring_reader_release().
 *
 * Held: the head never goes back; each unit that the reader takes is committed,
 * and of this lap; it takes each record once and no gap; nothing is overwritten
 * before it was taken; recorded + lost = attempted.
 * With IS_HOSTILE there is no reader: the writer finds any number in r_tail, and
 * must not write where a record of its own is not committed yet.
 */
#include "writer.pml"

#ifndef IS_HOSTILE

hidden byte j;
hidden byte head_fits_behind_tail, content_size_is_sane, unit_is_whole, all_was_read;

#ifdef BUG_reader_closed_test_not_strict
#define IS_CLOSED (head >= next)
#else
#define IS_CLOSED (head > next)
#endif

active proctype reader()
{
	byte tail, head, end, next, n_read;

	do
	:: d_step { /* ---- ivring_reader_fetch() ---- */
		w_head != head || tail < head ->
		CLAIM(head_is_monotone, w_head >= head);
		CLAIM(head_fits_behind_tail, w_head - tail <= SIZE);
		head = w_head /* R1 */
	   }
	   do
	   :: tail < head -> /* ---- ivring_reader_next() ---- */
		next = BASE(tail) + SUBBUF;
		if
		:: d_step {
			IS_CLOSED ->
#ifdef BUG_reader_ignores_content_size
			end = next;
#else
			end = BASE(tail) + content_size[SUB_INDEX(BASE(tail))];
#endif
			CLAIM(content_size_is_sane, end >= tail && end <= next &&
			      end - BASE(tail) > HDR)
		   }
		:: d_step { !IS_CLOSED -> end = head; next = head }
		fi;
		d_step { /* the caller copies: at any later moment until the release */
			if
			:: tail == BASE(tail) -> tail = tail + HDR
			:: else
			fi;
			for (j : tail .. end - 1) {
				CLAIM(unit_is_whole, data[INDEX(j)] == COMMITTED(j));
				n_read++
			};
			tail = next; next = 0; end = 0
		}
	   :: tail >= head -> break
	   od;
	   r_tail = tail /* R2 */
	:: d_step {
		is_finished && tail == w_head ->
		CLAIM(all_was_read, n_read == written)
	   }
	   break
	od
}

#endif
