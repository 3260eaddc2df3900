// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/app/actions.h"

#include <errno.h>
#include <string.h>
#include "viewer/app/dialogs.h"

static void zoom_in(struct ivt_window *w)
{
	ivt_timeline_zoom(w->timeline, 2, 3);
}

static void zoom_out(struct ivt_window *w)
{
	ivt_timeline_zoom(w->timeline, 3, 2);
}

static void pan_left(struct ivt_window *w)
{
	ivt_timeline_pan(w->timeline, -10);
}

static void pan_right(struct ivt_window *w)
{
	ivt_timeline_pan(w->timeline, 10);
}

static void page_left(struct ivt_window *w)
{
	ivt_timeline_pan(w->timeline, -90);
}

static void page_right(struct ivt_window *w)
{
	ivt_timeline_pan(w->timeline, 90);
}

static void rows_up(struct ivt_window *w)
{
	ivt_timeline_rows(w->timeline, -24);
}

static void rows_down(struct ivt_window *w)
{
	ivt_timeline_rows(w->timeline, 24);
}

static void page_up(struct ivt_window *w)
{
	ivt_timeline_rows(w->timeline, -300);
}

static void page_down(struct ivt_window *w)
{
	ivt_timeline_rows(w->timeline, 300);
}

static void zoom_range(struct ivt_window *w)
{
	ivt_timeline_zoom_selection(w->timeline);
}

static void frame_item(struct ivt_window *w)
{
	ivt_timeline_frame(w->timeline);
}

static void full(struct ivt_window *w)
{
	ivt_timeline_full(w->timeline);
}

static void undo(struct ivt_window *w)
{
	ivt_timeline_undo(w->timeline);
}

static void redo(struct ivt_window *w)
{
	ivt_timeline_redo(w->timeline);
}

static void clear(struct ivt_window *w)
{
	ivt_timeline_clear(w->timeline);
}

static void finding_next(struct ivt_window *w)
{
	ivt_timeline_finding(w->timeline, 1);
}

static void finding_prev(struct ivt_window *w)
{
	ivt_timeline_finding(w->timeline, -1);
}

static void theme(struct ivt_window *w)
{
	enum ivt_theme now = ivt_timeline_style(w->timeline)->theme;

	ivt_timeline_set_theme(w->timeline,
			       now == IVT_THEME_DARK ? IVT_THEME_LIGHT : IVT_THEME_DARK);
}

static void quit(struct ivt_window *w)
{
	gtk_window_close(GTK_WINDOW(w->window));
}

static const struct ivt_action actions[] = {
	{ "view.zoom-in", "w plus equal KP_Add", "Zoom in", "about the pointer", zoom_in },
	{ "view.zoom-out", "s minus KP_Subtract", "Zoom out", "about the pointer", zoom_out },
	{ "view.pan-left", "a Left", "Earlier", "by a tenth of what is shown", pan_left },
	{ "view.pan-right", "d Right", "Later", "by a tenth of what is shown", pan_right },
	{ "view.page-left", "<Control>Left", "A page earlier", "", page_left },
	{ "view.page-right", "<Control>Right", "A page later", "", page_right },
	{ "view.rows-up", "Up", "Rows up", "the wheel does it too", rows_up },
	{ "view.rows-down", "Down", "Rows down", "the wheel does it too", rows_down },
	{ "view.rows-page-up", "Page_Up", "A page of rows up", "", page_up },
	{ "view.rows-page-down", "Page_Down", "A page of rows down", "", page_down },
	{ "view.zoom-range", "z", "Zoom to selection", "drag to select", zoom_range },
	{ "view.frame-item", "f", "Show what is under the pointer", "a double click does it too",
	  frame_item },
	{ "view.full", "0 Home", "Whole trace", "", full },
	{ "view.undo", "<Control>z BackSpace", "Back", "to the range shown before", undo },
	{ "view.redo", "<Control><Shift>z", "Forward", "", redo },
	{ "select.clear", "Escape", "Select nothing", "", clear },
	{ "finding.next", "n", "Next slow request", "of the victim, by time waited", finding_next },
	{ "finding.prev", "p", "Previous slow request", "", finding_prev },
	{ "file.open", "<Control>o", "Open", "a trace directory", ivt_dialog_open },
	{ "file.export", "<Control>e", "Export", "what is shown, as PNG or SVG",
	  ivt_dialog_export },
	{ "app.theme", "F12", "Dark or light", "", theme },
	{ "app.shortcuts", "question F1", "Keys", "this list", ivt_dialog_shortcuts },
	{ "app.quit", "<Control>q", "Quit", "", quit },
};

