// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "host-reader/base/message.h"
#include "host-reader/recording/control.h"
#include "host-reader/recording/control_client.h"
#include "host-reader/top/top.h"
#include "host-reader/top/top_disks.h"
#include "host-reader/top/top_threads.h"
#include "trace/follow.h"

#define POLL_NS 20000000

/* A VM by its name, over all its boots. */
struct top_vm {
	char name[IVT_NAME_BYTES];
	pid_t pid; /* 0: unknown */
	struct top_thread *threads;
	size_t n_threads;
	struct top_disks disks;
	uint64_t n_events, n_lost; /* at the last look */
};

struct top {
	pid_t pid;
	struct ivt_follow *follow;
	struct top_vm **vms;
	size_t n_vms;
	uint64_t at_ns; /* of the last look */
	uint64_t cpu_ns, n_wakeups, n_bytes;
};

static void add(struct json_object *to, const char *key, struct json_object *value)
{
	json_object_object_add(to, key, value);
}

static void add_number(struct json_object *to, const char *key, uint64_t value)
{
	add(to, key, json_object_new_uint64(value));
}

static uint64_t per_second(uint64_t now, uint64_t *before, uint64_t elapsed_ns)
{
	uint64_t grown = now > *before ? now - *before : 0;

	*before = now;
	return elapsed_ns ? (uint64_t)((double)grown * 1e9 / (double)elapsed_ns + 0.5) : 0;
}

static double percent(unsigned int permille)
{
	return permille / 10.0;
}

/* NULL: no memory. */
static struct top_vm *get_vm(struct top *top, const char *name)
{
	struct top_vm **grown, *vm;
	size_t i;

	for (i = 0; i < top->n_vms; i++)
		if (!strcmp(top->vms[i]->name, name))
			return top->vms[i];
	grown = realloc(top->vms, (top->n_vms + 1) * sizeof(struct top_vm *));
	if (!grown)
		return NULL;
	top->vms = grown;
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return NULL;
	snprintf(vm->name, sizeof(vm->name), "%s", name);
	top->vms[top->n_vms++] = vm;
	return vm;
}

/* ---- vCPUs ------------------------------------------------------------------------ */

static const struct top_thread *thread_before(const struct top_vm *vm, pid_t tid)
{
	size_t i;

	for (i = 0; i < vm->n_threads; i++)
		if (vm->threads[i].tid == tid)
			return &vm->threads[i];
	return NULL;
}

static struct json_object *share_json(uint32_t index, const struct top_share *share)
{
	struct json_object *o = json_object_new_object();

	add_number(o, "index", index);
	add(o, "running_percent", json_object_new_double(percent(share->running)));
	add(o, "preempted_percent", json_object_new_double(percent(share->preempted)));
	add(o, "waiting_percent", json_object_new_double(percent(share->waiting)));
	return o;
}

/* Those vCPUs of which there is a look before this one. */
static struct json_object *look_at_vcpus(struct top_vm *vm, pid_t pid)
{
	struct json_object *vcpus = json_object_new_array();
	struct top_thread *threads = NULL;
	size_t n = 0, i;

	if (pid && top_threads_vcpus(pid, &threads, &n))
		n = 0;
	for (i = 0; i < n && pid == vm->pid; i++) {
		const struct top_thread *before = thread_before(vm, threads[i].tid);
		struct top_share share;

		if (!before)
			continue;
		share = top_threads_share(before, &threads[i]);
		json_object_array_add(vcpus, share_json(threads[i].index, &share));
	}
	free(vm->threads);
	vm->threads = threads;
	vm->n_threads = n;
	vm->pid = pid;
	return vcpus;
}

/* ---- one VM ------------------------------------------------------------------------- */

static uint64_t lost_of(struct json_object *vm)
{
	struct json_object *lost;

	if (!json_object_object_get_ex(vm, "lost", &lost))
		return 0;
	return control_number(lost, "full") + control_number(lost, "nested") +
	       control_number(lost, "big") + control_number(lost, "uncommitted");
}

static struct json_object *disks_json(struct top_vm *vm, uint64_t elapsed_ns)
{
	struct json_object *o = json_object_new_object();
	struct top_disks_result r;
	uint64_t none = 0;

	top_disks_take(&vm->disks, &r);
	add_number(o, "requests", r.n_done);
	add_number(o, "requests_per_s", per_second(r.n_done, &none, elapsed_ns));
	add_number(o, "p50_ns", r.p50_ns);
	add_number(o, "max_ns", r.max_ns);
	add_number(o, "in_flight", vm->disks.n_in_flight);
	return o;
}

static struct json_object *vm_json(struct top_vm *vm, struct json_object *status,
				   uint64_t elapsed_ns)
{
	const char *state = control_text(status, "state");
	struct json_object *o = json_object_new_object();
	uint64_t lost = lost_of(status);

	add(o, "name", json_object_new_string(vm->name));
	add(o, "state", json_object_new_string(state ? state : ""));
	add_number(o, "events_per_s",
		   per_second(control_number(status, "events"), &vm->n_events, elapsed_ns));
	add_number(o, "lost", lost);
	add_number(o, "lost_per_s", per_second(lost, &vm->n_lost, elapsed_ns));
	add(o, "vcpus", look_at_vcpus(vm, (pid_t)control_number(status, "pid")));
	add(o, "disks", disks_json(vm, elapsed_ns));
	return o;
}

/* ---- a look ---------------------------------------------------------------------------- */

