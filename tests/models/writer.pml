/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model of the writer of one channel: ivring_emit(), ivring_switch_subbuf(),
 * ivring_leave() and ivring_flush() of ring.h, access by access.  discard.pml
 * and overwrite.pml include it and add the reader.
 *
 * Modelled: LEVELS nested contexts of one CPU (task, softirq, hardirq, NMI),
 * each with RECORDS records of 1..BIG units, the highest with TICKS flushes too.
 * They interrupt one another in stack order, between any two accesses of words
 * that somebody else looks at.  Positions count units; a sub-buffer has SUBBUF
 * of them, the first is its header; the ring has NSUB sub-buffers; w_head is
 * published every PUB units.
 * Not modelled: weak memory (a step is seen by all at once), payload, epochs,
 * words of the sub-buffer's header other than content_size, positions near 2^62.
 *
 * One d_step is one access, with what follows it and nobody else can see.  Each
 * BUG_* puts a mistake in that the search must find; CLAIM() names what breaks.
 */
#ifndef LEVELS
#define LEVELS 2
#endif
#ifndef RECORDS
#define RECORDS 2
#endif
#ifndef BIG
#define BIG 1
#endif
#ifndef TICKS
#define TICKS 0
#endif
#ifndef NSUB
#define NSUB 2
#endif
#ifndef SUBBUF
#define SUBBUF 3
#endif
#ifndef PUB
#define PUB 1
#endif
#ifndef MAX_NEST
#define MAX_NEST 8
#endif

#define HDR	       1 /* IVRING_SUBBUF_HDR_BYTES */
#define SIZE	       (NSUB * SUBBUF)
#define USED(pos)      ((pos) % SUBBUF)
#define BASE(pos)      ((pos) - USED(pos))
#define ROUND_UP(pos)  BASE((pos) + SUBBUF - 1)
#define INDEX(pos)     ((pos) % SIZE)
#define SUB_INDEX(pos) (INDEX(pos) / SUBBUF)
#define LEVEL	       (_pid + 1)
/* Its name is in the message; hidden, it is no part of the state. */
#define CLAIM(name, expr) name = (expr); assert(name)

/* A unit of the ring: 0 (never written), BUSY, or its position + 1. */
#define BUSY 255
#define COMMITTED(pos) ((pos) + 1)

#define LAST_CALL 255 /* as need */

/* Private to the CPU: struct ivring_writer. */
byte resv, pub, ctail, nest, lost; /* lost: the three causes together */
byte switch_end;
bit force;

/* Shared with the reader. */
byte w_head, shared_lost, r_tail;
byte content_size[NSUB];
byte data[SIZE];
#ifdef IS_OVERWRITE
byte w_claim = SUBBUF;
#endif

/* The machine. */
byte running; /* level that has the CPU; 0: none */
byte calls_left = LEVELS * RECORDS + TICKS;
bit is_finished; /* no call comes any more */

/* For the claims. */
byte n_recorded, written; /* records committed, and their units */
byte head_due, lost_due; /* what was there to be published at the last flush */
bit is_stamp_newest[LEVELS + 1]; /* nothing was reserved since this level's clock */
hidden byte head_is_monotone, stamps_are_monotone, uncommitted_is_not_overwritten;
hidden byte all_is_published_when_quiet, flush_is_done_when_quiet, no_flag_is_left_when_quiet;
hidden byte nothing_is_lost_in_a_switch, counts_are_exact, end_is_published, unpublished_is_not_overwritten;
hidden byte i;

#define READ_CLOCK() is_stamp_newest[LEVEL] = 1

/* cmpxchg_local(resv) succeeded; of those interrupted the clock is old now. */
#define RESERVE(end)                                                        \
	CLAIM(stamps_are_monotone, is_stamp_newest[LEVEL]);                 \
	for (i : 1 .. LEVELS) { is_stamp_newest[i] = 0 };                   \
	resv = (end);                                                       \
	CLAIM_DEATH()

