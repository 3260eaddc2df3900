// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/ftrace_store.h"

#include <stdlib.h>
#include <string.h>

#include <ivring/events.h>
#include "trace/reader_state.h"

static bool entry_add(struct ivt_ftrace_formats *f, const struct ivt_event *ev)
{
	size_t n = f->n_entries, bytes;
	const char *text = ivt_payload_end(ev->desc, ev->payload, &bytes);
	struct ivt_ftrace_stored *grown;

	if (n >= IVT_FTRACE_MAX_FORMATS || bytes > IVT_FTRACE_MAX_FORMAT_BYTES - f->text_bytes)
		return false;
	if ((n & (n - 1)) == 0) {
		grown = realloc(f->entries, (n ? n * 2 : 1) * sizeof(*grown));
		if (!grown)
			return false;
		f->entries = grown;
	}
	f->entries[f->n_entries++] = (struct ivt_ftrace_stored){
		.id = (uint32_t)ivt_field_int(ev->desc, ev->payload, "id"),
		.order = (uint32_t)n,
		.host_ns = ev->host_ns,
		.raw = ev->raw,
		.since = (uint64_t)ivt_field_int(ev->desc, ev->payload, "since"),
		.text = text,
		.bytes = bytes,
	};
	f->text_bytes += bytes;
	return true;
}

static int entry_compare(const void *a, const void *b)
{
	const struct ivt_ftrace_stored *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	if (x->host_ns != y->host_ns)
		return x->host_ns < y->host_ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

struct ivt_ftrace_formats *ivt_ftrace_formats_collect(const struct ivt_machine_streams *streams)
{
	struct ivt_ftrace_formats *f = calloc(1, sizeof(*f));
	bool has_room = f != NULL;
	struct ivt_event ev;
	struct ivt_walk walk;

	for (size_t i = 0; i < streams->n_files && has_room; i++) {
		ivt_walk_init(&walk, &streams->files[i]);
		walk.is_partial = true; /* others seek by what whole walks leave */
		while (has_room && ivt_walk_next(&walk, &ev))
			if (ev.type == IVT_TYPE_ivtrace_format)
				has_room = entry_add(f, &ev);
	}
	if (f && f->n_entries > 1)
		qsort(f->entries, f->n_entries, sizeof(*f->entries), entry_compare);
	return f;
}

struct ivt_ftrace_formats *ivt_ftrace_formats_add(struct ivt_ftrace_formats *formats,
						  const struct ivt_event *ev)
{
	struct ivt_ftrace_formats *f = formats ? formats : calloc(1, sizeof(*f));
	struct ivt_ftrace_stored added;
	char *text;
	size_t i;

	if (!f || !entry_add(f, ev))
		return f;
	added = f->entries[f->n_entries - 1];
	text = malloc(added.bytes ? added.bytes : 1);
	if (!text) {
		f->n_entries--;
		return f;
	}
	memcpy(text, added.text, added.bytes);
	added.text = text;
	added.is_owned = true;
	for (i = f->n_entries - 1; i > 0 && entry_compare(&added, &f->entries[i - 1]) < 0; i--)
		f->entries[i] = f->entries[i - 1];
	f->entries[i] = added;
	return f;
}

void ivt_ftrace_formats_destroy(struct ivt_ftrace_formats *formats)
{
	if (!formats)
		return;
	for (size_t i = 0; i < formats->n_entries; i++) {
		free(formats->entries[i].format);
		if (formats->entries[i].is_owned)
			free((void *)(uintptr_t)formats->entries[i].text);
	}
	free(formats->entries);
	free(formats);
}
