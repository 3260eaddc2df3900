/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording from start to end.
 */
#ifndef HOST_RECORD_H
#define HOST_RECORD_H

#include "host-reader/base/options.h"
#include "host-reader/recording/chunks.h"
#include "host-reader/recording/flight.h"
#include "host-reader/vm/vm.h"
#include "host-reader/vm/vm_limits.h"

struct record_options {
	const char *output;
	bool does_resume; /* go on in output if its recorder was killed */
	struct vm_spec *vms;
	size_t n_vms;
	bool finds_vms;	     /* --vm auto */
	uint64_t size_bytes; /* of regions; 0: not said */
	uint32_t cpus;	     /* 0: not said */
	bool in_huge_pages;  /* regions of VMs that connect */
	struct event_set host;
	struct event_set guest;
	struct event_set stacks; /* of these: with call chains, which are in guest, too */
	uint64_t duration_ns;	 /* 0: until stopped */
	enum tsc_choice tsc;
	const char *stap_script; /* NULL: the installed one */
	const char *script;	 /* whose marks are recorded; NULL: none */
	const char *user;	 /* who the recorder becomes; NULL: stays who it is */
	bool is_free;		 /* not confined */
	char **command;		 /* NULL: none; else argv */
	struct flight_options flight;
	struct rotation_options rotation;
	struct vm_limits quota;	    /* bytes on the disk; 0: any */
	struct vm_limits cpu_quota; /* percent of a CPU */
};

/* The program's exit status: 0, or 1 after a message. */
int record_run(const struct record_options *opt);

#endif /* HOST_RECORD_H */