/* A writer may die anywhere: what lies behind w_head must still be there. */
#ifdef WRITER_MAY_DIE
#define CLAIM_DEATH() CLAIM(unpublished_is_not_overwritten, resv - w_head <= SIZE)
#else
#define CLAIM_DEATH() skip
#endif

#ifdef BUG_gap_taken_as_room
#define HAS_ROOM(pos) (USED(pos) && USED(pos) + need <= SUBBUF + 1)
#else
#define HAS_ROOM(pos) (USED(pos) && USED(pos) + need <= SUBBUF)
#endif

/* What is before tail may be overwritten: end - tail <= size, unsigned. */
#ifdef BUG_full_ring_not_noticed
#define IS_FREE(tail) 1
#elif defined(BUG_fullness_counts_one_record)
#define IS_FREE(tail) ((tail) <= next + SUBBUF && next + HDR + need - (tail) <= SIZE)
#else
#define IS_FREE(tail) ((tail) <= next + SUBBUF && next + SUBBUF - (tail) <= SIZE)
#endif

#ifdef NOTHING_IS_LOST_IN_A_SWITCH /* where no interrupt has a sub-buffer's worth to say */
#define CLAIM_SWITCH() CLAIM(nothing_is_lost_in_a_switch, 0)
#else
#define CLAIM_SWITCH() skip
#endif

#ifdef BUG_lost_in_switch_not_counted
#define LOST_IN_SWITCH 0
#else
#define LOST_IN_SWITCH 1
#endif

#ifdef BUG_switch_inside_a_switch
#define MAY_SWITCH 1
#elif defined(BUG_no_switch_for_who_comes_between)
#define MAY_SWITCH (switch_end == 0)
#else
#define MAY_SWITCH (!switch_end || switch_end == ROUND_UP(pos) + SUBBUF)
#endif

/* To what the context below us had. */
#define DROP_SWITCH() switch_end = under_way; under_way = 0

#ifdef BUG_lost_too_deep_not_counted
#define LOST_TOO_DEEP 0
#else
#define LOST_TOO_DEEP 1
#endif

#ifdef BUG_flush_too_deep_forgotten
#define FLUSH_TOO_DEEP force
#else
#define FLUSH_TOO_DEEP 1
#endif

/* ivring_needs_flush() */
#ifdef BUG_flush_looks_at_resv_only
#define NEEDS_FLUSH (resv != pub)
#else
#define NEEDS_FLUSH (resv != pub || lost != shared_lost)
#endif

#ifdef BUG_claim_of_two
#define CLAIMED (next + 2 * SUBBUF)
#elif defined(BUG_claim_of_none)
#define CLAIMED next
#else
#define CLAIMED (next + SUBBUF)
#endif

#ifdef IS_HOSTILE /* the reader may have stored anything, at each load anew */
#define LOAD_R_TAIL()                                                       \
	tail = 0;                                                           \
	do                                                                  \
	:: tail < next + 2 * SUBBUF -> tail++                               \
	:: break                                                            \
	od
#else
#define LOAD_R_TAIL() tail = r_tail
#endif

/* The writer's half of the content-size rule. */
#define CLOSE_SUBBUF()                                                      \
	if                                                                  \
	:: next > 0 -> content_size[SUB_INDEX(next - SUBBUF)] = old - (next - SUBBUF) \
	:: else                                                             \
	fi

