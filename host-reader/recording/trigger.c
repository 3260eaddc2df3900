// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host-reader/recording/trigger.h"
#include "ivring/events.h"
#include "trace/event_table.h"

#define N_OPEN	    4096u /* begun and not ended, per machine: older ones give way */
#define LONGEST_NS  3600000000000ull
#define MIN_HZ	    1000000u
#define MAX_HZ	    100000000000ull
#define RUNQ_KEY    (1ull << 63)
#define SYSCALL_KEY (1ull << 62)
#define KEY_MASK    (SYSCALL_KEY - 1)

/* The two ends come from two rings, hence in any order. */
struct open_end {
	uint64_t key; /* 0: free */
	uint64_t tsc;
	uint32_t type;
	bool is_end;
};

struct trigger_source {
	const struct trigger_set *set;
	char machine[IVT_NAME_BYTES];
	bool is_host;
	trigger_fired_fn *fired;
	trigger_vcpu_fn *vcpu;
	void *arg;
	uint64_t ticks_hz;
	uint32_t has_fired; /* by trigger, in this look */
	bool wants[TRIGGER_RUNQ + 1];
	struct open_end open[N_OPEN];
};

/* ---- what the user types --------------------------------------------------------- */

static int no_trigger(const char *text, const char *what, char *why, size_t why_bytes)
{
	snprintf(why, why_bytes,
		 "'%s' %s ([VM:]EVENT, or [VM:]block>50ms, syscall>100ms, syscall_fsync>1s, "
		 "runq>20ms)",
		 text, what);
	return -EINVAL;
}

static int parse_kind(struct trigger *t, const char *name)
{
	const struct ivt_event_desc *desc;
	char entry[128];

	if (!strcmp(name, "block"))
		t->kind = TRIGGER_BLOCK;
	else if (!strcmp(name, "runq"))
		t->kind = TRIGGER_RUNQ;
	else if (!strcmp(name, "syscall") || !strncmp(name, "syscall_", 8))
		t->kind = TRIGGER_SYSCALL;
	else
		return -EINVAL;
	if (strncmp(name, "syscall_", 8))
		return 0;
	snprintf(entry, sizeof(entry), "syscall_entry_%s", name + 8);
	desc = ivt_event_desc_by_name(entry);
	if (!desc)
		return -EINVAL;
	t->type = desc->type;
	return 0;
}

static int parse_latency(struct trigger *t, char *name, char *limit, char *why, size_t why_bytes)
{
	*limit++ = '\0';
	if (parse_kind(t, name))
		return no_trigger(t->text, "names no latency that is known", why, why_bytes);
	if (parse_duration(limit, &t->limit_ns))
		return no_trigger(t->text, "has no time behind the >", why, why_bytes);
	return 0;
}

int trigger_parse(struct trigger_set *set, const char *text, char *why, size_t why_bytes)
{
	struct trigger t = { .kind = TRIGGER_EVENT };
	const struct ivt_event_desc *desc;
	char copy[sizeof(t.text)], *name = copy, *colon, *limit;
	int ret = 0;

	if (set->n >= TRIGGER_MAX) {
		snprintf(why, why_bytes, "more than %d triggers", TRIGGER_MAX);
		return -ENOSPC;
	}
	if (strlen(text) >= sizeof(t.text))
		return no_trigger(text, "is too long", why, why_bytes);
	strcpy(t.text, text);
	strcpy(copy, text);
	colon = strchr(copy, ':');
	if (colon) {
		*colon = '\0';
		name = colon + 1;
		if (!is_vm_name(copy, strlen(copy)) && strcmp(copy, "host") != 0)
			return no_trigger(text, "has no VM's name before the colon", why,
					  why_bytes);
		snprintf(t.vm, sizeof(t.vm), "%s", copy);
	}
	limit = strchr(name, '>');
	desc = limit ? NULL : ivt_event_desc_by_name(name);
	if (limit)
		ret = parse_latency(&t, name, limit, why, why_bytes);
	else if (desc)
		t.type = desc->type;
	else
		ret = no_trigger(text, "is no event and no latency", why, why_bytes);
	if (!ret)
		set->all[set->n++] = t;
	return ret;
}

/* Of host and guest; runq looks at the host only, and its VM is the thread's. */
static bool concerns(const struct trigger *t, const char *machine)
{
	bool is_host = !strcmp(machine, "host");

	if (t->kind == TRIGGER_RUNQ)
		return is_host;
	return !t->vm[0] || !strcmp(t->vm, machine);
}

bool trigger_wants_vm(const struct trigger_set *set, const char *vm)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (concerns(&set->all[i], vm))
			return true;
	return false;
}

bool trigger_wants_host(const struct trigger_set *set)
{
	return trigger_wants_vm(set, "host");
}

