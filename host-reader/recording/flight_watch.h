/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a flight recorder looks at: new records, for triggers, as private copies;
 * stamps, for the clocks; QMP's events.  Bounded per turn.  One thread.
 */
#ifndef HOST_FLIGHT_WATCH_H
#define HOST_FLIGHT_WATCH_H

#include "host-reader/recording/flight.h"

struct flight_watch;

/* @fired(@arg, ...) when a trigger does.  0; -errno with *err. */
int flight_watch_create(struct recording *rec, const struct flight_options *opt,
			trigger_fired_fn *fired, void *arg, struct flight_watch **ret,
			struct ivt_error *err);
void flight_watch_destroy(struct flight_watch *w); /* NULL is allowed */

int flight_watch_add(struct flight_watch *w, struct vm *vm, struct ivt_error *err);
void flight_watch_remove(struct flight_watch *w,
			 struct vm *vm); /* one that is not there: nothing */

void flight_watch_turn(struct flight_watch *w);

/* Bytes that triggers should have looked at and could not. */
uint64_t flight_watch_unseen(const struct flight_watch *w);

#endif /* HOST_FLIGHT_WATCH_H */
