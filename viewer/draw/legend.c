// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/draw/legend.h"

#include <stdio.h>
#include <string.h>
#include "viewer/draw/shapes.h"

#define LINE_PX	  22
#define MARGIN_PX 6
#define SWATCH_PX 22
#define GAP_PX	  18

static void add(struct ivt_legend *l, struct ivt_paint paint, const char *text)
{
	if (paint.pattern == IVT_PATTERN_NONE || l->n == IVT_LEGEND_ENTRIES)
		return;
	for (int i = 0; i < l->n; i++)
		if (!strcmp(l->entry[i].text, text))
			return;
	l->entry[l->n].paint = paint;
	snprintf(l->entry[l->n].text, sizeof(l->entry[l->n].text), "%s", text);
	l->n++;
}

/* Which slots occur anywhere on the lanes of one kind. */
static unsigned int used_slots(const struct ivt_model *m, enum ivt_lane_kind kind,
			       uint32_t *ret_machine)
{
	unsigned int used = 0;

	for (size_t i = 0; i < m->n_lanes; i++) {
		const struct ivt_lane *lane = &m->lane[i];
		uint64_t ns[IVT_LANE_SLOTS];

		if (lane->kind != kind)
			continue;
		*ret_machine = lane->machine;
		used |= lane->points ? lane->points->slots : 0;
		for (unsigned int r = 0; r < lane->n_rows; r++) {
			ivt_lane_index_sum(&lane->row[r], 0, m->length_ns, ns);
			for (unsigned int s = 0; s < lane->row[r].n_slots; s++)
				used |= ns[s] ? 1u << s : 0;
		}
	}
	return used;
}

static void add_slots(struct ivt_legend *l, const struct ivt_model *m, const struct ivt_palette *p,
		      enum ivt_lane_kind kind, unsigned int wanted)
{
	uint32_t machine = 0;
	unsigned int used = used_slots(m, kind, &machine) & wanted;

	for (unsigned int s = 0; s < IVT_LANE_SLOTS; s++) {
		char name[64];

		if (!(used & 1u << s))
			continue;
		ivt_model_slot_name(m, kind, s, name, sizeof(name));
		add(l, ivt_palette_paint(p, m, kind, machine, s), name);
	}
}

/* From waiting for nobody, over all VMs, to waiting behind the host. */
#define ALL_WAITS ((1u << (IVT_RQ_WAIT_HOST + 1)) - (1u << IVT_RQ_WAIT_NOBODY))

void ivt_legend_init(struct ivt_legend *l, const struct ivt_model *m, const struct ivt_palette *p)
{
	uint32_t rgb;

	l->n = 0;
	for (uint32_t i = 0; i < m->n_machines; i++) {
		char name[64];

		ivt_model_owner_name(m, i, name, sizeof(name));
		rgb = ivt_palette_machine(p, m, i);
		add(l, (struct ivt_paint){ rgb, rgb, IVT_PATTERN_SOLID }, name);
	}
	add(l, (struct ivt_paint){ ivt_palette_mix(p->host, p->lane, 96), 0, IVT_PATTERN_SOLID },
	    "pale: queued");
	add_slots(l, m, p, IVT_LANE_REQUESTS, ALL_WAITS);
	add_slots(l, m, p, IVT_LANE_REQUESTS, 1u << IVT_RQ_UNLINKED);
	add(l, (struct ivt_paint){ p->qemu, p->qemu, IVT_PATTERN_SOLID }, "QEMU");
	add_slots(l, m, p, IVT_LANE_VCPU_HOST,
		  1u << IVT_VH_READY | 1u << IVT_VH_PREEMPTED | 1u << IVT_VH_BLOCKED);
	add_slots(l, m, p, IVT_LANE_TASK,
		  1u << IVT_TASK_RUNNING | 1u << IVT_TASK_RUNNABLE | 1u << IVT_TASK_DISK_WAIT);
	add_slots(l, m, p, IVT_LANE_VCPU, 1u << IVT_VCPU_IRQ | 1u << IVT_VCPU_TASK);
	add_slots(l, m, p, IVT_LANE_HOST_CPU, 1u << IVT_CPU_IRQ);
	add_slots(l, m, p, IVT_LANE_QUALITY, 1u << IVT_QUALITY_LOST);
	add_slots(l, m, p, IVT_LANE_EVENTS, ~(1u << IVT_EVENTS_NONE));
	add_slots(l, m, p, IVT_LANE_HOST_CPU, 1u << IVT_CPU_IDLE | 1u << IVT_CPU_UNKNOWN);
}

int ivt_legend_draw(const struct ivt_legend *l, const struct ivt_palette *p, struct ivt_text *text,
		    cairo_t *cr, int x, int y, int width_px)
{
	int at = x, line = y + MARGIN_PX;

	for (int i = 0; i < l->n; i++) {
		int width = ivt_text_width(text, IVT_FONT_SMALL, l->entry[i].text);

		if (at > x && at + SWATCH_PX + 6 + width > x + width_px) {
			at = x;
			line += LINE_PX;
		}
		if (cr) {
			ivt_shape_swatch(cr, &l->entry[i].paint, at, line + LINE_PX / 2 - 6,
					 SWATCH_PX, 12);
			ivt_text_draw(text, IVT_FONT_SMALL, l->entry[i].text, p->text,
				      at + SWATCH_PX + 6, line + LINE_PX / 2, 0);
		}
		at += SWATCH_PX + 6 + width + GAP_PX;
	}
	return line + LINE_PX + MARGIN_PX - y;
}
