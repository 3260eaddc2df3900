/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a recorder can be told and asked while it records.
 */
#ifndef HOST_CONTROL_COMMANDS_H
#define HOST_CONTROL_COMMANDS_H

#include "host-reader/recording/control.h"

/* The table for control_start(). */
const struct control_command *control_commands(size_t *ret_n);

#endif /* HOST_CONTROL_COMMANDS_H */
