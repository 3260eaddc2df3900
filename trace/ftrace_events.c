// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A number (id) means what its last format says, in the order of the host's time:
 * the first one holds from the beginning, a later one from its own record on.
 * Between its "since" and its record an event can be of either.
 */
#include "trace/ftrace_events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ivring/events.h>
#include "trace/ftrace_store.h"
#include "trace/reader_state.h"

/* ---- looking up -------------------------------------------------------------------- */

/* The first entry of @id that is later than @host_ns, or the place where it would be. */
static size_t entry_after(const struct ivt_ftrace_formats *f, uint32_t id, uint64_t host_ns)
{
	size_t lo = 0, hi = f->n_entries;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct ivt_ftrace_stored *e = &f->entries[mid];

		if (e->id < id || (e->id == id && e->host_ns <= host_ns))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct ivt_ftrace_stored *entry_find(struct ivt_ftrace_formats *f, uint32_t id,
					    const struct ivt_event *ev,
					    enum ivt_ftrace_why *ret_why)
{
	size_t i = entry_after(f, id, ev->host_ns);
	struct ivt_ftrace_stored *before = i > 0 && f->entries[i - 1].id == id ? &f->entries[i - 1]
									       : NULL;
	struct ivt_ftrace_stored *after =
		i < f->n_entries && f->entries[i].id == id ? &f->entries[i] : NULL;

	*ret_why = IVT_FTRACE_NO_FORMAT;
	if (!after)
		return before;
	if (after->since == 0)
		return before ? before : after;
	/* past its own record's stamp: the guest's clock was set back in between */
	if (ev->raw < after->since)
		return before;
	*ret_why = IVT_FTRACE_CHANGED;
	return NULL;
}

static const struct ivt_ftrace_format *entry_format(struct ivt_ftrace_stored *e)
{
	if (!e->format && !e->is_bad)
		e->is_bad = ivt_ftrace_format_parse(e->text, e->bytes, &e->format) != 0;
	return e->format;
}

bool ivt_ftrace_event(struct ivt_trace *t, const struct ivt_event *ev, struct ivt_ftrace_event *ret)
{
	struct ivt_machine_streams *streams = &t->machines[ev->machine];
	struct ivt_ftrace_event found = { .why = IVT_FTRACE_BAD };
	struct ivt_ftrace_stored *e = NULL;
	uint16_t id;

	if (ev->type != IVT_TYPE_ivtrace_ftrace)
		return false;
	found.entry = ivt_payload_end(ev->desc, ev->payload, &found.bytes);
	if (found.bytes >= sizeof(id)) {
		memcpy(&id, found.entry, sizeof(id));
		found.id = id;
		found.why = IVT_FTRACE_NO_FORMAT;
		if (!streams->ftrace)
			streams->ftrace = ivt_ftrace_formats_collect(streams);
		if (streams->ftrace)
			e = entry_find(streams->ftrace, id, ev, &found.why);
	}
	if (e) {
		found.format = entry_format(e);
		found.why = found.format ? IVT_FTRACE_KNOWN : IVT_FTRACE_BAD;
	}
	*ret = found;
	return true;
}

/* ---- printing -------------------------------------------------------------------------- */

const char *ivt_ftrace_why_text(enum ivt_ftrace_why why)
{
	static const char *const texts[] = { "", "no format", "format changed", "not understood" };

	return texts[why];
}

size_t ivt_ftrace_event_print(const struct ivt_ftrace_event *event, char *ret, size_t ret_bytes)
{
	const unsigned char *bytes = event->entry;
	size_t n;

	if (event->format)
		return ivt_ftrace_print(event->format, event->entry, event->bytes, ret, ret_bytes);
	if (ret_bytes == 0)
		return 0;
	n = (size_t)snprintf(ret, ret_bytes, "id=%" PRIu32 " (%s) entry=", event->id,
			     ivt_ftrace_why_text(event->why));
	for (size_t i = 0; i < event->bytes && n + 2 < ret_bytes; i++, n += 2)
		snprintf(ret + n, 3, "%02x", bytes[i]);
	return n < ret_bytes ? n : ret_bytes - 1;
}
