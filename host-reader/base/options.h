/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The texts that a user types: sizes, times, sets of events, names of VMs.
 * All return 0 or -EINVAL (nothing is printed), *ret untouched on failure.
 */
#ifndef HOST_OPTIONS_H
#define HOST_OPTIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "ivring/abi.h"
#include "trace/trace_info.h"

/* A bit per event type. */
struct event_set {
	uint64_t bits[IVRING_BITMAP_WORDS];
};

struct vm_spec {
	char name[IVT_NAME_BYTES];
	char path[PATH_MAX];
	bool is_found;		     /* nobody named it (--vm auto) */
	bool is_socket;		     /* path is where the VM's QEMU connects to (doorbell.h) */
	bool in_huge_pages;	     /* the region that it is given then */
	struct ivring_filter filter; /* whose events; none of both: everybody's */
};

/* "64M", "1G", "65536": bytes. */
int parse_size(const char *text, uint64_t *ret_bytes);
/* "5", "5s", "500ms", "2m": ns, not 0. */
int parse_duration(const char *text, uint64_t *ret_ns);
/* A whole number from @low to @high. */
int parse_number(const char *text, uint64_t low, uint64_t high, uint64_t *ret);

/*
 * "none", or groups and names separated by commas ("sched,block_rq_issue"), where
 * "default" is the groups that are recorded unless one says otherwise, "all" is all.
 * On failure @bad gets the part that is neither.
 */
int parse_events(const char *text, struct event_set *ret, char *bad, size_t bad_bytes);
/* The same without what goes with any event. */
int parse_event_names(const char *text, struct event_set *ret, char *bad, size_t bad_bytes);
bool event_set_has(const struct event_set *set, unsigned int type);
bool event_set_is_empty(const struct event_set *set);
/* Is any event of @group ("syscall") in the set? */
bool event_set_has_group(const struct event_set *set, const char *group);
/* Ask for call chains behind those of @chains that are in @set; false: none is. */
bool event_set_add_chains(struct event_set *set, const struct event_set *chains);
bool event_set_has_chains(const struct event_set *set);
/* The names of all groups, separated by commas. */
const char *event_groups(void);

/* May the @n bytes at @name be a VM's name? */
bool is_vm_name(const char *name, size_t n);
/* "NAME", "NAME=shm:PATH" or "NAME=sock:PATH"; without a path it is
 * /dev/shm/ivtrace-NAME. */
int parse_vm(const char *text, struct vm_spec *ret);

#endif /* HOST_OPTIONS_H */
