/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block I/O: each guest disk request followed to the host's device and back,
 * and whose requests it waited behind.
 *
 * Links: guest issue -> host request by the disk's extents (sector range,
 * direction) inside [guest issue, guest complete); host issue -> completion by
 * request address.  Waiting: at each instant the device serves one request (the
 * member of those issued that completes first: exact for a device that serves
 * one at a time); every other issued or queued request waits behind its owner.
 * The result's times are host CLOCK_MONOTONIC ns.
 */
#ifndef IVT_ANALYSIS_IO_H
#define IVT_ANALYSIS_IO_H

#include "trace/trace_reader.h"

/* Owners of host requests: machine numbers of guests, and these. */
#define IVT_IO_OWNER_HOST 0	     /* the host itself (machine 0 is the host) */
#define IVT_IO_OWNER_NONE UINT32_MAX /* nobody: scheduler, plug, device idle */
#define IVT_IO_NO_REQUEST SIZE_MAX

enum ivt_io_confidence {
	IVT_IO_EXACT,	   /* host requests cover the whole mapped range, one candidate each */
	IVT_IO_AMBIGUOUS,  /* several candidates */
	IVT_IO_UNLINKED,   /* no host request found: page cache, no map, loss */
	IVT_IO_INCOMPLETE, /* begins or ends outside the trace, or inside a loss */
};

/* The stages of a guest request, in order; they add up to complete - start. */
enum ivt_io_stage {
	IVT_IO_GUEST_QUEUE, /* queued in the guest .. guest issue */
	IVT_IO_SUBMIT,	    /* guest issue .. host queued or issued (exit, QEMU) */
	IVT_IO_WAIT,	    /* host: waiting behind other requests (see behind[]) */
	IVT_IO_DEVICE,	    /* host: in service */
	IVT_IO_RETURN,	    /* host complete .. guest complete (QEMU, interrupt) */
	IVT_IO_UNKNOWN,	    /* not linked: issue .. complete */
	IVT_IO_STAGES
};
const char *ivt_io_stage_name(enum ivt_io_stage stage);
const char *ivt_io_confidence_name(enum ivt_io_confidence confidence);

/* One request at a block device of one machine. */
struct ivt_io_request {
	uint32_t machine;
	uint32_t dev;
	uint64_t sector;
	uint32_t nr_sector;
	uint32_t rwbs;
	int32_t tid; /* submitter as the machine saw it */
	char comm[16];
	uint64_t start_ns; /* bio queued or request inserted, else issued */
	uint64_t issue_ns;
	uint64_t complete_ns; /* 0: not in the trace */
	uint64_t over_ns;     /* done by then: complete_ns; where that is not in the trace, when
			       * its address served another request; 0: not known to be done */
	uint32_t owner;	      /* guest requests: own machine; host: who submitted */
	/* host requests */
	uint64_t service_ns; /* start of service; complete_ns is its end */
	size_t guest;	     /* first guest request served, or IVT_IO_NO_REQUEST (all: links) */
	/* guest requests */
	enum ivt_io_confidence confidence;
	uint64_t stage_ns[IVT_IO_STAGES];
	uint64_t *behind_ns;	 /* per machine number, of IVT_IO_WAIT; [own] = behind itself */
	uint64_t behind_none_ns; /* waiting while the device served nobody */
	size_t first_host;	 /* first linked host request or IVT_IO_NO_REQUEST (all: links) */
	size_t first_link;	 /* its links lie together: links[first_link ..] */
	size_t n_links;
};

/* A host request that serves (a part of) a guest request; one guest request
 * may need several and one host request may serve several. */
struct ivt_io_link {
	size_t guest;
	size_t host;
	uint64_t sectors; /* of the guest request, 0 for a flush */
};

/* A device serves host request @host in [from_ns, to_ns). */
struct ivt_io_service {
	uint64_t from_ns;
	uint64_t to_ns;
	size_t host;
};

/* Whom a device of the host served when. */
struct ivt_io_device {
	uint32_t dev;
	struct ivt_io_service *services; /* ascending; the device is idle between them */
	size_t n_services;
};

/* Per guest machine. */
struct ivt_io_summary {
	uint64_t requests;   /* begun in the window */
	uint64_t writes;     /* of them */
	uint64_t linked;     /* of the complete ones: exact or ambiguous */
	uint64_t incomplete; /* begin or end outside the trace, or a host record is missing */
	/* from here on: of requests with ivt_io_has_latency() */
	uint64_t p50_ns; /* complete - start */
	uint64_t p99_ns;
	uint64_t max_ns;
	uint64_t total_ns;
	uint64_t stage_ns[IVT_IO_STAGES];
	uint64_t *behind_ns; /* per machine number */
	uint64_t behind_none_ns;
	uint64_t causality_violations; /* links whose host request begins before the guest's
					* issue or ends after its completion, by more than
					* the clock's error */
};

struct ivt_io_result {
	struct ivt_io_request *guest; /* ascending in start_ns */
	size_t n_guest;
	struct ivt_io_request *host; /* ascending in issue_ns */
	size_t n_host;
	struct ivt_io_summary *machines; /* per machine number; guests only are filled */
	size_t n_machines;
	struct ivt_io_link *links;
	size_t n_links;
	struct ivt_io_device *devices; /* with complete host requests; ascending in dev */
	size_t n_devices;
	uint64_t lost;	 /* lost records of all streams: results may be incomplete */
	uint64_t *blame; /* what behind_ns of the guest requests points into */
	size_t blame_bytes;
	uint64_t inexact_sums; /* requests whose stages do not add up: 0, or a fault of ours */
};

/* Reads the whole trace; keeps the guest requests that start in [from_ns, to_ns)
 * (0: no limit on this side), and all of the host.
 * 0, or -errno with *err; *ret is the caller's, for ivt_io_destroy(). */
int ivt_io_analyse(struct ivt_trace *t, uint64_t from_ns, uint64_t to_ns,
		   struct ivt_io_result **ret, struct ivt_error *err);
void ivt_io_destroy(struct ivt_io_result *r);

/* Does it count in latencies and sums: both ends and all host records there? */
bool ivt_io_has_latency(const struct ivt_io_request *req);

/* Does the request write data (not a flush or a discard)? */
bool ivt_io_is_write(const struct ivt_io_request *req);

#endif /* IVT_ANALYSIS_IO_H */
