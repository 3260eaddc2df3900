// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/app/window.h"

#include <stdio.h>
#include <string.h>
#include "viewer/app/actions.h"
#include "viewer/app/script.h"
#include "viewer/model/format.h"
#include "viewer/model/headline.h"
#include "viewer/model/load.h"

#define PULSE_MS     100
#define MAX_WARNINGS 3

/* ---- loading ------------------------------------------------------------------- */

/* Shared by the loading thread and the main loop. */
struct job {
	char *path;
	GCancellable *cancel;
	GMutex lock;
	double fraction;
	const char *what; /* a literal */
	struct ivt_error err;
	GPtrArray *warnings; /* of the loading thread until it has ended */
};

static void job_free(gpointer data)
{
	struct job *job = data;

	g_free(job->path);
	g_object_unref(job->cancel);
	g_ptr_array_unref(job->warnings);
	g_mutex_clear(&job->lock);
	g_free(job);
}

static int on_progress(void *user, const char *what, double fraction)
{
	struct job *job = user;

	g_mutex_lock(&job->lock);
	job->what = what;
	job->fraction = fraction;
	g_mutex_unlock(&job->lock);
	return g_cancellable_is_cancelled(job->cancel);
}

static void on_warning(void *user, const char *text)
{
	struct job *job = user;

	g_ptr_array_add(job->warnings, g_strdup(text));
}

static void load_in_thread(GTask *task, gpointer source, gpointer data, GCancellable *cancel)
{
	struct job *job = data;
	struct ivt_load_options opt = { .struct_bytes = sizeof(opt),
					.progress = on_progress,
					.warning = on_warning,
					.user = job };
	struct ivt_model *model = NULL;

	(void)source;
	(void)cancel;
	if (ivt_model_load(job->path, &opt, &model, &job->err))
		model = NULL;
	g_task_return_pointer(task, model, (GDestroyNotify)ivt_model_destroy);
}

static gboolean show_progress(gpointer user)
{
	struct ivt_window *w = g_object_get_data(user, "ivt-window");
	struct job *job = g_task_get_task_data(user);
	double fraction;

	if (g_task_get_completed(user) || g_cancellable_is_cancelled(job->cancel))
		return G_SOURCE_REMOVE;
	g_mutex_lock(&job->lock);
	fraction = job->fraction;
	gtk_progress_bar_set_text(GTK_PROGRESS_BAR(w->progress), job->what);
	g_mutex_unlock(&job->lock);
	gtk_progress_bar_set_fraction(GTK_PROGRESS_BAR(w->progress), fraction);
	return G_SOURCE_CONTINUE;
}

static void show_range(struct ivt_window *w);

static void first_view(struct ivt_window *w)
{
	const struct ivt_view_options *o = w->options;
	int64_t t0 = o->has_from ? o->from_ns : 0;
	int64_t span = (o->has_to ? o->to_ns : w->model->length_ns) - t0;

	if (o->focus_slowest)
		ivt_headline_focus(w->model, IVT_FOCUS_CONTEXT, &t0, &span);
	if (o->focus_slowest || o->has_from || o->has_to)
		ivt_timeline_show(w->timeline, t0, span);
}

/* What is wrong with a trace that can be shown all the same. */
static void show_warnings(struct ivt_window *w, const GPtrArray *warnings)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < warnings->len && i < MAX_WARNINGS; i++)
		g_string_append_printf(text, "%s%s", i ? "\n" : "",
				       (const char *)g_ptr_array_index(warnings, i));
	if (warnings->len > MAX_WARNINGS)
		g_string_append_printf(text, "\nand %u more: ivtrace-report summary lists them",
				       warnings->len - MAX_WARNINGS);
	gtk_info_bar_set_message_type(GTK_INFO_BAR(w->message), GTK_MESSAGE_WARNING);
	gtk_label_set_text(GTK_LABEL(w->message_text), text->str);
	gtk_widget_set_visible(w->message, warnings->len > 0);
	g_string_free(text, TRUE);
}

static void on_loaded(GObject *source, GAsyncResult *result, gpointer user)
{
	struct job *job = g_task_get_task_data(G_TASK(result));
	struct ivt_model *model = g_task_propagate_pointer(G_TASK(result), NULL);
	struct ivt_window *w = user;

	(void)source;
	if (g_cancellable_is_cancelled(job->cancel)) { /* the window may be gone */
		ivt_model_destroy(model);
		return;
	}
	g_clear_object(&w->cancel);
	gtk_widget_hide(w->progress);
	if (!model) {
		ivt_window_error(w, job->err.msg);
		return;
	}
	ivt_timeline_set_model(w->timeline, model);
	ivt_model_destroy(w->model);
	w->model = model;
	atk_object_set_description(gtk_widget_get_accessible(GTK_WIDGET(w->timeline)),
				   model->verdict);
	show_warnings(w, job->warnings);
	first_view(w);
	show_range(w);
}

