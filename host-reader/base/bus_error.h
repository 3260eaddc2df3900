/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that is cut takes its pages from under our mappings, and any load from
 * them is a SIGBUS.  Who owns a region may cut it at any moment, between our look
 * at its size and our load.
 */
#ifndef HOST_BUS_ERROR_H
#define HOST_BUS_ERROR_H

/* From here on, in the whole process, such a page reads as zeros instead. */
void bus_error_survive(void);

#endif /* HOST_BUS_ERROR_H */
