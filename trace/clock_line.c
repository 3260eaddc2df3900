// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/clock_line.h"

#include <errno.h>

typedef __int128 s128;
typedef unsigned __int128 u128;

#define NSEC_PER_SEC 1000000000

/* epoch ns = (offset + ticks) * 1e9 / freq_hz */
struct line {
	uint64_t freq_hz;
	s128 offset;
};

static s128 div_round(s128 a, uint64_t b)
{
	return a >= 0 ? (a + b / 2) / b : -((-a + b / 2) / b);
}

static s128 line_ns(const struct line *line, uint64_t ticks)
{
	return div_round((line->offset + ticks) * NSEC_PER_SEC, line->freq_hz);
}

static void line_set(struct ivt_machine_info *m, const struct line *line, uint64_t residual_ns)
{
	/* readers drop a negative origin; such a clock cannot be said in CTF */
	s128 offset = line->offset < 0 ? 0 : line->offset;

	m->freq_hz = line->freq_hz;
	m->offset_s = (uint64_t)(offset / line->freq_hz);
	m->offset = (uint64_t)(offset % line->freq_hz);
	m->line_residual_ns = line->offset < 0 ? UINT64_MAX : residual_ns;
}

static int host_line(const struct ivt_sync_log *log, struct ivt_machine_info *m)
{
	const struct tsc_sync_snapshot *first = log->snapshots;
	struct line line = { NSEC_PER_SEC, 0 };

	if (log->n_snapshots < 1)
		return -ENOENT;
	line.offset = (s128)first->real_ns - first->mono_ns;
	line_set(m, &line, 0);
	return 0;
}

/* The scaling in force at @host_tsc; of a host's own clock, none. */
static struct tsc_sync_scale scale_at(const struct ivt_sync_clock *clocks, size_t n,
				      uint64_t host_tsc)
{
	size_t i = 0;

	if (n == 0)
		return tsc_sync_scale_unscaled(0);
	while (i + 1 < n && clocks[i + 1].entry.from_host_tsc <= host_tsc)
		i++;
	return clocks[i].entry.scale;
}

/* Move the line into the middle of its errors; what is left is the residual. */
static uint64_t line_centre(struct line *line, const struct ivt_sync_log *log,
			    const struct ivt_sync_clock *clocks, size_t n_clocks)
{
	s128 delta = (s128)log->snapshots[0].real_ns - log->snapshots[0].mono_ns;
	s128 least = 0, most = 0, middle;

	for (size_t i = 0; i < log->n_snapshots; i++) {
		const struct tsc_sync_snapshot *snap = &log->snapshots[i];
		struct tsc_sync_scale scale = scale_at(clocks, n_clocks, snap->host_tsc);
		uint64_t guest_tsc;
		s128 error;

		if (tsc_sync_host_to_guest(&scale, snap->host_tsc, &guest_tsc))
			continue;
		error = line_ns(line, guest_tsc) - (snap->mono_ns + delta);
		if (i == 0 || error < least)
			least = error;
		if (i == 0 || error > most)
			most = error;
	}
	middle = (least + most) / 2;
	line->offset -= div_round(middle * line->freq_hz, NSEC_PER_SEC);
	most -= middle;
	return most > INT64_MAX ? UINT64_MAX : (uint64_t)most;
}

static int tsc_line(const struct ivt_sync_log *log, const struct ivt_sync_clock *clocks,
		    size_t n_clocks, struct ivt_machine_info *m)
{
	const struct tsc_sync_snapshot *first = log->snapshots, *mid;
	struct tsc_sync_scale scale = scale_at(clocks, n_clocks, 0);
	uint64_t host_hz, guest_tsc, epoch_ns;
	struct line line;
	u128 hz;

	if (tsc_sync_frequency(log->snapshots, log->n_snapshots, &host_hz))
		return -ENOENT;
	hz = ((u128)host_hz * scale.ratio + ((u128)1 << scale.frac_bits >> 1)) >> scale.frac_bits;
	mid = first + log->n_snapshots / 2;
	if (hz == 0 || hz > UINT32_MAX * (u128)16 ||
	    tsc_sync_host_to_guest(&scale, mid->host_tsc, &guest_tsc))
		return -ERANGE;
	line.freq_hz = (uint64_t)hz;
	epoch_ns = mid->mono_ns + (first->real_ns - first->mono_ns);
	line.offset = div_round((s128)epoch_ns * (s128)hz, NSEC_PER_SEC) - guest_tsc;
	line_set(m, &line, line_centre(&line, log, clocks, n_clocks));
	return 0;
}

int ivt_clock_line_fit(const struct ivt_sync_log *log, uint32_t number, struct ivt_machine_info *m,
		       struct ivt_metadata_options *opt)
{
	const struct ivt_sync_clock *clocks = NULL;
	size_t n = 0;

	if (m->kind == IVT_HOST && m->clock == IVT_CLOCK_MONO_NS)
		return host_line(log, m);
	if (m->kind == IVT_GUEST) {
		clocks = ivt_sync_log_find(log, number, UINT32_MAX, &n);
		if (!clocks)
			return -ENOENT;
		opt->tsc_offset = clocks->entry.scale.offset_tsc;
		opt->ratio = clocks->entry.scale.ratio;
		opt->frac_bits = clocks->entry.scale.frac_bits;
	}
	return tsc_line(log, clocks, n, m);
}

int ivt_clock_line_mono(const struct ivt_machine_info *m, int64_t real_minus_mono_ns, uint64_t raw,
			uint64_t *ret_mono_ns)
{
	u128 ticks = (u128)m->offset_s * m->freq_hz + m->offset + raw;
	s128 ns;

	if (m->freq_hz == 0 || ticks >> 96)
		return -ERANGE;
	ns = (s128)(ticks * NSEC_PER_SEC / m->freq_hz) - real_minus_mono_ns;
	if (ns < 0 || ns > UINT64_MAX)
		return -ERANGE;
	*ret_mono_ns = (uint64_t)ns;
	return 0;
}