void ivt_window_load(struct ivt_window *w, const char *path)
{
	struct job *job = g_new0(struct job, 1);
	GTask *task;

	if (w->cancel) {
		g_cancellable_cancel(w->cancel);
		g_object_unref(w->cancel);
	}
	w->cancel = g_cancellable_new();
	job->path = g_strdup(path);
	job->cancel = g_object_ref(w->cancel);
	job->what = "opening";
	job->warnings = g_ptr_array_new_with_free_func(g_free);
	g_mutex_init(&job->lock);
	task = g_task_new(NULL, NULL, on_loaded, w);
	g_task_set_task_data(task, job, job_free);
	g_object_set_data(G_OBJECT(task), "ivt-window", w);
	g_timeout_add_full(G_PRIORITY_DEFAULT, PULSE_MS, show_progress, g_object_ref(task),
			   g_object_unref);
	g_task_run_in_thread(task, load_in_thread);
	g_object_unref(task);
	gtk_widget_hide(w->message);
	gtk_widget_show(w->progress);
	gtk_header_bar_set_title(GTK_HEADER_BAR(w->header),
				 strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
}

bool ivt_window_is_idle(const struct ivt_window *w)
{
	return !w->cancel && ivt_timeline_is_drawn(w->timeline);
}

void ivt_window_error(struct ivt_window *w, const char *text)
{
	fprintf(stderr, "ivtrace-view: %s\n", text);
	w->exit_status = 1;
	gtk_info_bar_set_message_type(GTK_INFO_BAR(w->message), GTK_MESSAGE_ERROR);
	gtk_label_set_text(GTK_LABEL(w->message_text), text);
	gtk_widget_show(w->message);
	if (w->options->script) /* nobody is there to read it */
		gtk_widget_destroy(w->window);
}

/* ---- what is shown ----------------------------------------------------------------- */

static void show_range(struct ivt_window *w)
{
	const struct ivt_view *view = ivt_timeline_view(w->timeline);
	const struct ivt_style *style = ivt_timeline_style(w->timeline);
	char from[48], span[24], selected[24];
	gchar *text;

	if (!view)
		return;
	ivt_format_time(view->t0_ns, view->length_ns, view->span_ns / 1000 + 1, from, sizeof(from));
	ivt_format_ns((uint64_t)view->span_ns, span, sizeof(span));
	if (style->has_selection) {
		ivt_format_ns((uint64_t)(style->selection_t1_ns - style->selection_t0_ns), selected,
			      sizeof(selected));
		text = g_strdup_printf("from %s, %s shown, %s selected", from, span, selected);
	} else {
		text = g_strdup_printf("from %s, %s shown", from, span);
	}
	gtk_header_bar_set_subtitle(GTK_HEADER_BAR(w->header), text);
	g_free(text);
}

static void on_view_changed(IvtTimeline *timeline, struct ivt_window *w)
{
	(void)timeline;
	show_range(w);
}

static void on_hover(IvtTimeline *timeline, const char *text, struct ivt_window *w)
{
	(void)timeline;
	gtk_label_set_text(GTK_LABEL(w->status), text[0] ? text
							 : "W S zoom, A D pan, drag selects, "
							   "Z zooms to it, N next slow request, "
							   "0 whole trace, ? all keys");
}

/* ---- the window -------------------------------------------------------------------- */

static void on_destroy(GtkWidget *widget, struct ivt_window *w)
{
	(void)widget;
	ivt_script_stop(w);
	if (w->cancel) {
		g_cancellable_cancel(w->cancel);
		g_clear_object(&w->cancel);
	}
	w->window = NULL;
}

static void add_button(struct ivt_window *w, const char *icon, const char *action, bool at_end)
{
	GtkWidget *button = gtk_button_new_from_icon_name(icon, GTK_ICON_SIZE_BUTTON);

	for (size_t i = 0; ivt_action_at(i); i++)
		if (!strcmp(ivt_action_at(i)->name, action)) {
			gtk_widget_set_tooltip_text(button, ivt_action_at(i)->label);
			atk_object_set_name(gtk_widget_get_accessible(button),
					    ivt_action_at(i)->label);
		}
	gtk_actionable_set_action_name(GTK_ACTIONABLE(button), action);
	gtk_widget_set_focus_on_click(button, FALSE);
	if (at_end)
		gtk_header_bar_pack_end(GTK_HEADER_BAR(w->header), button);
	else
		gtk_header_bar_pack_start(GTK_HEADER_BAR(w->header), button);
}

static void make_header(struct ivt_window *w)
{
	w->header = gtk_header_bar_new();
	gtk_header_bar_set_show_close_button(GTK_HEADER_BAR(w->header), TRUE);
	gtk_header_bar_set_title(GTK_HEADER_BAR(w->header), "ivtrace");
	gtk_header_bar_set_subtitle(GTK_HEADER_BAR(w->header), "no trace");
	add_button(w, "document-open-symbolic", "file.open", false);
	add_button(w, "edit-undo-symbolic", "view.undo", false);
	add_button(w, "edit-redo-symbolic", "view.redo", false);
	add_button(w, "zoom-fit-best-symbolic", "view.full", false);
	add_button(w, "go-previous-symbolic", "finding.prev", false);
	add_button(w, "go-next-symbolic", "finding.next", false);
	add_button(w, "help-about-symbolic", "app.shortcuts", true);
	add_button(w, "document-save-symbolic", "file.export", true);
	gtk_window_set_titlebar(GTK_WINDOW(w->window), w->header);
}

static void make_message(struct ivt_window *w)
{
	w->message = gtk_info_bar_new();
	w->message_text = gtk_label_new("");
	gtk_info_bar_set_show_close_button(GTK_INFO_BAR(w->message), TRUE);
	g_signal_connect(w->message, "response", G_CALLBACK(gtk_widget_hide), NULL);
	gtk_label_set_line_wrap(GTK_LABEL(w->message_text), TRUE);
	gtk_container_add(GTK_CONTAINER(gtk_info_bar_get_content_area(GTK_INFO_BAR(w->message))),
			  w->message_text);
	gtk_widget_show(w->message_text);
	gtk_widget_set_no_show_all(w->message, TRUE);
}

static void make_content(struct ivt_window *w)
{
	GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);

	make_message(w);
	w->progress = gtk_progress_bar_new();
	gtk_progress_bar_set_show_text(GTK_PROGRESS_BAR(w->progress), TRUE);
	gtk_widget_set_no_show_all(w->progress, TRUE);
	w->timeline = IVT_TIMELINE(ivt_timeline_new(w->options->style.theme));
	w->status = gtk_label_new("Ctrl+O opens a trace");
	gtk_label_set_xalign(GTK_LABEL(w->status), 0);
	gtk_label_set_ellipsize(GTK_LABEL(w->status), PANGO_ELLIPSIZE_END);
	gtk_label_set_selectable(GTK_LABEL(w->status), FALSE);
	g_object_set(w->status, "margin", 5, NULL);
	gtk_box_pack_start(GTK_BOX(box), w->message, FALSE, FALSE, 0);
	gtk_box_pack_start(GTK_BOX(box), w->progress, FALSE, FALSE, 0);
	gtk_box_pack_start(GTK_BOX(box), GTK_WIDGET(w->timeline), TRUE, TRUE, 0);
	gtk_box_pack_start(GTK_BOX(box), w->status, FALSE, FALSE, 0);
	gtk_container_add(GTK_CONTAINER(w->window), box);
	g_signal_connect(w->timeline, "hover", G_CALLBACK(on_hover), w);
	g_signal_connect(w->timeline, "view-changed", G_CALLBACK(on_view_changed), w);
}

