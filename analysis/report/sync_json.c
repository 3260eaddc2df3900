// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "ivtrace.sync/1", for programs and for the manifest.  What was not measured
 * is null, never 0.
 */
#include "analysis/report/report_sync.h"

static void add(struct json_object *o, const char *key, struct json_object *value)
{
	json_object_object_add(o, key, value);
}

static struct json_object *number_if(bool is_known, uint64_t number)
{
	return is_known ? json_object_new_uint64(number) : NULL;
}

static struct json_object *signed_if(bool is_known, int64_t number)
{
	return is_known ? json_object_new_int64(number) : NULL;
}

static struct json_object *vcpu_json(const struct ivt_sync_vcpu *v)
{
	struct json_object *o = json_object_new_object();
	bool has_clock = v->entries > 0, has_shakes = v->handshakes > 0;
	char sources[64];

	report_sources(v->sources, sources, sizeof(sources));
	add(o, "vcpu", json_object_new_uint64(v->vcpu));
	add(o, "tid", signed_if(v->tid > 0, v->tid));
	add(o, "source", has_clock ? json_object_new_string(sources) : NULL);
	add(o, "entries", json_object_new_uint64(v->entries));
	add(o, "error_ns", number_if(has_clock, v->error_ns));
	add(o, "records", json_object_new_uint64(v->records));
	add(o, "outside", number_if(v->checked, v->outside));
	add(o, "worst_outside_ns", number_if(v->checked, v->worst_outside_ns));
	add(o, "handshake_lo", signed_if(has_shakes, v->handshake_lo));
	add(o, "handshake_hi", signed_if(has_shakes, v->handshake_hi));
	add(o, "offset", signed_if(has_clock, v->offset_tsc));
	return o;
}

static struct json_object *vms_json(const struct ivt_trace_info *info,
				    const struct ivt_sync_result *r)
{
	struct json_object *vms = json_object_new_array(), *vm, *vcpus;
	char name[REPORT_NAME_BYTES];
	size_t m, i = 0;

	for (m = 0; m < r->n_machines; m++) {
		if (info->machines[m].kind != IVT_GUEST)
			continue;
		vm = json_object_new_object();
		vcpus = json_object_new_array();
		add(vm, "name", json_object_new_string(report_name(info, m, name)));
		while (i < r->n_vcpus && r->vcpus[i].machine < m)
			i++;
		for (; i < r->n_vcpus && r->vcpus[i].machine == m; i++)
			json_object_array_add(vcpus, vcpu_json(&r->vcpus[i]));
		add(vm, "vcpus", vcpus);
		json_object_array_add(vms, vm);
	}
	return vms;
}

static struct json_object *machine_json(const struct ivt_sync_machine *m, bool is_guest)
{
	struct json_object *o = json_object_new_object(), *sources = json_object_new_array();
	bool is_checked = m->is_containment_checked;
	unsigned int s;

	for (s = 0; s < IVT_SYNC_SOURCES; s++)
		if ((m->sources & 1u << s) && tsc_sync_source_name(s))
			json_object_array_add(sources,
					      json_object_new_string(tsc_sync_source_name(s)));
	add(o, "kind", json_object_new_string(is_guest ? "guest" : "host"));
	add(o, "sources", sources);
	add(o, "offsets", json_object_new_uint64(m->entries));
	add(o, "error_ns", number_if(!is_guest || m->entries, m->bound_ns));
	add(o, "records", json_object_new_uint64(m->records));
	add(o, "lost", json_object_new_uint64(m->lost));
	add(o, "backward", json_object_new_uint64(m->backward));
	add(o, "containment", json_object_new_string(is_checked ? "checked" : "not checked"));
	add(o, "checked", json_object_new_uint64(m->checked));
	add(o, "outside", number_if(is_checked, m->outside));
	add(o, "handshakes", json_object_new_uint64(m->handshakes));
	add(o, "handshake_misses", number_if(m->handshakes, m->handshake_misses));
	add(o, "disk_links", json_object_new_uint64(m->io_links));
	add(o, "disk_violations", number_if(m->io_links, m->io_violations));
	return o;
}

struct json_object *report_sync_json(const struct ivt_trace_info *info,
				     const struct ivt_sync_result *r)
{
	struct json_object *doc = json_object_new_object(), *machines = json_object_new_object();
	struct json_object *widths = json_object_new_array();
	char name[REPORT_NAME_BYTES];
	size_t i;

	add(doc, "schema", json_object_new_string("ivtrace.sync/1"));
	add(doc, "snapshots", json_object_new_uint64(r->snapshots));
	add(doc, "tsc_hz", number_if(r->tsc_hz, r->tsc_hz));
	for (i = 0; i < 3; i++)
		json_object_array_add(widths, json_object_new_uint64(r->half_width_ns[i]));
	add(doc, "half_width_ns", widths);
	add(doc, "vms", vms_json(info, r));
	for (i = 0; i < r->n_machines; i++)
		add(machines, report_name(info, i, name),
		    machine_json(&r->machines[i], info->machines[i].kind == IVT_GUEST));
	add(doc, "machines", machines);
	return doc;
}
