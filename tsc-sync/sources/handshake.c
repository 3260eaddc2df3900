// SPDX-License-Identifier: GPL-2.0-or-later
#include "tsc-sync/sources/handshake.h"

#include <errno.h>
#include <string.h>
#include <x86intrin.h>

#define MAX_RATE 16 /* guest ticks per host tick: more is no clock */

struct round {
	uint64_t h1, g, h2;
};

/* The range of guest - host, relative to @base so that it can be compared. */
struct range {
	int64_t base, lo, hi;
};

/* Neither before what precedes it nor after what follows. */
static uint64_t ordered_tsc(void)
{
	uint64_t tsc;

	_mm_lfence();
	tsc = __rdtsc();
	_mm_lfence();
	return tsc;
}

/* Answers to other numbers are old, or nonsense: not ours. */
static int exchange(const struct tsc_handshake_words *words, uint64_t patience_tsc, uint64_t seq,
		    struct round *ret)
{
	ret->h1 = ordered_tsc();
	__atomic_store_n(words->seq, seq, __ATOMIC_RELEASE);
	while (__atomic_load_n(words->answer_seq, __ATOMIC_ACQUIRE) != seq) {
		if (__rdtsc() - ret->h1 > patience_tsc)
			return -ETIMEDOUT;
		_mm_pause();
	}
	ret->h2 = ordered_tsc();
	ret->g = __atomic_load_n(words->answer_tsc, __ATOMIC_ACQUIRE);
	/* Who changes it before the next question does not keep to the rules. */
	return __atomic_load_n(words->answer_seq, __ATOMIC_RELAXED) == seq ? 0 : -EILSEQ;
}

/* Time passes on both sides, and not at rates that no clock has. */
static int check_order(const struct round *before, const struct round *now)
{
	uint64_t host = now->h2 - before->h1, guest = now->g - before->g;

	return guest > host * MAX_RATE ? -EILSEQ : 0; /* back is very far forward */
}

static struct range range_of(const struct round *r, int64_t base)
{
	return (struct range){
		.base = base,
		.lo = (int64_t)(r->g - r->h2 - (uint64_t)base),
		.hi = (int64_t)(r->g - r->h1 - (uint64_t)base),
	};
}

static void narrow(struct range *range, const struct range *by)
{
	if (by->lo > range->lo)
		range->lo = by->lo;
	if (by->hi < range->hi)
		range->hi = by->hi;
}

static void conclude(const struct range *common, const struct round *tightest,
		     struct tsc_handshake *ret)
{
	struct range range = *common;
	uint64_t width;

	if (range.lo > range.hi)
		range = range_of(tightest, common->base);
	width = (uint64_t)(range.hi - range.lo);
	ret->offset_tsc = (int64_t)((uint64_t)range.base + (uint64_t)range.lo + width / 2);
	ret->bound_tsc = (width + 1) / 2;
	ret->host_tsc = tightest->h1 + (tightest->h2 - tightest->h1) / 2;
}

int tsc_handshake_burst(const struct tsc_handshake_words *words, unsigned int n_rounds,
			uint64_t patience_tsc, uint64_t *seq, struct tsc_handshake *ret)
{
	struct round round, before, tightest;
	struct tsc_handshake result = { 0 };
	struct range common, range;
	int err;

	for (; result.rounds < n_rounds; result.rounds++, before = round) {
		if (!++*seq)
			++*seq;
		err = exchange(words, patience_tsc, *seq, &round);
		if (err == -ETIMEDOUT)
			break;
		if (!err && result.rounds)
			err = check_order(&before, &round);
		if (err)
			return err;
		if (!result.rounds) {
			common = range_of(&round, (int64_t)(round.g - round.h1));
			tightest = round;
			continue;
		}
		range = range_of(&round, common.base);
		narrow(&common, &range);
		if (round.h2 - round.h1 < tightest.h2 - tightest.h1)
			tightest = round;
	}
	if (!result.rounds)
		return -ETIMEDOUT;
	conclude(&common, &tightest, &result);
	*ret = result;
	return 0;
}
