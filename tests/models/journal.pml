/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What outlives a reader that is killed (-9), and how the next one resumes: its
 * file, and ivring_journal_commit(), ivring_drain_open() of ivring/src.  Included
 * by restart.pml and overwrite.pml, whose readers have tail, head, seq, offset,
 * n_units.
 *
 * Modelled: the two slots, a store at a time; the checksum, which fits when all
 * words of a slot are those of one commit.
 * Not modelled: a loss of power (stores may then be kept out of order), a
 * pwritev() that ends half way (it lies behind file_offset, so it is cut off like
 * a whole one), packets' headers, the first commit of all.
 */
#define MAX_UNITS (LEVELS * RECORDS * BIG)

/* What each unit of the file holds; 0 behind its end and in a hole.  What is
 * thrown away again may lie behind the last of all. */
byte file[MAX_UNITS + SUBBUF], file_units;

byte slot_seq[2], slot_tail[2], slot_offset[2];
bit slot_fits[2] = 1;

byte journalled; /* units of the file at the last whole commit */
byte kills_left = KILLS;
bit is_killed;

hidden byte k;
hidden byte journal_fits_ring, journal_fits_file, journalled_is_kept, file_has_each_record_once;

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
	d_step { slot_fits[SLOT(seq)] = 1; n_units = 0; journalled = offset }

#ifdef BUG_r_tail_believed
#define RESUME_AT r_tail
#else
#define RESUME_AT slot_tail[seq]
#endif

#ifdef BUG_file_not_cut
#define CUT_FILE() offset = file_units
#else
#define CUT_FILE()                                                          \
	for (i : offset .. MAX_UNITS + SUBBUF - 1) { file[i] = 0 };         \
	file_units = offset
#endif

/* max_lag: how far behind the head a tail can be, if that is known. */
#define RESUME(max_lag)                                                     \
	d_step {                                                            \
		seq = (IS_GOOD(1) && (!IS_GOOD(0) || slot_seq[1] > slot_seq[0]) -> 1 : 0); \
		tail = RESUME_AT; offset = slot_offset[seq]; seq = slot_seq[seq]; \
		n_units = 0                                                 \
	}                                                                   \
	d_step {                                                            \
		head = w_head; /* R1 */                                     \
		CLAIM(journal_fits_ring, tail <= head && head - tail <= max_lag) \
	}                                                                   \
	d_step {                                                            \
		CLAIM(journalled_is_kept, offset >= journalled);            \
		CLAIM(journal_fits_file, file_units >= offset);             \
		CUT_FILE()                                                  \
	}                                                                   \
	r_tail = tail

/* All that counts, in the order of the ring; BUSY: one is not. */
#define LAST_OF_FILE()                                                      \
	k = 0;                                                              \
	for (i : 0 .. offset - 1) { k = (file[i] > k -> file[i] : BUSY) }
