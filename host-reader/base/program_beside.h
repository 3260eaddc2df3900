/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_PROGRAM_BESIDE_H
#define HOST_PROGRAM_BESIDE_H

#include <stdbool.h>
#include <stddef.h>

/* Path of the program @name in the folder of this one; false if that cannot be told. */
bool program_beside(const char *name, char *ret, size_t ret_bytes);

#endif /* HOST_PROGRAM_BESIDE_H */