static bool is_heard(const struct trigger *t, const struct event_set *events)
{
	switch (t->kind) {
	case TRIGGER_BLOCK:
		return event_set_has(events, IVT_TYPE_block_rq_issue) &&
		       event_set_has(events, IVT_TYPE_block_rq_complete);
	case TRIGGER_SYSCALL:
		return t->type ? event_set_has(events, t->type)
			       : event_set_has_group(events, "syscall");
	case TRIGGER_RUNQ:
		return event_set_has(events, IVT_TYPE_sched_switch) &&
		       event_set_has(events, IVT_TYPE_sched_wakeup);
	default:
		return event_set_has(events, t->type);
	}
}

const struct trigger *trigger_unheard(const struct trigger_set *set, const struct event_set *host,
				      const struct event_set *guest)
{
	size_t i;

	for (i = 0; i < set->n; i++) {
		const struct trigger *t = &set->all[i];
		bool is_host = t->kind == TRIGGER_RUNQ || !strcmp(t->vm, "host");
		bool is_guest = !is_host;

		if (!t->vm[0] && t->kind != TRIGGER_RUNQ)
			is_host = true;
		if (!(is_host && is_heard(t, host)) && !(is_guest && is_heard(t, guest)))
			return t;
	}
	return NULL;
}

/* ---- firing --------------------------------------------------------------------------- */

static void fire(struct trigger_source *s, size_t i, const char *vm, const char *reason)
{
	if (s->has_fired >> i & 1)
		return;
	s->has_fired |= 1u << i;
	s->fired(s->arg, vm, reason);
}

static void fire_events(struct trigger_source *s, uint32_t type)
{
	size_t i;

	for (i = 0; i < s->set->n; i++) {
		const struct trigger *t = &s->set->all[i];

		if (t->kind == TRIGGER_EVENT && t->type == type && concerns(t, s->machine))
			fire(s, i, s->is_host ? "" : s->machine, t->text);
	}
}

static void fire_latency(struct trigger_source *s, enum trigger_kind kind, uint32_t type,
			 const char *vm, uint64_t ticks)
{
	uint64_t ns;
	char reason[160];
	size_t i;

	if (!s->ticks_hz || ticks / s->ticks_hz >= LONGEST_NS / 1000000000u)
		return;
	ns = (uint64_t)((__uint128_t)ticks * 1000000000u / s->ticks_hz);
	for (i = 0; i < s->set->n; i++) {
		const struct trigger *t = &s->set->all[i];

		if (t->kind != kind || ns <= t->limit_ns || !concerns(t, s->machine) ||
		    (kind == TRIGGER_RUNQ && t->vm[0] && strcmp(t->vm, vm)) ||
		    (kind == TRIGGER_SYSCALL && t->type && t->type != type))
			continue;
		snprintf(reason, sizeof(reason), "%s: %" PRIu64 ".%03u ms", t->text, ns / 1000000,
			 (unsigned int)(ns / 1000 % 1000));
		fire(s, i, vm, reason);
	}
}

/* ---- two ends ---------------------------------------------------------------------------- */

static struct open_end *slot_of(struct trigger_source *s, uint64_t key)
{
	uint64_t mixed = key * 0x9e3779b97f4a7c15ull;

	return &s->open[mixed >> 52 & (N_OPEN - 1)];
}

/* True with *ret_ticks when the other end is known; it is forgotten then. */
static bool meet(struct trigger_source *s, uint64_t key, uint64_t tsc, uint32_t type, bool is_end,
		 uint64_t *ret_ticks)
{
	struct open_end *o = slot_of(s, key);
	uint64_t begin = is_end ? o->tsc : tsc, end = is_end ? tsc : o->tsc;

	if (o->key == key && o->type == type && o->is_end != is_end && begin <= end) {
		*ret_ticks = end - begin;
		o->key = 0;
		return true;
	}
	/* An end that is older than what begun meanwhile belongs to nothing any more. */
	if (is_end && o->key == key && !o->is_end && o->tsc > tsc)
		return false;
	*o = (struct open_end){ .key = key, .tsc = tsc, .type = type, .is_end = is_end };
	return false;
}

static void look_latency(struct trigger_source *s, enum trigger_kind kind, uint64_t key,
			 const struct ivring_record *rec, uint32_t type, bool is_end)
{
	uint64_t ticks;

	if (meet(s, key, rec->tsc, type, is_end, &ticks))
		fire_latency(s, kind, type, s->is_host ? "" : s->machine, ticks);
}