const struct ivt_action *ivt_action_at(size_t i)
{
	return i < G_N_ELEMENTS(actions) ? &actions[i] : NULL;
}

int ivt_action_run(struct ivt_window *w, const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(actions); i++)
		if (!strcmp(actions[i].name, name)) {
			actions[i].run(w);
			return 0;
		}
	return -ENOENT;
}

static void on_activate(GSimpleAction *action, GVariant *parameter, gpointer user)
{
	const struct ivt_action *a = g_object_get_data(G_OBJECT(action), "ivt-action");

	(void)parameter;
	a->run(user);
}

/* Accelerators of a window run before the widget with the focus, so that plain
 * keys would steal what is typed: those are the timeline's alone. */
static gboolean on_key(GtkWidget *widget, GdkEventKey *event, gpointer user)
{
	GdkModifierType mask = gtk_accelerator_get_default_mod_mask() & ~(guint)GDK_SHIFT_MASK;
	guint key = gdk_keyval_to_lower(event->keyval);

	(void)widget;
	if (event->state & mask)
		return GDK_EVENT_PROPAGATE;
	for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
		gchar **keys = g_strsplit(actions[i].keys, " ", -1);
		bool is_it = false;

		for (gchar **k = keys; *k; k++)
			is_it |= (*k)[0] != '<' && gdk_keyval_from_name(*k) == key;
		g_strfreev(keys);
		if (is_it) {
			actions[i].run(user);
			return GDK_EVENT_STOP;
		}
	}
	return GDK_EVENT_PROPAGATE;
}

/* <Control> keys and F keys act everywhere. */
static void bind_everywhere(struct ivt_window *w, const struct ivt_action *a)
{
	gchar **keys = g_strsplit(a->keys, " ", -1);
	const char *accels[8];
	int n = 0;

	for (gchar **k = keys; *k && n < 7; k++)
		if ((*k)[0] == '<' || ((*k)[0] == 'F' && (*k)[1] >= '1' && (*k)[1] <= '9'))
			accels[n++] = *k;
	accels[n] = NULL;
	if (n)
		gtk_application_set_accels_for_action(w->app, a->name, accels);
	g_strfreev(keys);
}

void ivt_actions_install(struct ivt_window *w)
{
	GHashTable *groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
		const struct ivt_action *a = &actions[i];
		const char *dot = strchr(a->name, '.');
		gchar *prefix = g_strndup(a->name, (gsize)(dot - a->name));
		GSimpleActionGroup *group = g_hash_table_lookup(groups, prefix);
		GSimpleAction *action = g_simple_action_new(dot + 1, NULL);

		if (!group) {
			group = g_simple_action_group_new();
			gtk_widget_insert_action_group(w->window, prefix, G_ACTION_GROUP(group));
			g_hash_table_insert(groups, g_strdup(prefix), group);
			g_object_unref(group); /* the window keeps it */
		}
		g_object_set_data(G_OBJECT(action), "ivt-action", (gpointer)a);
		g_signal_connect(action, "activate", G_CALLBACK(on_activate), w);
		g_action_map_add_action(G_ACTION_MAP(group), G_ACTION(action));
		g_object_unref(action);
		bind_everywhere(w, a);
		g_free(prefix);
	}
	g_hash_table_destroy(groups);
	g_signal_connect(w->timeline, "key-press-event", G_CALLBACK(on_key), w);
}
