/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one table of what can be done: names, keys, labels.  Menus, key bindings,
 * the sheet of keys and scripts all come from it.
 */
#ifndef IVT_VIEW_ACTIONS_H
#define IVT_VIEW_ACTIONS_H

#include "viewer/app/window.h"

struct ivt_action {
	const char *name; /* "view.zoom-in" */
	const char *keys; /* accelerators, blank between; plain ones act on the timeline only */
	const char *label;
	const char *help;
	void (*run)(struct ivt_window *w);
};

/* The i-th action, NULL past the last. */
const struct ivt_action *ivt_action_at(size_t i);
/* -ENOENT: there is none of this name. */
int ivt_action_run(struct ivt_window *w, const char *name);

/* Make a GAction of each, bind the keys. */
void ivt_actions_install(struct ivt_window *w);

#endif /* IVT_VIEW_ACTIONS_H */
