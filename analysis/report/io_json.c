// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include <ivring/events.h>
#include "analysis/report/report_io.h"

bool io_report_shows(const struct io_report *rep, uint32_t machine)
{
	if (rep->info->machines[machine].kind != IVT_GUEST)
		return false;
	return rep->only == IVT_VERDICT_NOBODY || rep->only == machine;
}

bool io_report_blames(const struct io_report *rep, uint32_t machine)
{
	uint32_t m;

	if (machine == IVT_IO_OWNER_HOST || rep->io->machines[machine].requests)
		return true;
	for (m = 0; m < rep->io->n_machines; m++)
		if (rep->io->machines[m].behind_ns[machine])
			return true;
	return false;
}

uint64_t io_report_violations(const struct io_report *rep)
{
	uint64_t sum = 0;
	uint32_t m;

	for (m = 0; m < rep->io->n_machines; m++)
		sum += rep->io->machines[m].causality_violations;
	return sum;
}

const char *io_report_op(const struct ivt_io_request *req)
{
	if (ivt_io_is_write(req))
		return "write";
	if (req->rwbs & IVT_RWBS_DISCARD)
		return "discard";
	return req->nr_sector ? "read" : "flush";
}

const char *io_report_comm(const struct ivt_io_request *req, char *ret)
{
	memcpy(ret, req->comm, sizeof(req->comm));
	ret[sizeof(req->comm) - 1] = '\0';
	report_printable(ret);
	return ret[0] ? ret : "-";
}

static void add(struct json_object *o, const char *key, struct json_object *value)
{
	json_object_object_add(o, key, value);
}

static void add_name(struct json_object *o, const char *key, const struct io_report *rep,
		     uint32_t machine)
{
	char name[REPORT_NAME_BYTES];

	if (machine >= rep->info->n_machines)
		add(o, key, NULL);
	else
		add(o, key, json_object_new_string(report_name(rep->info, machine, name)));
}

static struct json_object *stages_json(const uint64_t *stage_ns)
{
	struct json_object *o = json_object_new_object();
	int i;

	for (i = 0; i < IVT_IO_STAGES; i++)
		add(o, ivt_io_stage_name(i), report_json_ms(stage_ns[i]));
	return o;
}

/* VMs by name, and self, host, none; a VM that is called so gets "vm:" before. */
static struct json_object *behind_json(const struct io_report *rep, uint32_t own,
				       const uint64_t *behind_ns, uint64_t none_ns)
{
	struct json_object *o = json_object_new_object();
	char key[REPORT_NAME_BYTES + 3], *name = key + 3;
	uint32_t m;

	memcpy(key, "vm:", 3);
	for (m = 0; m < rep->io->n_machines; m++) {
		if (m == own || m == IVT_IO_OWNER_HOST)
			continue;
		report_name(rep->info, m, name);
		if (!strcmp(name, "self") || !strcmp(name, "host") || !strcmp(name, "none"))
			add(o, key, report_json_ms(behind_ns[m]));
		else
			add(o, name, report_json_ms(behind_ns[m]));
	}
	add(o, "self", report_json_ms(behind_ns[own]));
	if (own != IVT_IO_OWNER_HOST)
		add(o, "host", report_json_ms(behind_ns[IVT_IO_OWNER_HOST]));
	add(o, "none", report_json_ms(none_ns));
	return o;
}

static struct json_object *vm_json(const struct io_report *rep, uint32_t m)
{
	const struct ivt_io_summary *s = &rep->io->machines[m];
	struct json_object *o = json_object_new_object();

	add(o, "requests", json_object_new_uint64(s->requests));
	add(o, "writes", json_object_new_uint64(s->writes));
	add(o, "linked", json_object_new_uint64(s->linked));
	add(o, "incomplete", json_object_new_uint64(s->incomplete));
	add(o, "p50_ms", report_json_ms(s->p50_ns));
	add(o, "p99_ms", report_json_ms(s->p99_ns));
	add(o, "max_ms", report_json_ms(s->max_ns));
	add(o, "total_ms", report_json_ms(s->total_ns));
	add(o, "stages_ms", stages_json(s->stage_ns));
	add(o, "behind_ms", behind_json(rep, m, s->behind_ns, s->behind_none_ns));
	add(o, "causality_violations", json_object_new_uint64(s->causality_violations));
	return o;
}

static struct json_object *request_json(const struct io_report *rep, const struct ivt_io_request *g)
{
	struct json_object *o = json_object_new_object();
	char comm[16];

	add_name(o, "vm", rep, g->machine);
	add(o, "t_ns", report_json_since(rep->trace, g->start_ns));
	add(o, "tid", json_object_new_int(g->tid));
	add(o, "task", json_object_new_string(io_report_comm(g, comm)));
	add(o, "op", json_object_new_string(io_report_op(g)));
	add(o, "sector", json_object_new_uint64(g->sector));
	add(o, "bytes", json_object_new_uint64((uint64_t)g->nr_sector * 512));
	add(o, "total_ms", report_json_ms(g->complete_ns - g->start_ns));
	add(o, "stages_ms", stages_json(g->stage_ns));
	add(o, "behind_ms", behind_json(rep, g->machine, g->behind_ns, g->behind_none_ns));
	add(o, "link", json_object_new_string(ivt_io_confidence_name(g->confidence)));
	return o;
}

static void add_verdict(struct json_object *doc, const struct io_report *rep)
{
	const struct ivt_verdict *v = &rep->verdict;

	add_name(doc, "victim", rep, v->victim);
	add_name(doc, "culprit", rep, v->culprit);
	add(doc, "waited_behind_culprit_ms", report_json_ms(v->waited_culprit_ns));
	add(doc, "share",
	    v->total_ns ? json_object_new_double((double)v->waited_culprit_ns / v->total_ns)
			: NULL);
}

struct json_object *io_report_json(const struct io_report *rep)
{
	struct json_object *doc = json_object_new_object(), *vms = json_object_new_object();
	struct json_object *list;
	char text[REPORT_NAME_BYTES];
	uint32_t m;
	size_t i;

	add(doc, "schema", json_object_new_string("ivtrace.io/1"));
	snprintf(text, sizeof(text), "%" PRIu64, rep->first_ns);
	add(doc, "origin_ns", json_object_new_string(text));
	add_verdict(doc, rep);
	for (m = 0; m < rep->io->n_machines; m++)
		if (io_report_shows(rep, m))
			add(vms, report_name(rep->info, m, text), vm_json(rep, m));
	add(doc, "vms", vms);
	if (rep->slowest) {
		list = json_object_new_array();
		for (i = 0; i < rep->n_slowest; i++)
			json_object_array_add(list, request_json(rep, rep->slowest[i]));
		add(doc, "slowest", list);
	}
	add(doc, "causality_violations", json_object_new_uint64(io_report_violations(rep)));
	add(doc, "lost", json_object_new_uint64(rep->io->lost));
	add(doc, "inexact_sums", json_object_new_uint64(rep->io->inexact_sums));
	return doc;
}