static void on_activate(GtkApplication *app, struct ivt_window *w)
{
	w->window = gtk_application_window_new(app);
	gtk_window_set_default_size(GTK_WINDOW(w->window), w->options->style.width_px,
				    w->options->style.height_px);
	make_header(w);
	make_content(w);
	ivt_actions_install(w);
	g_signal_connect(w->window, "destroy", G_CALLBACK(on_destroy), w);
	g_object_set(gtk_settings_get_default(), "gtk-application-prefer-dark-theme",
		     w->options->style.theme == IVT_THEME_DARK, NULL);
	gtk_widget_show_all(w->window);
	gtk_widget_grab_focus(GTK_WIDGET(w->timeline));
	if (w->options->trace)
		ivt_window_load(w, w->options->trace);
	if (w->options->script) {
		int code = ivt_script_start(w, w->options->script);

		if (code) {
			fprintf(stderr, "ivtrace-view: cannot read '%s': %s\n", w->options->script,
				strerror(-code));
			w->exit_status = 1;
			gtk_widget_destroy(w->window);
		}
	}
}

int ivt_window_run(const struct ivt_view_options *options)
{
	struct ivt_window w = { .options = options };
	int status;

	if (!gtk_init_check(NULL, NULL)) {
		const char *display = g_getenv("DISPLAY");

		fprintf(stderr,
			"ivtrace-view: cannot open display '%s' (a picture needs none: use "
			"--render FILE.png)\n",
			display ? display : "");
		return 1;
	}
	/* Not unique: two traces may be looked at side by side, without a bus. */
	w.app = gtk_application_new(NULL, G_APPLICATION_NON_UNIQUE);
	g_signal_connect(w.app, "activate", G_CALLBACK(on_activate), &w);
	status = g_application_run(G_APPLICATION(w.app), 0, NULL);
	g_object_unref(w.app);
	ivt_model_destroy(w.model);
	return status ? status : w.exit_status;
}
