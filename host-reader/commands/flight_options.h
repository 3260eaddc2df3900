/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record's options of the flight recorder.
 */
#ifndef HOST_FLIGHT_OPTIONS_H
#define HOST_FLIGHT_OPTIONS_H

#include "host-reader/recording/flight.h"

enum flight_option {
	FLIGHT_MODE,
	FLIGHT_HOST_MEMORY,
	FLIGHT_TRIGGER,
	FLIGHT_AFTER,
	FLIGHT_LIMIT,
	FLIGHT_DISTANCE,
	FLIGHT_QMP,
};

/* What holds where nothing is said. */
void flight_options_init(struct flight_options *opt);
/* 0; else the exit status, after a message. */
int flight_options_take(struct flight_options *opt, enum flight_option option, const char *value);
/* Do they fit what is recorded?  As above. */
int flight_options_check(const struct flight_options *opt, const struct event_set *host,
			 const struct event_set *guest);

#endif /* HOST_FLIGHT_OPTIONS_H */