static struct json_object *recorder_json(struct top *top, struct json_object *status,
					 uint64_t elapsed_ns)
{
	uint64_t cpu_ns = per_second(top_threads_cpu_ns(top->pid), &top->cpu_ns, elapsed_ns);
	struct json_object *o = json_object_new_object();

	add(o, "pid", json_object_new_int(top->pid));
	add(o, "cpu_percent", json_object_new_double((double)(cpu_ns / 100000) / 100));
	add_number(o, "wakeups_per_s",
		   per_second(control_number(status, "wakeups"), &top->n_wakeups, elapsed_ns));
	add_number(o, "bytes_per_s",
		   per_second(control_number(status, "bytes"), &top->n_bytes, elapsed_ns));
	return o;
}

static struct json_object *vms_json(struct top *top, struct json_object *status,
				    uint64_t elapsed_ns)
{
	struct json_object *vms = json_object_new_array(), *all, *one;
	size_t i, n = 0;

	if (json_object_object_get_ex(status, "vms", &all) &&
	    json_object_is_type(all, json_type_array))
		n = json_object_array_length(all);
	for (i = 0; i < n; i++) {
		const char *name;
		struct top_vm *vm;

		one = json_object_array_get_idx(all, i);
		name = control_text(one, "name");
		vm = name ? get_vm(top, name) : NULL;
		if (vm)
			json_object_array_add(vms, vm_json(vm, one, elapsed_ns));
	}
	return vms;
}

/* What was since the look before; *ret may be NULL. */
static int look(struct top *top, struct json_object **ret, struct ivt_error *err)
{
	struct json_object *status, *o;
	uint64_t now, elapsed_ns;
	struct timespec real;
	int code = control_client_ask(top->pid, "status", &status, err);

	if (code)
		return code == -ENOENT || code == -ECONNREFUSED || code == -EPIPE ? -ESRCH : code;
	now = now_ns();
	elapsed_ns = top->at_ns ? now - top->at_ns : 0;
	top->at_ns = now;
	clock_gettime(CLOCK_REALTIME, &real);
	o = json_object_new_object();
	add(o, "schema", json_object_new_string("ivtrace.top/1"));
	add_number(o, "real_ns", (uint64_t)real.tv_sec * 1000000000u + (uint64_t)real.tv_nsec);
	add_number(o, "interval_ns", elapsed_ns);
	add(o, "recorder", recorder_json(top, status, elapsed_ns));
	add(o, "vms", vms_json(top, status, elapsed_ns));
	json_object_put(status);
	if (ret)
		*ret = o;
	else
		json_object_put(o);
	return 0;
}

/* ---- the trace --------------------------------------------------------------------------- */

/* Where the recorder writes now.  One that keeps its trace in memory cannot be followed. */
static int follow_trace(struct top *top, bool from_now, struct ivt_error *err)
{
	struct json_object *answer;
	const char *path;
	int code = control_client_ask(top->pid, "who", &answer, err);

	if (code)
		return code;
	ivt_follow_close(top->follow);
	top->follow = NULL;
	path = control_text(answer, "trace");
	if (path && ivt_follow_open(path, from_now, &top->follow, NULL))
		top->follow = NULL;
	json_object_put(answer);
	return 0;
}

/* What has come of the guests' disks. */
static int take_events(struct top *top, struct ivt_error *err)
{
	const struct ivt_machine_info *m;
	struct ivt_event ev;
	struct top_vm *vm;
	int code;

	if (!top->follow)
		return 0;
	code = ivt_follow_poll(top->follow, err);
	while (!code && ivt_follow_next(top->follow, &ev)) {
		m = &ivt_follow_info(top->follow)->machines[ev.machine];
		vm = m->kind == IVT_GUEST ? get_vm(top, m->name) : NULL;
		if (vm)
			top_disks_see(&vm->disks, &ev);
	}
	return code;
}

int top_collect(struct top *top, uint64_t interval_ns, struct json_object **ret,
		struct ivt_error *err)
{
	uint64_t end = now_ns() + interval_ns, now;
	struct timespec pause = { .tv_nsec = 0 };
	int code = 0;

	while (!code && (now = now_ns()) < end) {
		pause.tv_nsec = end - now < POLL_NS ? (long)(end - now) : POLL_NS;
		if (nanosleep(&pause, NULL))
			return -EINTR;
		code = take_events(top, err);
	}
	/* the recorder may go on in another trace */
	if (!code && top->follow && ivt_follow_is_over(top->follow) &&
	    follow_trace(top, false, NULL))
		return -ESRCH;
	return code ? code : look(top, ret, err);
}

/* ---- open and close ------------------------------------------------------------------------- */

int top_open(pid_t pid, struct top **ret, struct ivt_error *err)
{
	struct top *top = calloc(1, sizeof(*top));
	int code;

	if (!top)
		return ivt_error_set(err, -ENOMEM, "no memory");
	top->pid = pid;
	code = follow_trace(top, true, err);
	if (!code)
		code = look(top, NULL, err);
	if (code) {
		top_close(top);
		return code;
	}
	*ret = top;
	return 0;
}

void top_close(struct top *top)
{
	size_t i;

	if (!top)
		return;
	ivt_follow_close(top->follow);
	for (i = 0; i < top->n_vms; i++) {
		free(top->vms[i]->threads);
		top_disks_deinit(&top->vms[i]->disks);
		free(top->vms[i]);
	}
	free(top->vms);
	free(top);
}
