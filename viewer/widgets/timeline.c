// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/widgets/timeline.h"

#include <math.h>
#include "viewer/model/describe.h"
#include "viewer/model/headline.h"

#define ROW_STEP_PX	48
#define FINDING_CONTEXT 5

enum drag {
	DRAG_NONE,
	DRAG_SELECT,
	DRAG_PAN
};

struct _IvtTimeline {
	GtkDrawingArea parent;
	const struct ivt_model *model;
	struct ivt_view view;
	struct ivt_style style;
	struct ivt_layout layout; /* of the last size; row NULL: to be made */
	cairo_surface_t *kept;	  /* the picture without pointer and selection */
	GtkGesture *drag_left;
	GtkGesture *drag_middle;
	GtkGesture *press;
	GtkEventController *scroll;
	GtkEventController *motion;
	enum drag drag;
	double drag_x;
	double drag_last;
	double pointer_x, pointer_y; /* -1: outside */
	int finding;
};

G_DEFINE_TYPE(IvtTimeline, ivt_timeline, GTK_TYPE_DRAWING_AREA)

enum {
	SIGNAL_HOVER,
	SIGNAL_VIEW_CHANGED,
	N_SIGNALS
};
static guint signals[N_SIGNALS];

/* ---- layout and picture -------------------------------------------------------- */

static void drop_picture(IvtTimeline *t)
{
	g_clear_pointer(&t->kept, cairo_surface_destroy);
	gtk_widget_queue_draw(GTK_WIDGET(t));
}

static void drop_layout(IvtTimeline *t)
{
	ivt_layout_deinit(&t->layout);
	drop_picture(t);
}

static bool have_layout(IvtTimeline *t)
{
	GtkWidget *w = GTK_WIDGET(t);
	int max;

	if (!t->model)
		return false;
	if (t->layout.row)
		return true;
	t->style.width_px = gtk_widget_get_allocated_width(w);
	t->style.height_px = gtk_widget_get_allocated_height(w);
	t->style.scale = gtk_widget_get_scale_factor(w);
	if (t->style.scale > 4)
		t->style.scale = 4;
	if (ivt_picture_layout(t->model, &t->style, &t->layout))
		return false;
	max = ivt_layout_max_scroll(&t->layout);
	if (t->style.scroll_px > max)
		t->style.scroll_px = max;
	ivt_view_set_bins(&t->view, ivt_layout_columns(&t->layout, &t->style));
	return true;
}

static void paint_kept(IvtTimeline *t)
{
	struct ivt_style style = t->style;
	cairo_t *cr;

	if (t->kept)
		return;
	style.pointer_px = -1;
	style.has_selection = false;
	t->kept = cairo_image_surface_create(CAIRO_FORMAT_RGB24, style.width_px * style.scale,
					     style.height_px * style.scale);
	cairo_surface_set_device_scale(t->kept, style.scale, style.scale);
	cr = cairo_create(t->kept);
	ivt_picture_draw(t->model, &t->view, &style, &t->layout, cr);
	cairo_destroy(cr);
}

static gboolean draw(GtkWidget *w, cairo_t *cr)
{
	IvtTimeline *t = IVT_TIMELINE(w);

	if (!have_layout(t)) {
		uint32_t rgb = ivt_palette_get(t->style.theme)->background;

		cairo_set_source_rgb(cr, (rgb >> 16) / 255.0, (rgb >> 8 & 0xff) / 255.0,
				     (rgb & 0xff) / 255.0);
		cairo_paint(cr);
		return GDK_EVENT_STOP;
	}
	paint_kept(t);
	cairo_set_source_surface(cr, t->kept, 0, 0);
	cairo_paint(cr);
	t->style.pointer_px = t->drag == DRAG_NONE ? (int)t->pointer_x : -1;
	ivt_picture_draw_overlay(&t->view, &t->style, &t->layout, cr);
	if (gtk_widget_has_focus(w))
		gtk_render_focus(gtk_widget_get_style_context(w), cr, 1, 1, t->style.width_px - 2,
				 t->style.height_px - 2);
	return GDK_EVENT_STOP;
}

/* ---- what is under the pointer ---------------------------------------------------- */

static struct ivt_timescale plot_scale(const IvtTimeline *t)
{
	return (struct ivt_timescale){ t->view.t0_ns, t->view.span_ns, t->layout.plot_px };
}

static int64_t time_at(const IvtTimeline *t, double x)
{
	struct ivt_timescale ts = plot_scale(t);

	return ivt_timescale_edge_ns(&ts, (int32_t)floor(x) - t->layout.label_px);
}

