/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A SystemTap script on the host whose marks (guest-driver/stap/tapset/ivtrace.stp) go into
 * the trace: a stream of the host's for each CPU, beside that of its events.
 */
#ifndef HOST_STAP_SCRIPT_H
#define HOST_STAP_SCRIPT_H

#include "host-reader/base/sink.h"

struct stap_script;

/*
 * Start @file, a script or what stap -p4 made of it, and wait until it begins; its
 * marks are kept from then on.  0; -errno: *err says why and what to do.  @file and
 * @sink must outlive *ret, which is the caller's to close.
 */
int stap_script_open(const char *file, struct sink *sink, uint32_t machine,
		     struct stap_script **ret, struct ivt_error *err);

/* Take what is waiting into the trace.  A script that has ended is told once. */
void stap_script_drain(struct stap_script *s);

/* Ask the script to end; go on with stap_script_drain() until it has. */
void stap_script_interrupt(struct stap_script *s);
bool stap_script_has_ended(const struct stap_script *s);

/* End the script, if it has not, in 2 s, and take the rest; its losses go into the
 * machine's streams. */
void stap_script_finish(struct stap_script *s);

/* Marks that are known to be lost so far. */
uint64_t stap_script_lost(const struct stap_script *s);

/* NULL is allowed. */
void stap_script_close(struct stap_script *s);

#endif /* HOST_STAP_SCRIPT_H */
