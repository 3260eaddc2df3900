/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which lanes there are and in which order.
 */
#ifndef IVT_VIEW_LANE_ORDER_H
#define IVT_VIEW_LANE_ORDER_H

#include "viewer/model/lane_builder.h"
#include "viewer/model/requests.h"

/*
 * Move the finished lanes of @b into its model: the verdict's victim, the host's
 * disks, the culprit, all other guests, the host's CPUs; of a guest its requests,
 * vCPUs and the @n_tasks busiest tasks; of each machine its events (from
 * @b->points) below.  @rq may be NULL (no requests).
 * 0, -ENOMEM, -EOVERFLOW.
 */
int ivt_lane_order_assemble(struct ivt_lane_builder *b, struct ivt_requests *rq,
			    unsigned int n_tasks);

#endif /* IVT_VIEW_LANE_ORDER_H */
