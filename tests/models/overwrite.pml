/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Overwrite mode (flight recorder): the writer of writer.pml and
 * ivring_snapshot_begin(), _next() and _accept(), again and again.
 *
 * Held: what is accepted is whole, each of its units committed and of this lap,
 * none left out; nothing that an honest writer does looks like nonsense; once
 * the writer is quiet a snapshot gets all that it tries to.
 * Not modelled: the loss counters, which are those of discard.pml.
 */
#define IS_OVERWRITE
#include "writer.pml"

/* How far back a snapshot looks.  ring.h leaves out two sub-buffers, for it would
 * mostly come too late for them; all that can be whole is harder to get right. */
#ifndef KEEP
#define KEEP SIZE
#endif

#ifdef BUG_reader_closed_test_not_strict
#define IS_CLOSED (head >= BASE(tail) + SUBBUF)
#else
#define IS_CLOSED (head > BASE(tail) + SUBBUF)
#endif

#ifdef BUG_one_claim_too_many_believed
#define IS_OVERWRITTEN (claim > BASE(tail) + SIZE + SUBBUF)
#else
#define IS_OVERWRITTEN (claim > BASE(tail) + SIZE)
#endif

hidden byte j, from;
hidden byte claim_is_sane, content_size_is_sane, accepted_is_whole, quiet_ring_is_read_whole;

/* The caller copies: any moment between the bounds and the look at w_claim. */
#define COPY()                                                              \
	from = (tail == BASE(tail) -> tail + HDR : tail);                   \
	for (j : from .. end - 1) {                                         \
		if                                                          \
		:: data[INDEX(j)] != COMMITTED(j) -> is_torn = 1            \
		:: else                                                     \
		fi                                                          \
	};                                                                  \
	if                                                                  \
	:: next != head && end < next && data[INDEX(end)] == COMMITTED(end) -> \
		is_torn = 1 /* a record behind content_size */              \
	:: else                                                             \
	fi;                                                                 \
	end = 0

#define LOAD_CLAIM()                                                        \
	CLAIM(claim_is_sane, !USED(w_claim) && w_claim >= claim && w_claim >= head); \
	claim = w_claim

active proctype reader()
{
	byte tail, head, end, next, claim;
	bit is_bad, is_torn, is_quiet;

	do
	:: d_step { /* ---- ivring_snapshot_begin() ---- */
		w_head != head ->
		CLAIM(head_is_monotone, w_head >= head);
		head = w_head; /* R1 */
		is_quiet = is_finished;
		if
		:: head > KEEP && ROUND_UP(head - KEEP) > tail -> tail = ROUND_UP(head - KEEP)
		:: else
		fi
	   }
	   do
	   :: tail < head -> /* ---- ivring_snapshot_next() ---- */
		if
		:: d_step {
			IS_CLOSED ->
			next = BASE(tail) + SUBBUF;
#ifdef BUG_reader_ignores_content_size
			end = next;
#else
			end = BASE(tail) + content_size[SUB_INDEX(BASE(tail))];
#endif
			if
			:: end < tail || end > next || end <= BASE(tail) + HDR ->
				is_bad = 1; end = 0
			:: else
			fi
		   }
		:: d_step { !IS_CLOSED -> end = head; next = head }
		fi;
#ifdef BUG_claim_loaded_before_the_copy
		d_step { LOAD_CLAIM() }
		d_step { COPY() }
#else
		d_step { COPY() }
		d_step { LOAD_CLAIM() } /* R3; ---- ivring_snapshot_accept() ---- */
#endif
		d_step {
			if
			:: IS_OVERWRITTEN ->
				CLAIM(quiet_ring_is_read_whole, !is_quiet);
				tail = (claim - SIZE < head -> claim - SIZE : head)
			:: else ->
				CLAIM(content_size_is_sane, !is_bad);
				CLAIM(accepted_is_whole, !is_torn);
				tail = next
			fi;
			is_bad = 0; is_torn = 0; next = 0
		}
	   :: tail >= head -> break
	   od
	:: is_finished && head == w_head -> break
	od
}
