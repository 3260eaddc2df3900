// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/app/script.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "viewer/app/actions.h"

#define POLL_MS	 10
#define LIMIT_MS 60000

struct ivt_script {
	gchar **line;
	size_t next;
	guint source;
	int waited_ms;
};

static void fail(struct ivt_window *w, const char *line, const char *why)
{
	fprintf(stderr, "ivtrace-view: script: '%s': %s\n", line, why);
	w->exit_status = 1;
	gtk_widget_destroy(w->window);
}

static int snapshot(const struct ivt_window *w, const char *path)
{
	int width = gtk_widget_get_allocated_width(w->window);
	int height = gtk_widget_get_allocated_height(w->window);
	cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
	cairo_t *cr = cairo_create(image);
	int code;

	gtk_widget_draw(w->window, cr);
	cairo_destroy(cr);
	code = cairo_surface_write_to_png(image, path) == CAIRO_STATUS_SUCCESS ? 0 : -EIO;
	cairo_surface_destroy(image);
	return code;
}

static void dump(const struct ivt_window *w)
{
	const struct ivt_view *view = ivt_timeline_view(w->timeline);
	const struct ivt_style *style = ivt_timeline_style(w->timeline);

	if (!view) {
		puts("no trace");
		return;
	}
	printf("view %" PRId64 " %" PRId64 " rows %d", view->t0_ns, view->span_ns,
	       style->scroll_px);
	if (style->has_selection)
		printf(" selection %" PRId64 " %" PRId64, style->selection_t0_ns,
		       style->selection_t1_ns);
	printf("\nstatus %s\n", gtk_label_get_text(GTK_LABEL(w->status)));
	fflush(stdout);
}

/* 0; -ENOENT: no such action; -EINVAL: its numbers are wrong; -EIO. */
static int run_line(struct ivt_window *w, const char *line)
{
	int64_t a, b;
	int x, y;

	if (!line[0] || line[0] == '#' || !strcmp(line, "wait-idle"))
		return 0;
	if (g_str_has_prefix(line, "snapshot "))
		return snapshot(w, line + strlen("snapshot "));
	if (!strcmp(line, "dump")) {
		dump(w);
		return 0;
	}
	if (sscanf(line, "show %" SCNd64 " %" SCNd64, &a, &b) == 2)
		ivt_timeline_show(w->timeline, a, b);
	else if (sscanf(line, "select %" SCNd64 " %" SCNd64, &a, &b) == 2)
		ivt_timeline_select(w->timeline, a, b);
	else if (sscanf(line, "pointer %d %d", &x, &y) == 2)
		ivt_timeline_point(w->timeline, x, y);
	else
		return ivt_action_run(w, line);
	return 0;
}

static gboolean step(gpointer user)
{
	struct ivt_window *w = user;
	struct ivt_script *s = w->script;
	const char *line = s->line[s->next];
	int code;

	s->source = 0;
	if (!line)
		return G_SOURCE_REMOVE;
	if (!ivt_window_is_idle(w) && s->waited_ms < LIMIT_MS) {
		s->waited_ms += POLL_MS;
	} else if (s->waited_ms >= LIMIT_MS) {
		fail(w, line, "the window is not idle after a minute");
		return G_SOURCE_REMOVE;
	} else {
		s->waited_ms = 0;
		s->next++;
		code = run_line(w, line);
		if (code) {
			fail(w, line, code == -ENOENT ? "no such action" : strerror(-code));
			return G_SOURCE_REMOVE;
		}
	}
	if (w->script) /* the line may have closed the window */
		s->source = g_timeout_add(POLL_MS, step, w);
	return G_SOURCE_REMOVE;
}

int ivt_script_start(struct ivt_window *w, const char *path)
{
	struct ivt_script *s;
	gchar *text;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return errno ? -errno : -EIO;
	s = g_new0(struct ivt_script, 1);
	s->line = g_strsplit(text, "\n", -1);
	for (gchar **line = s->line; *line; line++)
		g_strstrip(*line);
	g_free(text);
	w->script = s;
	s->source = g_timeout_add(POLL_MS, step, w);
	return 0;
}

void ivt_script_stop(struct ivt_window *w)
{
	struct ivt_script *s = w->script;

	if (!s)
		return;
	w->script = NULL;
	if (s->source)
		g_source_remove(s->source);
	g_strfreev(s->line);
	g_free(s);
}