active [LEVELS] proctype context() provided (running <= _pid + 1)
{
	byte interrupted, n_records = RECORDS, n_ticks = (_pid + 1 == LEVELS -> TICKS : 0);
	byte need, pos, old, next, under_way, head, tail;

idle:
	if
	:: d_step {
		running < LEVEL && n_records > 0 ->
		interrupted = running; running = LEVEL;
		n_records--; calls_left--; need = 1
	   }
	   goto emit
#if BIG > 1
	:: d_step {
		running < LEVEL && n_records > 0 ->
		interrupted = running; running = LEVEL;
		n_records--; calls_left--; need = 2
	   }
	   goto emit
#endif
#if TICKS > 0
	:: d_step {
		running < LEVEL && n_ticks > 0 ->
		interrupted = running; running = LEVEL;
		n_ticks--; calls_left--;
		head_due = resv; lost_due = lost
	   }
	   goto flush
	:: d_step { /* a timer that asks first; higher is nobody */
		running < LEVEL && n_ticks > 0 && !NEEDS_FLUSH ->
		n_ticks--; calls_left--;
		head_due = resv; lost_due = lost
	   }
	   goto idle
#endif
	:: d_step { /* the last call of all is a flush: CPU offline, unload */
		LEVEL == 1 && running == 0 && calls_left == 0 && !is_finished ->
		running = LEVEL; need = LAST_CALL
	   }
	   goto flush
	:: n_records == 0 && n_ticks == 0 && (LEVEL > 1 || is_finished) -> goto done
	fi;

emit: /* ---- ivring_emit() ---- */
	if
	/* An interrupt leaves nest, and switch_end, as it was: test and store are one step. */
	:: d_step { nest >= MAX_NEST -> lost = lost + LOST_TOO_DEEP } goto give_back
	:: d_step { nest < MAX_NEST -> nest++ } /* B1 */
	fi;
load_resv:
	if
	:: d_step { pos = resv; READ_CLOCK() }
	fi;
reserve:
	if
	:: d_step { HAS_ROOM(pos) && pos == resv -> RESERVE(pos + need) } goto body
	:: d_step {
		HAS_ROOM(pos) && pos != resv ->
		pos = resv;
#ifndef BUG_clock_read_outside_the_loop
		READ_CLOCK()
#endif
	   }
	   goto reserve
	/* ---- ivring_switch_subbuf() ---- */
	:: d_step {
		!HAS_ROOM(pos) && !MAY_SWITCH ->
		CLAIM_SWITCH();
		lost = lost + LOST_IN_SWITCH
	   }
	   goto leave
	:: d_step {
		!HAS_ROOM(pos) && MAY_SWITCH ->
		next = ROUND_UP(pos);
		under_way = switch_end; switch_end = next + SUBBUF
	   }
	fi;
	/* ---- ivring_switch_to() ---- */
#ifdef BUG_resv_not_read_again_after_switch_end
	old = pos;
#else
	d_step { old = resv; READ_CLOCK() }
#endif
	if
	:: d_step { old > next -> DROP_SWITCH(); old = 0; next = 0 } goto load_resv
	:: old <= next
	fi;

	/* ---- ivring_subbuf_is_free() ---- */
#ifdef IS_OVERWRITE
#ifdef BUG_uncommitted_is_lapped
	tail = next;
#else
	tail = pub;
#endif
#else
	if
	:: d_step { IS_FREE(ctail) -> tail = ctail }
	:: !IS_FREE(ctail) ->
		atomic { LOAD_R_TAIL() } /* B6 */
		d_step {
#ifndef BUG_tail_not_clamped
			if
			:: tail > pub -> tail = pub
			:: else
			fi;
#endif
			if
			:: tail > ctail -> ctail = tail
			:: else -> tail = ctail
			fi
		}
	fi;
#endif
	if
	:: d_step {
		!IS_FREE(tail) ->
		lost++;
#ifndef BUG_switch_end_left_when_full
		DROP_SWITCH()
#endif
	   }
	   goto leave
	:: d_step { IS_FREE(tail) -> tail = 0 }
	fi;

#if defined(IS_OVERWRITE) && !defined(BUG_claim_after_cmpxchg)
	w_claim = CLAIMED; /* B7 */
#endif
#ifdef BUG_content_size_before_cmpxchg
	CLOSE_SUBBUF();
#endif
	do
	:: d_step { old == resv -> RESERVE(next + HDR + need) } break
	:: d_step { old != resv && resv <= next -> old = resv; READ_CLOCK() }
	:: d_step { old != resv && resv > next -> DROP_SWITCH(); old = 0; next = 0 } goto load_resv
	od;
#ifdef BUG_claim_after_cmpxchg
	w_claim = CLAIMED;
#endif
#if !defined(BUG_content_size_before_cmpxchg) && !defined(BUG_content_size_not_stored)
	CLOSE_SUBBUF();
#endif
	/* ---- ivring_subbuf_open() ---- */
	if
	:: d_step { content_size[SUB_INDEX(next)] = 0; pos = next + HDR; old = 0; next = 0 }
	fi;
	d_step { DROP_SWITCH() };

body: /* ---- ivring_emit(), the record itself ---- */
	if
	:: d_step {
		CLAIM(uncommitted_is_not_overwritten, data[INDEX(pos)] != BUSY);
		data[INDEX(pos)] = BUSY /* B2 */
	   }
	fi;
#if BIG > 1
	if
	:: d_step {
		need == 2 ->
		CLAIM(uncommitted_is_not_overwritten, data[INDEX(pos + 1)] != BUSY);
		data[INDEX(pos + 1)] = COMMITTED(pos + 1)
	   }
	:: need != 2
	fi;
#endif
	d_step { /* B3 */
		CLAIM(uncommitted_is_not_overwritten,
		      data[INDEX(pos)] == BUSY &&
		      (need < 2 || data[INDEX(pos + 1)] == COMMITTED(pos + 1)));
		data[INDEX(pos)] = COMMITTED(pos);
		n_recorded++; written = written + need
	}

leave: /* ---- ivring_leave() ---- */
	if
#ifndef BUG_nested_context_publishes
	:: d_step { nest > 1 -> nest--; pos = 0; is_stamp_newest[LEVEL] = 0 } goto give_back
	:: d_step { nest <= 1 -> pos = 0; is_stamp_newest[LEVEL] = 0 }
#else
	:: d_step { true -> pos = 0; is_stamp_newest[LEVEL] = 0 }
#endif
	fi;
again:
	head = resv;
#ifdef BUG_nest_dropped_before_publishing
	nest = 0;
#endif
	if
	:: head / PUB != pub / PUB || force /* ^ and & ~(PUB - 1) */
	:: else -> goto drop
	fi;
	force = 0;
#ifndef BUG_force_cleared_after_resv_was_read
	head = resv;
#endif
#ifdef BUG_pub_moved_before_head
	pub = head;
#endif
#ifndef BUG_lost_not_published
	old = lost;
	d_step { shared_lost = old; old = 0 }
#endif
	d_step { /* B4 */
		CLAIM(head_is_monotone, w_head <= head);
		w_head = head
	}
#ifndef BUG_pub_moved_before_head
	pub = head; /* only what is published may be overwritten */
#endif
drop:
	nest = 0; /* B5, on either side */
#ifndef BUG_no_second_look_at_resv
	if
	:: head != resv -> goto take_back
	:: else
	fi;
#endif
#ifndef BUG_no_second_look_at_force
	if
	:: force -> goto take_back
	:: else
	fi;
#endif
	goto give_back;
take_back:
	nest = 1;
	goto again;

flush: /* ---- ivring_flush() ---- */
	if
	:: d_step { nest >= MAX_NEST -> force = FLUSH_TOO_DEEP } goto give_back
	:: d_step { nest < MAX_NEST -> nest++ } /* B1 */
	fi;
	force = 1;
	goto leave;

give_back:
	if
	:: d_step {
		running = interrupted; interrupted = 0; head = 0;
		if
		:: running == 0 ->
			CLAIM(no_flag_is_left_when_quiet, !nest && !switch_end && !force);
			CLAIM(all_is_published_when_quiet, w_head / PUB == resv / PUB);
			CLAIM(flush_is_done_when_quiet, w_head >= head_due && shared_lost >= lost_due)
		:: else
		fi;
		if
		:: need == LAST_CALL ->
			CLAIM(end_is_published, w_head == resv && shared_lost == lost);
			CLAIM(counts_are_exact, n_recorded + lost == LEVELS * RECORDS);
			is_finished = 1
		:: else
		fi;
		need = 0
	   }
	fi;
	goto idle;
done:
	skip
}
