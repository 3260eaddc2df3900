/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a flight recorder writes down what it has: at a record of some type, or a
 * latency above a limit.  Looks at private copies of records only; numbers, no I/O.
 * One thread.
 *
 *	[VM:]EVENT		a record of this type ("host" is the host)
 *	[VM:]block>TIME		a disk request, from issue to completion
 *	[VM:]syscall>TIME	a system call; syscall_NAME>TIME: this one
 *	[VM:]runq>TIME		a vCPU thread that waits for a CPU of the host
 */
#ifndef HOST_TRIGGER_H
#define HOST_TRIGGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host-reader/base/options.h"

#define TRIGGER_MAX 32

enum trigger_kind {
	TRIGGER_EVENT,
	TRIGGER_BLOCK,
	TRIGGER_SYSCALL,
	TRIGGER_RUNQ,
};

struct trigger {
	char text[96];		 /* as the user typed it */
	char vm[IVT_NAME_BYTES]; /* "": any machine */
	enum trigger_kind kind;
	uint32_t type;	   /* of the event; of a system call's entry; 0: any */
	uint64_t limit_ns; /* of a latency */
};

struct trigger_set {
	struct trigger all[TRIGGER_MAX];
	size_t n;
};

/* Add @text.  0; -EINVAL: @why (@why_bytes) has a sentence; -ENOSPC: too many. */
int trigger_parse(struct trigger_set *set, const char *text, char *why, size_t why_bytes);

/* Does any of them look at records of guests, or of this one; of the host? */
bool trigger_wants_vm(const struct trigger_set *set, const char *vm);
bool trigger_wants_host(const struct trigger_set *set);
/* Is what it looks at recorded?  NULL: yes; else one that can never fire. */
const struct trigger *trigger_unheard(const struct trigger_set *set, const struct event_set *host,
				      const struct event_set *guest);

/* What one machine's records told so far. */
struct trigger_source;

/* @reason: in words.  @vm: whose ("" the host's own). */
typedef void trigger_fired_fn(void *arg, const char *vm, const char *reason);
/* On the host: the VM whose vCPU runs in thread @tid; NULL: no vCPU. */
typedef const char *trigger_vcpu_fn(void *arg, int32_t tid);

/* @set outlives it; @machine: "host" or a VM's name.  0; -ENOMEM. */
int trigger_source_create(const struct trigger_set *set, const char *machine,
			  trigger_fired_fn *fired, trigger_vcpu_fn *vcpu, void *arg,
			  struct trigger_source **ret);
void trigger_source_destroy(struct trigger_source *s); /* NULL is allowed */
/* Ticks of the machine's stamps per second (the guest's own word is checked: 0 and
 * what no clock has makes latencies unknown). */
void trigger_source_clock(struct trigger_source *s, uint64_t ticks_hz);
/*
 * Look at @bytes of records, in any order of CPUs.  What is no record ends it.  At
 * most one firing per trigger and call.
 */
void trigger_look(struct trigger_source *s, const void *records, size_t bytes);

#endif /* HOST_TRIGGER_H */
