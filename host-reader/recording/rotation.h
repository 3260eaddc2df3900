/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording that goes on in the next chunk (chunks.h).  No record is lost on the
 * way: what is not taken yet lies in the rings and comes into the next one.  Each
 * chunk is a whole trace: it has the machines that are there, what is known of
 * their processes and clocks, the newest snapshots, a state dump of host and
 * guests, and counters that begin where those of the chunk before end.
 */
#ifndef HOST_ROTATION_H
#define HOST_ROTATION_H

#include "host-reader/recording/recording.h"

/* Go on in the next chunk if it is time; start what is to be done in the
 * background.  Called now and then; what fails is told, and tried again. */
void rotation_keep_house(struct recording *rec);
/* No chunk follows any more: what was begun of one is removed. */
void rotation_end(struct recording *rec);
/* The VMs' disk quotas, from what is on the disk now. */
void rotation_update_quotas(struct recording *rec);

#endif /* HOST_ROTATION_H */
