/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The offset of a guest's TSC, bounded over memory that both sides share and
 * with no word of the hypervisor.  We read h1 and store a number, a vCPU that
 * looks at it answers with g, we see that and read h2: g was read between h1
 * and h2, so the offset lies in [g - h2, g - h1].
 *
 * Everything that the guest writes may be a lie.
 */
#ifndef TSC_SYNC_HANDSHAKE_H
#define TSC_SYNC_HANDSHAKE_H

#include "tsc-sync/clock.h"

/* The words of the exchange, 8 bytes aligned; borrowed. */
struct tsc_handshake_words {
	unsigned long long *seq; /* ours */
	const unsigned long long *answer_seq;
	const unsigned long long *answer_tsc;
};

/* What a burst of rounds found. */
struct tsc_handshake {
	uint64_t host_tsc;   /* the instant: the middle of the tightest round */
	int64_t offset_tsc;  /* guest - host then, in the middle of what is possible */
	uint64_t bound_tsc;  /* half of what is possible: the error */
	unsigned int rounds; /* that were answered */
};

/*
 * Up to @n_rounds rounds with a vCPU that looks now; over at the first that is
 * not answered within @patience_tsc, host ticks.  *seq: the last number used, by
 * anybody; never 0 again after the call.  The common part of the rounds; where
 * there is none, since the rates differ, the tightest round.
 * 0; -ETIMEDOUT: no answer at all; -EILSEQ: answers that no clock gives.
 */
int tsc_handshake_burst(const struct tsc_handshake_words *words, unsigned int n_rounds,
			uint64_t patience_tsc, uint64_t *seq, struct tsc_handshake *ret);

#endif /* TSC_SYNC_HANDSHAKE_H */
