/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Colours and textures.  Base: Okabe and Ito's colour-blind-safe set; nothing
 * is said by colour alone: waiting is hatched, idle is a thin line, unknown is
 * cross-hatched.
 *
 * A hue names a machine on request, service and host CPU lanes; on guest lanes
 * it names what the guest's CPU or task does.
 */
#ifndef IVT_VIEW_PALETTE_H
#define IVT_VIEW_PALETTE_H

#include <stdint.h>
#include "viewer/model/model.h"

enum ivt_theme {
	IVT_THEME_DARK,
	IVT_THEME_LIGHT
};

enum ivt_pattern {
	IVT_PATTERN_NONE,     /* nothing: the background shows */
	IVT_PATTERN_LINE,     /* a thin line at the row's base */
	IVT_PATTERN_SOLID,    /* rgb */
	IVT_PATTERN_DIAGONAL, /* rgb with stripes of rgb2 */
	IVT_PATTERN_DOTS,     /* rgb with dots of rgb2 along the top */
	IVT_PATTERN_CROSS,    /* crossed hair lines of rgb2, background between */
};

struct ivt_paint {
	uint32_t rgb; /* 0xrrggbb */
	uint32_t rgb2;
	enum ivt_pattern pattern;
};

#define IVT_PALETTE_VMS 9

struct ivt_palette {
	uint32_t background;
	uint32_t panel; /* verdict, group headings */
	uint32_t lane;	/* under the rows */
	uint32_t grid;
	uint32_t text;
	uint32_t dim;	  /* lesser text; still >= 4.5:1 */
	uint32_t finding; /* marks */
	uint32_t warning;
	uint32_t idle;
	uint32_t qemu;
	uint32_t host;
	uint32_t run;
	uint32_t irq;
	uint32_t runnable;
	uint32_t disk_wait;
	uint32_t preempted;
	uint32_t vm[IVT_PALETTE_VMS];
};

/* A theme's colours; constant. */
const struct ivt_palette *ivt_palette_get(enum ivt_theme theme);

/* How a slot of a lane of @machine is drawn. */
struct ivt_paint ivt_palette_paint(const struct ivt_palette *p, const struct ivt_model *m,
				   enum ivt_lane_kind kind, uint32_t machine, unsigned int slot);

/* Colour of a machine: a VM's own, or the host's. */
uint32_t ivt_palette_machine(const struct ivt_palette *p, const struct ivt_model *m,
			     uint32_t machine);

/* @share of 256 of @a, the rest @b. */
uint32_t ivt_palette_mix(uint32_t a, uint32_t b, unsigned int share);

/* Black or white, whichever is easier to read on @rgb. */
uint32_t ivt_palette_text_on(uint32_t rgb);

/* WCAG 2.1 contrast of two colours, times 100 (450: 4.5:1). */
unsigned int ivt_palette_contrast(uint32_t a, uint32_t b);

#endif /* IVT_VIEW_PALETTE_H */
