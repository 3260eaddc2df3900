// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every other event of the kernel: what the guest's tracefs has enabled, in
 * whichever instance, comes here by ftrace's export as it stands in ftrace's own
 * buffer, and goes into the ring.  Its number (common_type) means something only
 * with the format that tracefs has for it, which is sent once.
 *
 * The number of an event that is gone (a kprobe, a module's) is given to the next:
 * while entries come, we look once a second whether dynamic events or modules
 * changed.  A format that replaces another says since when it may have been in
 * force: the entries from then until the new format's record can be of either.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/irq_work.h>
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/trace.h>
#include <linux/trace_events.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include "ivtrace.h"

#define IVTRACE_FTRACE_IDS  65536
#define IVTRACE_FTRACE_PATH 256
#define IVTRACE_LOOK_GAP    (HZ / 10) /* between two looks for numbers that are new */

static struct {
	bool is_on;
	bool is_leaving;
	bool is_blind; /* tracefs cannot be read */
	bool is_read;  /* this look: the ring has a reader that reads, */
	bool is_short; /* and had no room for all */
	u64 recording;
	struct irq_work ask;
	struct delayed_work look;
	unsigned long looked_at; /* jiffies */
	unsigned long next_look;
	u64 looked_tsc; /* when the last look began; 0: there was none */
	u32 dynamic;	/* hash of dynamic_events */
	u32 modules;	/* of modules_seen */
	atomic_t modules_seen;
	struct xarray known; /* number -> hash of the format sent; 0: it had none */
	DECLARE_BITMAP(asked, IVTRACE_FTRACE_IDS);
	DECLARE_BITMAP(pending, IVTRACE_FTRACE_IDS);
	DECLARE_BITMAP(searched, IVTRACE_FTRACE_IDS); /* pending when this look began */
} ivtrace_ftrace;

/* ---- entries: any context ------------------------------------------------------- */

static noinline void ivtrace_ftrace_ask(u16 id)
{
	if (!test_and_set_bit(id, ivtrace_ftrace.asked))
		set_bit(id, ivtrace_ftrace.pending);
	irq_work_queue(&ivtrace_ftrace.ask);
}
NOKPROBE_SYMBOL(ivtrace_ftrace_ask);

static void ivtrace_ftrace_write(struct trace_export *export, const void *data, unsigned int bytes)
{
	const struct trace_entry *entry = data;
	const struct ivt_ev_ivtrace_ftrace head = { .entry_length = bytes };

	if (static_branch_unlikely(&ivtrace_is_special) && !ivtrace_filter_passes(NULL, NULL))
		return;
	if (ivtrace_write_two(IVT_TYPE_ivtrace_ftrace, &head, sizeof(head), data, bytes) &&
	    static_branch_unlikely(&ivtrace_is_special))
		ivtrace_stack_follow(IVT_TYPE_ivtrace_ftrace);
	if (unlikely(!test_bit(entry->type, ivtrace_ftrace.asked) ||
		     time_after(jiffies, READ_ONCE(ivtrace_ftrace.next_look))))
		ivtrace_ftrace_ask(entry->type);
}
NOKPROBE_SYMBOL(ivtrace_ftrace_write);

static struct trace_export ivtrace_ftrace_export = {
	.write = ivtrace_ftrace_write,
	.flags = TRACE_EXPORT_EVENT | TRACE_EXPORT_MARKER,
};

/* Hardirq: an entry came whose number is new, or it is time to look. */
static void ivtrace_ftrace_asked(struct irq_work *work)
{
	unsigned long may_look = READ_ONCE(ivtrace_ftrace.looked_at) + IVTRACE_LOOK_GAP;
	unsigned long now = jiffies;

	WRITE_ONCE(ivtrace_ftrace.next_look, now + HZ);
	if (!READ_ONCE(ivtrace_ftrace.is_leaving) && !READ_ONCE(ivtrace_ftrace.is_blind))
		queue_delayed_work_on(ivtrace_ring_cpu(), system_long_wq, &ivtrace_ftrace.look,
				      time_before(now, may_look) ? may_look - now : 0);
}

/* ---- formats: process context --------------------------------------------------------- */

/* "print fmt" is the part that a decoder can do without. */
static size_t ivtrace_ftrace_fit(char *text, size_t bytes, size_t most)
{
	char *print = bytes > most ? strstr(text, "\nprint fmt:") : NULL;

	return print ? print + 1 - text : bytes;
}

/* False: the ring had no room. */
static bool ivtrace_ftrace_send(u32 id, u64 since, char *text)
{
	struct ivt_ev_ivtrace_format head = { .since = since, .id = id };
	u32 subbuf = READ_ONCE(raw_cpu_ptr(&ivtrace_cpus)->w.subbuf);
	size_t most = min_t(size_t, IVRING_REC_MAX_BYTES, subbuf - IVRING_SUBBUF_HDR_BYTES) -
		      IVRING_REC_HDR_BYTES - sizeof(head);

	if (ivtrace_ftrace.is_read)
		ivtrace_ftrace.is_read = ivtrace_ring_wait_room();
	head.text_length = ivtrace_ftrace_fit(text, strlen(text), most);
	return ivtrace_write_two(IVT_TYPE_ivtrace_format, &head, sizeof(head), text,
				 head.text_length) ||
	       head.text_length > most; /* never has, and is counted */
}

/* What the record says of "system:event"; to be freed with kvfree(); NULL: none. */
static char *ivtrace_ftrace_text(const char *name, u32 *ret_id)
{
	char path[IVTRACE_FTRACE_PATH], *format, *text = NULL, *at;
	const char *colon = strchr(name, ':');

	if (!colon || colon == name || strchr(name, '/') ||
	    snprintf(path, sizeof(path), "events/%.*s/%s/format", (int)(colon - name), name,
		     colon + 1) >= sizeof(path))
		return NULL;
	format = ivtrace_tracefs_read(path);
	if (IS_ERR(format))
		return NULL;
	at = strstr(format, "\nID: ");
	if (at && sscanf(at, "\nID: %u", ret_id) == 1 && *ret_id < IVTRACE_FTRACE_IDS) {
		size_t bytes = strlen("system: ") + strlen(name) + strlen(format) + 1;

		text = kvmalloc(bytes, GFP_KERNEL);
		if (text)
			snprintf(text, bytes, "system: %.*s\n%s", (int)(colon - name), name,
				 format);
	}
	kvfree(format);
	return text;
}

/* Send the format of "system:event" where it is not the one that was sent.  In a
 * search only of those that were asked for. */
static void ivtrace_ftrace_check(const char *name, bool is_search)
{
	char *text;
	void *known;
	u32 id, hash;

	text = ivtrace_ftrace_text(name, &id);
	if (!text)
		return;
	hash = jhash(text, strlen(text), 0) | 1;
	known = xa_load(&ivtrace_ftrace.known, id);
	if (known && xa_to_value(known) == hash) {
		clear_bit(id, ivtrace_ftrace.pending);
	} else if (known || !is_search || test_bit(id, ivtrace_ftrace.pending)) {
		if (ivtrace_ftrace_send(id, known ? ivtrace_ftrace.looked_tsc : 0, text)) {
			xa_store(&ivtrace_ftrace.known, id, xa_mk_value(hash), GFP_KERNEL);
			set_bit(id, ivtrace_ftrace.asked);
			clear_bit(id, ivtrace_ftrace.pending);
		} else { /* with the next look */
			set_bit(id, ivtrace_ftrace.pending);
			ivtrace_ftrace.is_short = true;
		}
	}
	kvfree(text);
}

/* Each line of the file @list is "system:event". */
static void ivtrace_ftrace_check_list(const char *list, bool is_search)
{
	char *text = ivtrace_tracefs_read(list), *rest = text, *name;

	if (IS_ERR(text)) {
		ivtrace_ftrace.is_blind = true;
		pr_warn("cannot read '%s' of tracefs: error %ld: ftrace's events are recorded "
			"without their names\n",
			list, PTR_ERR(text));
		return;
	}
	while ((name = strsep(&rest, "\n")) && !READ_ONCE(ivtrace_ftrace.is_leaving))
		ivtrace_ftrace_check(name, is_search);
	kvfree(text);
}

/* Did anything come or go that may have taken another's number? */
static bool ivtrace_ftrace_has_changed(void)
{
	char *text = ivtrace_tracefs_read("dynamic_events");
	u32 modules = atomic_read(&ivtrace_ftrace.modules_seen), dynamic = 0;
	bool ret;

	if (!IS_ERR(text)) { /* a kernel without dynamic events has no such file */
		dynamic = jhash(text, strlen(text), 0);
		kvfree(text);
	}
	ret = dynamic != ivtrace_ftrace.dynamic || modules != ivtrace_ftrace.modules;
	ivtrace_ftrace.dynamic = dynamic;
	ivtrace_ftrace.modules = modules;
	return ret;
}

/* Numbers that nobody has any more. */
static void ivtrace_ftrace_give_up(void)
{
	u32 id = find_first_bit(ivtrace_ftrace.searched, IVTRACE_FTRACE_IDS);

	while (id < IVTRACE_FTRACE_IDS) {
		if (test_and_clear_bit(id, ivtrace_ftrace.pending))
			xa_store(&ivtrace_ftrace.known, id, xa_mk_value(0), GFP_KERNEL);
		id = find_next_bit(ivtrace_ftrace.searched, IVTRACE_FTRACE_IDS, id + 1);
	}
}

static void ivtrace_ftrace_look(struct work_struct *work)
{
	/* Those that no list has, since they cannot be switched on. */
	static const char *const own[] = { "ftrace:print", "ftrace:raw_data" };
	bool is_first = !ivtrace_ftrace.looked_tsc, has_changed;
	u64 tsc = IVRING_CLOCK();
	size_t i;

	WRITE_ONCE(ivtrace_ftrace.looked_at, jiffies);
	ivtrace_ftrace.is_read = true;
	ivtrace_ftrace.is_short = false;
	bitmap_copy(ivtrace_ftrace.searched, ivtrace_ftrace.pending, IVTRACE_FTRACE_IDS);
	has_changed = ivtrace_ftrace_has_changed() && !is_first;
	if (is_first || !bitmap_empty(ivtrace_ftrace.searched, IVTRACE_FTRACE_IDS)) {
		ivtrace_ftrace_check_list("set_event", false);
		for (i = 0; i < ARRAY_SIZE(own); i++)
			ivtrace_ftrace_check(own[i], true);
	}
	if (has_changed || bitmap_intersects(ivtrace_ftrace.searched, ivtrace_ftrace.pending,
					     IVTRACE_FTRACE_IDS)) {
		ivtrace_ftrace_check_list("available_events", true);
		if (!ivtrace_ftrace.is_short)
			ivtrace_ftrace_give_up();
	}
	ivtrace_ftrace.looked_tsc = tsc;
}

/* ---- on and off: process context --------------------------------------------------------- */

static int ivtrace_ftrace_module(struct notifier_block *nb, unsigned long state, void *module)
{
	if (state == MODULE_STATE_COMING) {
		atomic_inc(&ivtrace_ftrace.modules_seen);
		WRITE_ONCE(ivtrace_ftrace.next_look, jiffies);
	}
	return NOTIFY_OK;
}

static struct notifier_block ivtrace_ftrace_modules = { .notifier_call = ivtrace_ftrace_module };

static void ivtrace_ftrace_forget(void)
{
	bitmap_zero(ivtrace_ftrace.asked, IVTRACE_FTRACE_IDS);
	bitmap_zero(ivtrace_ftrace.pending, IVTRACE_FTRACE_IDS);
	xa_destroy(&ivtrace_ftrace.known);
	ivtrace_ftrace.looked_tsc = 0;
}

static void ivtrace_ftrace_start(void)
{
	int ret = ivtrace_tracefs_open();

	xa_init(&ivtrace_ftrace.known);
	ivtrace_ftrace_forget();
	ivtrace_ftrace.is_leaving = false;
	ivtrace_ftrace.is_blind = ret;
	ivtrace_ftrace.looked_at = jiffies - IVTRACE_LOOK_GAP;
	ivtrace_ftrace.next_look = jiffies + HZ;
	init_irq_work(&ivtrace_ftrace.ask, ivtrace_ftrace_asked);
	INIT_DELAYED_WORK(&ivtrace_ftrace.look, ivtrace_ftrace_look);
	register_module_notifier(&ivtrace_ftrace_modules);
	if (ret)
		pr_warn("cannot read tracefs: error %d: ftrace's events are recorded without their "
			"names\n",
			ret);
	ret = register_ftrace_export(&ivtrace_ftrace_export);
	if (ret)
		pr_warn("cannot export ftrace's events: error %d: they are not recorded\n", ret);
	ivtrace_ftrace.is_on = true;
}

static void ivtrace_ftrace_stop(void)
{
	unregister_ftrace_export(&ivtrace_ftrace_export);
	tracepoint_synchronize_unregister(); /* no write() runs any more */
	unregister_module_notifier(&ivtrace_ftrace_modules);
	WRITE_ONCE(ivtrace_ftrace.is_leaving, true);
	irq_work_sync(&ivtrace_ftrace.ask);
	cancel_delayed_work_sync(&ivtrace_ftrace.look);
	xa_destroy(&ivtrace_ftrace.known);
	ivtrace_tracefs_close();
	ivtrace_ftrace.is_on = false;
}

void ivtrace_ftrace_apply(bool is_wanted, u64 recording)
{
	if (ivtrace_ftrace.is_on && (!is_wanted || recording != ivtrace_ftrace.recording))
		ivtrace_ftrace_stop();
	if (!is_wanted || ivtrace_ftrace.is_on)
		return;
	ivtrace_ftrace.recording = recording;
	ivtrace_ftrace_start();
	ivtrace_ftrace_asked(&ivtrace_ftrace.ask); /* what is enabled now */
}
