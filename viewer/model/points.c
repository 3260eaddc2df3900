// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/model/points.h"

#include <stdlib.h>
#include <string.h>

void ivt_points_deinit(struct ivt_points *p)
{
	free(p->point);
	free(p->text);
	memset(p, 0, sizeof(*p));
}

size_t ivt_points_from(const struct ivt_points *p, int64_t t_ns)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (p->point[mid].t0_ns >= t_ns)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

const char *ivt_points_text(const struct ivt_points *p, uint32_t offset)
{
	return offset < p->text_bytes ? p->text + offset : "";
}
