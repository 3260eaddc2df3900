/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the recorder may still do once it records: it reads memory that hostile
 * guests write.  Few capabilities, no new privileges, a list of system calls,
 * perhaps another user.  It executes nothing from then on; helper.h does.
 */
#ifndef HOST_CONFINE_H
#define HOST_CONFINE_H

#include <stdbool.h>
#include "trace/error.h"

/* Is there such a user? */
bool confine_knows_user(const char *name);

/*
 * Become user @name, with the capabilities of before but those that go past the
 * permissions of files when writing.  For a process of one thread.  0; -EPERM
 * (not root); -errno, with *err: then who we are is undefined, end.
 */
int confine_become_user(const char *name, struct ivt_error *err);

/*
 * For good, for this thread and those that it makes; others must not be there
 * yet.  @sends_signals: to processes of another user than ours.  0; -errno with
 * *err: then part of it may be in force.
 */
int confine_enter(bool sends_signals, struct ivt_error *err);

#endif /* HOST_CONFINE_H */