static void hover(IvtTimeline *t)
{
	char text[1024] = "";
	int row = -1;

	if (t->pointer_x >= 0 && have_layout(t))
		row = ivt_layout_row_at(&t->layout, &t->style, (int)t->pointer_y);
	if (row >= 0 && t->pointer_x >= t->layout.label_px) {
		const struct ivt_layout_row *at = &t->layout.row[row];
		struct ivt_timescale ts = plot_scale(t);
		int32_t x = (int32_t)t->pointer_x - t->layout.label_px;

		ivt_describe(t->model, at->lane, at->row, ivt_timescale_edge_ns(&ts, x),
			     ivt_timescale_edge_ns(&ts, x + 1), text, sizeof(text));
	}
	g_signal_emit(t, signals[SIGNAL_HOVER], 0, text);
}

static void changed(IvtTimeline *t)
{
	drop_picture(t);
	hover(t);
	g_signal_emit(t, signals[SIGNAL_VIEW_CHANGED], 0);
}

/* ---- pointer ------------------------------------------------------------------------ */

static void on_motion(GtkEventControllerMotion *c, double x, double y, IvtTimeline *t)
{
	(void)c;
	t->pointer_x = x;
	t->pointer_y = y;
	hover(t);
	gtk_widget_queue_draw(GTK_WIDGET(t));
}

static void on_leave(GtkEventControllerMotion *c, IvtTimeline *t)
{
	(void)c;
	t->pointer_x = t->pointer_y = -1;
	hover(t);
	gtk_widget_queue_draw(GTK_WIDGET(t));
}

static void on_scroll(GtkEventControllerScroll *c, double dx, double dy, IvtTimeline *t)
{
	GdkModifierType state = 0;

	(void)c;
	gtk_get_current_event_state(&state);
	if (state & GDK_CONTROL_MASK)
		ivt_timeline_zoom(t, dy > 0 ? 5 : 4, dy > 0 ? 4 : 5);
	else if (state & GDK_SHIFT_MASK)
		ivt_timeline_pan(t, dy + dx > 0 ? 10 : -10);
	else if (dx)
		ivt_timeline_pan(t, dx > 0 ? 10 : -10);
	else
		ivt_timeline_rows(t, (int)(dy * ROW_STEP_PX));
}

static void on_pressed(GtkGestureMultiPress *g, int n_press, double x, double y, IvtTimeline *t)
{
	(void)g;
	t->pointer_x = x;
	t->pointer_y = y;
	if (n_press == 2)
		ivt_timeline_frame(t);
}

static void on_drag_begin(GtkGestureDrag *g, double x, double y, IvtTimeline *t)
{
	GdkModifierType state = 0;
	bool is_middle = GTK_GESTURE(g) == t->drag_middle;

	(void)y;
	gtk_widget_grab_focus(GTK_WIDGET(t));
	if (!have_layout(t))
		return;
	gtk_get_current_event_state(&state);
	t->drag = is_middle || (state & GDK_SHIFT_MASK) ? DRAG_PAN : DRAG_SELECT;
	t->drag_x = t->drag_last = x;
	if (t->drag == DRAG_SELECT)
		ivt_timeline_clear(t);
}

static void on_drag_update(GtkGestureDrag *g, double dx, double dy, IvtTimeline *t)
{
	(void)g;
	if (t->drag == DRAG_PAN) {
		double step = t->drag_last - (t->drag_x + dx);

		ivt_view_pan(&t->view,
			     (int64_t)(step / t->layout.plot_px * (double)t->view.span_ns));
		t->drag_last = t->drag_x + dx;
		changed(t);
	} else if (t->drag == DRAG_SELECT && fabs(dx) >= 3) {
		int64_t a = time_at(t, t->drag_x), b = time_at(t, t->drag_x + dx);

		ivt_timeline_select(t, a < b ? a : b, a < b ? b : a);
	}
	(void)dy;
}

static void on_drag_end(GtkGestureDrag *g, double dx, double dy, IvtTimeline *t)
{
	(void)g;
	(void)dx;
	(void)dy;
	t->drag = DRAG_NONE;
	gtk_widget_queue_draw(GTK_WIDGET(t));
}

/* ---- widget -------------------------------------------------------------------------- */

static void size_allocate(GtkWidget *w, GtkAllocation *allocation)
{
	GTK_WIDGET_CLASS(ivt_timeline_parent_class)->size_allocate(w, allocation);
	drop_layout(IVT_TIMELINE(w));
}

static void on_scale_factor(GObject *object, GParamSpec *spec, gpointer user)
{
	(void)spec;
	(void)user;
	drop_layout(IVT_TIMELINE(object));
}

static void finalize(GObject *object)
{
	IvtTimeline *t = IVT_TIMELINE(object);

	g_clear_object(&t->drag_left);
	g_clear_object(&t->drag_middle);
	g_clear_object(&t->press);
	g_clear_object(&t->scroll);
	g_clear_object(&t->motion);
	g_clear_pointer(&t->kept, cairo_surface_destroy);
	ivt_layout_deinit(&t->layout);
	G_OBJECT_CLASS(ivt_timeline_parent_class)->finalize(object);
}

