// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "host-reader/vm/guest_facts.h"
#include "host-reader/vm/post_mortem.h"
#include "host-reader/vm/ring_take.h"
#include "trace/manifest.h"
#include "trace/sync_log.h"

#define MIN_TSC_KHZ 100000u /* what a TSC may run at */
#define MAX_TSC_KHZ 20000000u
#define SLOPE_S	    3600u
#define YEAR_S	    31536000u

/* What is known of the guest: by its own page, or by a trace of it. */
struct known {
	struct ivt_machine_info machine;
	struct ivt_sync_log log;
	uint32_t log_machine; /* whose entries count */
	uint64_t tsc_khz;     /* of the host; 0: not known */
	bool has_clock;
};

/* Whose records lie before the head of @cpu; 0: nobody's. */
static uint64_t epoch_of(const struct ivring_region *region, uint32_t cpu)
{
	const struct ivring_subbuf *s;
	struct ivring_reader r;
	uint64_t base;
	__u64 head;

	ivring_reader_init(&r, region->base, NULL, &region->sb, cpu, 0);
	if (ivring_reader_load(&r, &head))
		return 0;
	base = (head ? head - 1 : 0) & ~(uint64_t)(r.subbuf - 1);
	s = (const struct ivring_subbuf *)(r.data + (base & (r.size - 1)));
	if (ivring_load(&s->magic) != IVRING_SUBBUF_MAGIC ||
	    ivring_load(&s->seq) != base / r.subbuf)
		return 0;
	return ivring_load(&s->guest_epoch);
}

/* A boot that had only announced itself left the one before in the rings. */
static uint64_t choose_epoch(const struct ivring_region *region)
{
	uint64_t said = ivring_load(&guest_facts_page(region)->guest_epoch), found = 0, epoch;
	uint32_t i;

	for (i = 0; i < region->sb.nr_channels; i++) {
		epoch = epoch_of(region, i);
		if (epoch && epoch == said)
			return said;
		if (!found)
			found = epoch;
	}
	return found ? found : said;
}

/* The last boot of the VM that the trace knows. */
static int find_machine(const struct ivt_trace_info *info, const char *name, uint32_t *ret)
{
	int code = -ENOENT;
	uint32_t i;

	for (i = 0; i < info->n_machines; i++) {
		const struct ivt_machine_info *m = &info->machines[i];

		if (m->kind != IVT_GUEST || strcmp(m->name, name) != 0 ||
		    (!code && m->epoch < info->machines[*ret].epoch))
			continue;
		*ret = i;
		code = 0;
	}
	return code;
}

static bool has_entries(const struct known *k)
{
	size_t i;

	for (i = 0; i < k->log.n_clocks; i++)
		if (k->log.clocks[i].machine == k->log_machine)
			return k->log.n_snapshots > 1;
	return false;
}

static int take_clock(int dirfd, const struct ivt_trace_info *info,
		      const struct post_mortem_options *opt, struct known *k, struct ivt_error *err)
{
	int code = find_machine(info, opt->name, &k->log_machine);

	if (code)
		return ivt_error_set(err, code,
				     "'%s' has no VM '%s' (--name says which one it is there)",
				     opt->clock_dir, opt->name);
	code = ivt_machine_info_copy(&k->machine, &info->machines[k->log_machine]);
	k->tsc_khz = info->tsc_khz;
	if (!code)
		code = ivt_sync_log_read(dirfd, &k->log);
	if (code)
		return ivt_error_set(err, code, "cannot read the clocks of '%s': %s",
				     opt->clock_dir, strerror(-code));
	k->has_clock = has_entries(k);
	if (!k->has_clock)
		message("'%s' tells nothing of the clock of '%s'", opt->clock_dir, opt->name);
	return 0;
}

static int read_clock(const struct post_mortem_options *opt, struct known *k, struct ivt_error *err)
{
	struct ivt_trace_info info;
	int dirfd = open(opt->clock_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), code;

	if (dirfd < 0)
		return ivt_error_set(err, -errno, "cannot open '%s': %s", opt->clock_dir,
				     strerror(errno));
	code = ivt_manifest_read(dirfd, &info, err);
	if (!code) {
		code = take_clock(dirfd, &info, opt, k, err);
		ivt_trace_info_deinit(&info);
	}
	close(dirfd);
	return code;
}

static int add_machines(struct ivt_trace_writer *w, struct known *k, uint32_t *ret,
			struct ivt_error *err)
{
	struct ivt_machine_info host = { .name = "host",
					 .kind = IVT_HOST,
					 .clock = IVT_CLOCK_MONO_NS,
					 .freq_hz = 1000000000u,
					 .qemu_pid = -1 };
	uint32_t machine;
	int code = ivt_trace_writer_add_machine(w, &host, &machine, err);

	k->machine.freq_hz = 0; /* until the clock's line is known */
	return code ? code : ivt_trace_writer_add_machine(w, &k->machine, ret, err);
}

static int write_known_clock(struct ivt_trace_writer *w, const struct known *k, uint32_t machine,
			     struct ivt_error *err)
{
	size_t i, n = k->log.n_clocks + k->log.n_checks;
	int code = 0;

