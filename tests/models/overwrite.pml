/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Overwrite mode (flight recorder): the writer of writer.pml and
 * ivring_snapshot_begin(), _next() and _accept(), again and again.
 *
 * Held: what is accepted is whole, each of its units committed and of this lap,
 * none left out; nothing that an honest writer does looks like nonsense; once
 * the writer is quiet a snapshot gets all that it tries to.  With KILLS the
 * snapshots go to a file with a journal, as ivring_drain_step() does it, by a
 * reader that is killed and started again: at the end the file has whole records
 * only, in order, none twice.
 */
#define IS_OVERWRITE
#include "writer.pml"
#ifdef KILLS
#include "journal.pml"
#endif

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
	PUT_INTO_FILE();                                                    \
	end = 0

#ifdef KILLS
/* At offset, over what was thrown away. */
#define PUT_INTO_FILE()                                                     \
	n_units = 0;                                                        \
	for (j : from .. end - 1) {                                         \
		file[offset + n_units] = data[INDEX(j)];                    \
		n_units++                                                   \
	};                                                                  \
	file_units = (offset + n_units > file_units -> offset + n_units : file_units)
#else
#define PUT_INTO_FILE()
#endif

#if defined(KILLS) && !defined(BUG_overwritten_is_journalled)
#define THROW_AWAY() n_units = 0
#else
#define THROW_AWAY() skip
#endif

#define LOAD_CLAIM()                                                        \
	CLAIM(claim_is_sane, !USED(w_claim) && w_claim >= claim && w_claim >= head); \
	claim = w_claim

active proctype reader()
{
	byte tail, head, end, next, claim;
	bit is_bad, is_torn, is_quiet;
#ifdef KILLS
	byte seq, offset, n_units;
#endif

restart:
	{
#ifdef KILLS
		RESUME(BUSY);
		head = 0;
#endif
		do
		:: d_step { /* ---- ivring_snapshot_begin() ---- */
			w_head != head ->
			CLAIM(head_is_monotone, w_head >= head);
			head = w_head; /* R1 */
			is_quiet = is_finished;
			if
			:: head > KEEP && ROUND_UP(head - KEEP) > tail ->
				tail = ROUND_UP(head - KEEP)
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
					tail = (claim - SIZE < head -> claim - SIZE : head);
					THROW_AWAY()
				:: else ->
					CLAIM(content_size_is_sane, !is_bad);
					CLAIM(accepted_is_whole, !is_torn);
					tail = next
				fi;
				is_bad = 0; is_torn = 0; next = 0
			}
#ifdef KILLS
			COMMIT()
#endif
		   :: tail >= head -> break
		   od
		:: d_step {
			is_finished && head == w_head
#ifdef KILLS
			->
			LAST_OF_FILE();
			CLAIM(file_has_each_record_once, k < BUSY)
#endif
		   }
		   goto done
		od
	}
#ifdef KILLS
	unless {
		d_step {
			is_killed ->
			is_killed = 0; claim = 0; is_bad = 0; is_torn = 0; end = 0; next = 0
		}
	};
	goto restart;
#endif
done:
	skip
}
