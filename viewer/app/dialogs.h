/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IVT_VIEW_DIALOGS_H
#define IVT_VIEW_DIALOGS_H

#include "viewer/app/window.h"

/* Choose a trace directory and load it. */
void ivt_dialog_open(struct ivt_window *w);
/* Choose a file and write what is shown. */
void ivt_dialog_export(struct ivt_window *w);
/* All keys. */
void ivt_dialog_shortcuts(struct ivt_window *w);

#endif /* IVT_VIEW_DIALOGS_H */