	for (i = 0; i < k->log.n_snapshots && !code; i++)
		code = ivt_trace_writer_snapshot(w, &k->log.snapshots[i], err);
	for (i = 0; i < n && !code; i++)
		if (k->log.clocks[i].machine == k->log_machine)
			code = ivt_trace_writer_clock(w, machine, &k->log.clocks[i].entry,
						      k->log.clocks[i].guest_tsc, err);
	return code;
}

/* The guest's own time: seconds since its TSC was 0, as fast as it says. */
static int write_guest_clock(struct ivt_trace_writer *w, const struct known *k, uint32_t machine,
			     uint32_t n_cpus, struct ivt_error *err)
{
	uint64_t khz = k->machine.guest_tsc_khz;
	struct tsc_sync_snapshot snap = { .host_tsc = 0 };
	uint32_t i;
	int code;

	if (khz < MIN_TSC_KHZ || khz > MAX_TSC_KHZ)
		khz = 1000000u;
	code = ivt_trace_writer_snapshot(w, &snap, err);
	snap.host_tsc = khz * 1000 * SLOPE_S;
	snap.mono_ns = snap.real_ns = SLOPE_S * 1000000000ull;
	if (!code)
		code = ivt_trace_writer_snapshot(w, &snap, err);
	for (i = 0; i < n_cpus && !code; i++) {
		struct tsc_sync_entry entry = { .scale = tsc_sync_scale_unscaled(0),
						.bound_tsc = khz * 1000 * YEAR_S,
						.vcpu = i,
						.source = TSC_SYNC_ARRIVAL };

		code = ivt_trace_writer_clock(w, machine, &entry, 0, err);
	}
	return code;
}

static void describe(struct ivt_trace_writer *w, const struct post_mortem_options *opt,
		     const struct known *k)
{
	struct ivt_trace_info *info = ivt_trace_writer_info(w);

	snprintf(info->snapshot.reason, sizeof(info->snapshot.reason), "salvaged from '%.80s'%s",
		 opt->file, k->has_clock ? "" : ", times are the guest's own");
	snprintf(info->snapshot.vm, sizeof(info->snapshot.vm), "%s", opt->name);
	info->tsc_khz = k->tsc_khz;
}

static int write_trace(const struct post_mortem_options *opt, const struct ivring_region *region,
		       struct known *k, struct ivt_trace_writer *w, struct ivt_error *err)
{
	struct ring_take take = {
		.region = region,
		.guest_epoch = choose_epoch(region),
		.is_dead = true,
		.writer = w,
	};
	int code = add_machines(w, k, &take.machine, err);

	describe(w, opt, k);
	if (!code)
		code = k->has_clock
			       ? write_known_clock(w, k, take.machine, err)
			       : write_guest_clock(w, k, take.machine, region->sb.nr_channels, err);
	if (!code)
		code = ring_take_run(&take, err);
	if (!code)
		message("%s: %" PRIu64 " records were published, %" PRIu64 " salvaged, %" PRIu64
			" half-written (lost), %" PRIu64 " older ones overwritten; %" PRIu64
			" places could not be read",
			opt->name, take.n_records, take.n_salvaged, take.n_uncommitted,
			take.n_overwritten, take.n_violations);
	return code;
}

static int take_region(const struct post_mortem_options *opt, const struct ivring_region *region,
		       struct known *k, struct ivt_error *err)
{
	struct ivt_trace_writer *w = NULL;
	struct ivt_error ignored = { "" };
	int code, closed;

	if (!k->has_clock)
		message("%s: WARNING: nothing tells its clock: times are the guest's own, since "
			"its "
			"TSC was 0 (--clock DIR.ivt takes it from a recording of the same boot)",
			opt->name);
	code = ivt_trace_writer_create(opt->output, IVT_VERSION, &w, err);
	if (code)
		return code;
	code = write_trace(opt, region, k, w, err);
	closed = ivt_trace_writer_close(w, code ? &ignored : err);
	if (!code)
		code = closed;
	return code ? code : ivt_trace_finalise(opt->output, err);
}

int post_mortem_run(const struct post_mortem_options *opt, struct ivt_error *err)
{
	struct ivring_region region;
	struct known k;
	int code = ivring_region_open(opt->file, IVRING_REGION_OBSERVER, &region);

	memset(&k, 0, sizeof(k));
	k.machine.qemu_pid = -1;
	if (code)
		return ivt_error_set(err, code, "cannot salvage '%s': %s", opt->file,
				     ivring_region_strerror(code));
	if (opt->clock_dir)
		code = read_clock(opt, &k, err);
	snprintf(k.machine.name, sizeof(k.machine.name), "%s", opt->name);
	k.machine.kind = IVT_GUEST;
	k.machine.clock = IVT_CLOCK_TSC;
	guest_facts_copy(&region, &k.machine);
	if (!code)
		code = take_region(opt, &region, &k, err);
	ivt_sync_log_deinit(&k.log);
	ivt_machine_info_deinit(&k.machine);
	ivring_region_close(&region);
	return code;
}