static void ivt_timeline_class_init(IvtTimelineClass *class)
{
	G_OBJECT_CLASS(class)->finalize = finalize;
	GTK_WIDGET_CLASS(class)->draw = draw;
	GTK_WIDGET_CLASS(class)->size_allocate = size_allocate;
	signals[SIGNAL_HOVER] = g_signal_new("hover", IVT_TYPE_TIMELINE, G_SIGNAL_RUN_LAST, 0, NULL,
					     NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
	signals[SIGNAL_VIEW_CHANGED] = g_signal_new("view-changed", IVT_TYPE_TIMELINE,
						    G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
						    G_TYPE_NONE, 0);
}

static GtkGesture *add_drag(IvtTimeline *t, guint button)
{
	GtkGesture *drag = gtk_gesture_drag_new(GTK_WIDGET(t));

	gtk_gesture_single_set_button(GTK_GESTURE_SINGLE(drag), button);
	g_signal_connect(drag, "drag-begin", G_CALLBACK(on_drag_begin), t);
	g_signal_connect(drag, "drag-update", G_CALLBACK(on_drag_update), t);
	g_signal_connect(drag, "drag-end", G_CALLBACK(on_drag_end), t);
	return drag;
}

static void ivt_timeline_init(IvtTimeline *t)
{
	GtkWidget *w = GTK_WIDGET(t);
	AtkObject *name = gtk_widget_get_accessible(w);

	t->pointer_x = t->pointer_y = -1;
	t->finding = -1;
	t->style.scale = 1;
	gtk_widget_set_can_focus(w, TRUE);
	gtk_widget_add_events(w, GDK_POINTER_MOTION_MASK | GDK_SCROLL_MASK | GDK_LEAVE_NOTIFY_MASK |
					 GDK_BUTTON_PRESS_MASK | GDK_BUTTON_RELEASE_MASK);
	t->drag_left = add_drag(t, GDK_BUTTON_PRIMARY);
	t->drag_middle = add_drag(t, GDK_BUTTON_MIDDLE);
	t->press = gtk_gesture_multi_press_new(w);
	g_signal_connect(t->press, "pressed", G_CALLBACK(on_pressed), t);
	/* All of it, so that no scrolled window around reads px into our ns. */
	t->scroll = gtk_event_controller_scroll_new(w, GTK_EVENT_CONTROLLER_SCROLL_BOTH_AXES);
	g_signal_connect(t->scroll, "scroll", G_CALLBACK(on_scroll), t);
	t->motion = gtk_event_controller_motion_new(w);
	g_signal_connect(t->motion, "motion", G_CALLBACK(on_motion), t);
	g_signal_connect(t->motion, "leave", G_CALLBACK(on_leave), t);
	g_signal_connect(t, "notify::scale-factor", G_CALLBACK(on_scale_factor), NULL);
	if (name)
		atk_object_set_name(name, "Timeline");
}

GtkWidget *ivt_timeline_new(enum ivt_theme theme)
{
	IvtTimeline *t = g_object_new(IVT_TYPE_TIMELINE, NULL);

	t->style.theme = theme;
	return GTK_WIDGET(t);
}

void ivt_timeline_set_model(IvtTimeline *t, const struct ivt_model *model)
{
	t->model = model;
	t->finding = -1;
	t->style.scroll_px = 0;
	t->style.has_selection = false;
	if (model)
		ivt_view_init(&t->view, model->length_ns, 1);
	drop_layout(t);
	changed(t);
}

const struct ivt_view *ivt_timeline_view(const IvtTimeline *t)
{
	return t->model ? &t->view : NULL;
}

/* ---- what keys, menu and scripts call --------------------------------------------------- */

void ivt_timeline_show(IvtTimeline *t, int64_t t0_ns, int64_t span_ns)
{
	if (!have_layout(t))
		return;
	ivt_view_show(&t->view, t0_ns, span_ns);
	changed(t);
}

void ivt_timeline_zoom(IvtTimeline *t, int num, int den)
{
	int64_t at;

	if (!have_layout(t))
		return;
	at = t->view.t0_ns + t->view.span_ns / 2;
	if (t->pointer_x >= t->layout.label_px)
		at = time_at(t, t->pointer_x);
	ivt_view_zoom(&t->view, at, num, den);
	changed(t);
}

void ivt_timeline_pan(IvtTimeline *t, int percent)
{
	if (!have_layout(t))
		return;
	ivt_view_pan(&t->view, (int64_t)((__int128)t->view.span_ns * percent / 100));
	changed(t);
}

void ivt_timeline_rows(IvtTimeline *t, int delta_px)
{
	int max, scroll;

	if (!have_layout(t))
		return;
	max = ivt_layout_max_scroll(&t->layout);
	scroll = t->style.scroll_px + delta_px;
	scroll = scroll > max ? max : scroll < 0 ? 0 : scroll;
	if (scroll == t->style.scroll_px)
		return;
	t->style.scroll_px = scroll;
	changed(t);
}

void ivt_timeline_full(IvtTimeline *t)
{
	if (!have_layout(t))
		return;
	ivt_view_full(&t->view);
	changed(t);
}

void ivt_timeline_undo(IvtTimeline *t)
{
	if (have_layout(t) && ivt_view_undo(&t->view))
		changed(t);
}

void ivt_timeline_redo(IvtTimeline *t)
{
	if (have_layout(t) && ivt_view_redo(&t->view))
		changed(t);
}

void ivt_timeline_select(IvtTimeline *t, int64_t t0_ns, int64_t t1_ns)
{
	t->style.has_selection = t1_ns > t0_ns;
	t->style.selection_t0_ns = t0_ns;
	t->style.selection_t1_ns = t1_ns;
	gtk_widget_queue_draw(GTK_WIDGET(t));
	g_signal_emit(t, signals[SIGNAL_VIEW_CHANGED], 0);
}

void ivt_timeline_clear(IvtTimeline *t)
{
	ivt_timeline_select(t, 0, 0);
}

void ivt_timeline_zoom_selection(IvtTimeline *t)
{
	int64_t span = t->style.selection_t1_ns - t->style.selection_t0_ns;

	if (!t->style.has_selection)
		return;
	ivt_timeline_show(t, t->style.selection_t0_ns - span / 20, span + span / 10);
}

/* The box or interval of a row at @t_ns; false: none. */
static bool item_at(const IvtTimeline *t, const struct ivt_layout_row *at, int64_t t_ns,
		    int64_t slack_ns, int64_t *ret_t0_ns, int64_t *ret_t1_ns)
{
	const struct ivt_lane *lane = &t->model->lane[at->lane];
	const struct ivt_box *box = ivt_describe_box(lane, at->row, t_ns, slack_ns);
	size_t i;

	if (box) {
		*ret_t0_ns = box->t0_ns;
		*ret_t1_ns = box->t1_ns;
		return true;
	}
	if (lane->box_row || at->row >= lane->n_rows)
		return false;
	i = ivt_lane_index_at(&lane->row[at->row], t_ns);
	if (i == IVT_LANE_NO_EVENT)
		return false;
	*ret_t0_ns = lane->row[at->row].t[i];
	*ret_t1_ns = ivt_lane_index_until(&lane->row[at->row], i);
	return true;
}

void ivt_timeline_frame(IvtTimeline *t)
{
	int64_t t0, t1, span, at;
	int row;

	if (!have_layout(t) || t->pointer_x < t->layout.label_px)
		return;
	row = ivt_layout_row_at(&t->layout, &t->style, (int)t->pointer_y);
	at = time_at(t, t->pointer_x);
	if (row < 0 ||
	    !item_at(t, &t->layout.row[row], at, time_at(t, t->pointer_x + 1) - at, &t0, &t1))
		return;
	ivt_timeline_select(t, t0, t1);
	ivt_headline_around(t0, t1, FINDING_CONTEXT, &t0, &span);
	if (span == t->view.span_ns) /* the second time */
		ivt_timeline_zoom_selection(t);
	else
		ivt_timeline_show(t, t0, span);
}

void ivt_timeline_point(IvtTimeline *t, int x, int y)
{
	on_motion(NULL, x, y, t);
}

void ivt_timeline_finding(IvtTimeline *t, int step)
{
	const struct ivt_finding *f;
	int64_t t0, span;
	int n, next;

	if (!have_layout(t) || !t->model->n_findings)
		return;
	n = (int)t->model->n_findings;
	next = t->finding < 0 ? (step > 0 ? 0 : n - 1) : (t->finding + step + n) % n;
	t->finding = next;
	f = &t->model->finding[next];
	ivt_timeline_select(t, f->t0_ns, f->t1_ns);
	ivt_headline_around(f->t0_ns, f->t1_ns, FINDING_CONTEXT, &t0, &span);
	ivt_timeline_show(t, t0, span);
	g_signal_emit(t, signals[SIGNAL_HOVER], 0, f->text);
}

bool ivt_timeline_is_drawn(const IvtTimeline *t)
{
	return !t->model || t->kept;
}

const struct ivt_style *ivt_timeline_style(const IvtTimeline *t)
{
	return &t->style;
}

void ivt_timeline_set_theme(IvtTimeline *t, enum ivt_theme theme)
{
	t->style.theme = theme;
	drop_layout(t);
}
