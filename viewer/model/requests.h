/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disk requests as lanes: what analysis/io.h found, laid out in rows and cut
 * into the stages of each request.  Nothing is linked or blamed here.
 */
#ifndef IVT_VIEW_REQUESTS_H
#define IVT_VIEW_REQUESTS_H

#include "viewer/model/model.h"

#define IVT_REQUESTS_DEVICES 4 /* shown per machine, those with most requests */

/* Whose request each host device served when; used to cut the guests' waits. */
struct ivt_requests {
	struct ivt_model *model; /* its io is set */
	struct ivt_service {
		uint32_t dev;
		struct ivt_lane_index lane; /* ref: host request */
	} * service;
	size_t n_services;
};

/* 0, -ENOMEM, -EOVERFLOW. */
int ivt_requests_init(struct ivt_requests *r, struct ivt_model *model);
void ivt_requests_deinit(struct ivt_requests *r);

/* Devices of @machine that have requests, the busiest first; returns how many,
 * at most IVT_REQUESTS_DEVICES; of the host, those that serve guests if any does. */
size_t ivt_requests_devices(const struct ivt_requests *r, uint32_t machine,
			    uint32_t ret_dev[IVT_REQUESTS_DEVICES]);

/* Add the lanes of one device at the model's end.  0, -ENOMEM, -EOVERFLOW. */
int ivt_requests_add_guest(struct ivt_requests *r, uint32_t machine, uint32_t dev,
			   const char *disk);
int ivt_requests_add_host(struct ivt_requests *r, uint32_t machine, uint32_t dev, const char *disk);

#endif /* IVT_VIEW_REQUESTS_H */