static void look_block(struct trigger_source *s, const struct ivring_record *rec,
		       const void *payload)
{
	struct ivt_ev_block_rq_issue issue;
	struct ivt_ev_block_rq_complete complete;

	if (rec->type == IVT_TYPE_block_rq_issue) {
		memcpy(&issue, payload, sizeof(issue));
		look_latency(s, TRIGGER_BLOCK, (issue.rq & KEY_MASK) | 1, rec, issue.dev, false);
	} else {
		memcpy(&complete, payload, sizeof(complete));
		look_latency(s, TRIGGER_BLOCK, (complete.rq & KEY_MASK) | 1, rec, complete.dev,
			     true);
	}
}

static void look_syscall(struct trigger_source *s, const struct ivring_record *rec)
{
	uint64_t key = SYSCALL_KEY | (rec->ctx & IVRING_CTX_TID_MASK);
	bool is_end = rec->type >= IVT_TYPE_SYSCALL_EXIT;
	uint32_t type = is_end ? rec->type - IVT_TYPE_SYSCALL_EXIT + IVT_TYPE_SYSCALL_ENTRY
			       : rec->type;

	look_latency(s, TRIGGER_SYSCALL, key, rec, type, is_end);
}

static void runq_end(struct trigger_source *s, const struct ivring_record *rec, int32_t tid,
		     bool is_end)
{
	const char *vm = s->vcpu ? s->vcpu(s->arg, tid) : NULL;
	uint64_t ticks;

	if (vm && meet(s, RUNQ_KEY | (uint32_t)tid, rec->tsc, 0, is_end, &ticks))
		fire_latency(s, TRIGGER_RUNQ, 0, vm, ticks);
}

/* It waits from its wake-up on, or since another took its CPU. */
static void look_runq(struct trigger_source *s, const struct ivring_record *rec,
		      const void *payload)
{
	struct ivt_ev_sched_switch sw;
	struct ivt_ev_sched_wakeup woken;

	if (rec->type == IVT_TYPE_sched_wakeup) {
		memcpy(&woken, payload, sizeof(woken));
		runq_end(s, rec, woken.tid, false);
		return;
	}
	memcpy(&sw, payload, sizeof(sw));
	if (!sw.prev_state || sw.prev_state & IVT_STATE_PREEMPTED)
		runq_end(s, rec, sw.prev_tid, false);
	runq_end(s, rec, sw.next_tid, true);
}

static void look_record(struct trigger_source *s, const struct ivring_record *rec,
			const void *payload)
{
	const struct ivt_event_desc *desc = ivt_event_desc(rec->type);

	if (!desc || !ivt_payload_fits(desc, payload, rec->size - sizeof(*rec)))
		return;
	if (s->wants[TRIGGER_EVENT])
		fire_events(s, rec->type);
	if (s->wants[TRIGGER_BLOCK] &&
	    (rec->type == IVT_TYPE_block_rq_issue || rec->type == IVT_TYPE_block_rq_complete))
		look_block(s, rec, payload);
	if (s->wants[TRIGGER_SYSCALL] && rec->type >= IVT_TYPE_SYSCALL_ENTRY &&
	    rec->type < IVT_TYPE_SYSCALL_EXIT + IVT_MAX_SYSCALL)
		look_syscall(s, rec);
	if (s->wants[TRIGGER_RUNQ] &&
	    (rec->type == IVT_TYPE_sched_wakeup || rec->type == IVT_TYPE_sched_switch))
		look_runq(s, rec, payload);
}

/* ---- the source ----------------------------------------------------------------------------- */

int trigger_source_create(const struct trigger_set *set, const char *machine,
			  trigger_fired_fn *fired, trigger_vcpu_fn *vcpu, void *arg,
			  struct trigger_source **ret)
{
	struct trigger_source *s = calloc(1, sizeof(*s));
	size_t i;

	if (!s)
		return -ENOMEM;
	s->set = set;
	snprintf(s->machine, sizeof(s->machine), "%s", machine);
	s->is_host = !strcmp(machine, "host");
	s->fired = fired;
	s->vcpu = vcpu;
	s->arg = arg;
	for (i = 0; i < set->n; i++)
		if (concerns(&set->all[i], machine))
			s->wants[set->all[i].kind] = true;
	*ret = s;
	return 0;
}

void trigger_source_destroy(struct trigger_source *s)
{
	free(s);
}

void trigger_source_clock(struct trigger_source *s, uint64_t ticks_hz)
{
	s->ticks_hz = ticks_hz >= MIN_HZ && ticks_hz <= MAX_HZ ? ticks_hz : 0;
}

void trigger_look(struct trigger_source *s, const void *records, size_t bytes)
{
	const unsigned char *at = records;
	struct ivring_record rec;

	s->has_fired = 0;
	while (bytes >= sizeof(rec)) {
		memcpy(&rec, at, sizeof(rec));
		if (rec.size < sizeof(rec) || rec.size % 8 || rec.size > bytes)
			return;
		look_record(s, &rec, at + sizeof(rec));
		at += rec.size;
		bytes -= rec.size;
	}
}
