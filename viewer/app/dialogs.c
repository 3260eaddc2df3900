// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/app/dialogs.h"

#include "viewer/app/actions.h"
#include "viewer/draw/render.h"

void ivt_dialog_open(struct ivt_window *w)
{
	GtkFileChooserNative *dialog = gtk_file_chooser_native_new(
		"Open a trace (NAME.ivt)", GTK_WINDOW(w->window),
		GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, "_Open", "_Cancel");

	if (gtk_native_dialog_run(GTK_NATIVE_DIALOG(dialog)) == GTK_RESPONSE_ACCEPT) {
		gchar *path = gtk_file_chooser_get_filename(GTK_FILE_CHOOSER(dialog));

		if (path)
			ivt_window_load(w, path);
		g_free(path);
	}
	g_object_unref(dialog);
}

static void export(struct ivt_window *w, const char *path)
{
	const struct ivt_view *view = ivt_timeline_view(w->timeline);
	struct ivt_style style = *ivt_timeline_style(w->timeline);
	struct ivt_error err = { "" };

	style.pointer_px = -1;
	if (view && ivt_render_file(w->model, &style, view->t0_ns, view->span_ns, path, &err))
		ivt_window_error(w, err.msg);
}

void ivt_dialog_export(struct ivt_window *w)
{
	GtkFileChooserNative *dialog;

	if (!w->model)
		return;
	dialog = gtk_file_chooser_native_new("Export what is shown (.png or .svg)",
					     GTK_WINDOW(w->window), GTK_FILE_CHOOSER_ACTION_SAVE,
					     "_Save", "_Cancel");
	gtk_file_chooser_set_current_name(GTK_FILE_CHOOSER(dialog), "ivtrace.png");
	gtk_file_chooser_set_do_overwrite_confirmation(GTK_FILE_CHOOSER(dialog), TRUE);
	if (gtk_native_dialog_run(GTK_NATIVE_DIALOG(dialog)) == GTK_RESPONSE_ACCEPT) {
		gchar *path = gtk_file_chooser_get_filename(GTK_FILE_CHOOSER(dialog));

		if (path)
			export(w, path);
		g_free(path);
	}
	g_object_unref(dialog);
}

static gchar *keys_for_people(const char *keys)
{
	gchar **all = g_strsplit(keys, " ", -1);
	GString *text = g_string_new(NULL);

	for (gchar **k = all; *k; k++) {
		guint key;
		GdkModifierType mods;
		gchar *label;

		gtk_accelerator_parse(*k, &key, &mods);
		label = gtk_accelerator_get_label(key, mods);
		g_string_append_printf(text, "%s%s", text->len ? ", " : "", label);
		g_free(label);
	}
	g_strfreev(all);
	return g_string_free(text, FALSE);
}

static void add_line(GtkGrid *grid, int line, const char *left, const char *right)
{
	GtkWidget *key = gtk_label_new(left), *label = gtk_label_new(right);

	gtk_label_set_xalign(GTK_LABEL(key), 1);
	gtk_label_set_xalign(GTK_LABEL(label), 0);
	gtk_style_context_add_class(gtk_widget_get_style_context(key), "dim-label");
	gtk_grid_attach(grid, key, 0, line, 1, 1);
	gtk_grid_attach(grid, label, 1, line, 1, 1);
}

void ivt_dialog_shortcuts(struct ivt_window *w)
{
	GtkWidget *dialog = gtk_dialog_new_with_buttons(
		"Keys", GTK_WINDOW(w->window),
		GTK_DIALOG_DESTROY_WITH_PARENT | GTK_DIALOG_USE_HEADER_BAR, NULL, NULL);
	GtkWidget *grid = gtk_grid_new();
	int line = 0;

	gtk_grid_set_column_spacing(GTK_GRID(grid), 18);
	gtk_grid_set_row_spacing(GTK_GRID(grid), 4);
	g_object_set(grid, "margin", 18, NULL);
	for (const struct ivt_action *a; (a = ivt_action_at((size_t)line)); line++) {
		gchar *keys = keys_for_people(a->keys);
		gchar *text = g_strdup_printf("%s%s%s", a->label, a->help[0] ? ": " : "", a->help);

		add_line(GTK_GRID(grid), line, keys, text);
		g_free(keys);
		g_free(text);
	}
	add_line(GTK_GRID(grid), line++, "Ctrl+wheel", "Zoom about the pointer");
	add_line(GTK_GRID(grid), line++, "Shift+wheel", "Earlier, later");
	add_line(GTK_GRID(grid), line++, "drag", "Select a range");
	add_line(GTK_GRID(grid), line++, "middle drag, Shift+drag", "Move");
	gtk_container_add(GTK_CONTAINER(gtk_dialog_get_content_area(GTK_DIALOG(dialog))), grid);
	g_signal_connect(dialog, "response", G_CALLBACK(gtk_widget_destroy), NULL);
	gtk_widget_show_all(dialog);
}
