// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/draw/ruler.h"

#include <stdio.h>
#include <string.h>
#include "viewer/model/format.h"

#define LABEL_PX 80

/* 1, 2 or 5 times a power of ten, at least @min. */
static int64_t round_step(int64_t min)
{
	int64_t power = 1;

	while (power < INT64_MAX / 10 && power * 10 <= min)
		power *= 10;
	if (min <= power)
		return power;
	if (min <= 2 * power)
		return 2 * power;
	return min <= 5 * power ? 5 * power : 10 * power;
}

void ivt_ruler_init(struct ivt_ruler *r, const struct ivt_view *view, int plot_px)
{
	int want = plot_px / LABEL_PX;
	int64_t end = view->t0_ns + view->span_ns, shared;

	if (want > IVT_RULER_MAX)
		want = IVT_RULER_MAX;
	if (want < 1)
		want = 1;
	r->step_ns = round_step((view->span_ns + want - 1) / want);
	r->first_ns = (view->t0_ns + r->step_ns - 1) / r->step_ns * r->step_ns;
	r->n = r->first_ns < end ? (int)((end - 1 - r->first_ns) / r->step_ns) + 1 : 0;
	if (r->n > IVT_RULER_MAX)
		r->n = IVT_RULER_MAX;
	/* What all labels share is said once, when that saves digits. */
	shared = 1;
	while (shared / 1000 < r->step_ns && shared < INT64_MAX / 10)
		shared *= 10;
	r->base_ns = r->step_ns < 1000000 ? view->t0_ns / shared * shared : 0;
}

void ivt_ruler_label(const struct ivt_ruler *r, int i, char *ret, size_t bytes)
{
	char text[40];

	int64_t largest = r->first_ns + r->n * r->step_ns - r->base_ns;

	ivt_format_time(r->first_ns + i * r->step_ns - r->base_ns, largest, r->step_ns, text,
			sizeof(text));
	snprintf(ret, bytes, "%s%s", r->base_ns ? "+" : "", text);
}

void ivt_ruler_base(const struct ivt_ruler *r, char *ret, size_t bytes)
{
	char text[40];

	ret[0] = '\0';
	if (!r->base_ns)
		return;
	/* In seconds, to the digits that it has. */
	snprintf(text, sizeof(text), "%lld.%09lld", (long long)(r->base_ns / 1000000000),
		 (long long)(r->base_ns % 1000000000));
	for (size_t end = strlen(text) - 1; text[end] == '0' && text[end - 1] != '.'; end--)
		text[end] = '\0';
	snprintf(ret, bytes, "%s s +", text);
}
