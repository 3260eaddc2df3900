// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints the points of a run that went wrong. */
#include <stdio.h>
#include "explorer.h"

#define NAME(base, s, f)                                                  \
	{                                                                 \
		(const unsigned char *)(base) + offsetof(struct s, f), #f \
	}

static const char *name_of(const void *addr)
{
	const struct {
		const unsigned char *at;
		const char *name;
	} names[] = {
		NAME(&world.w, ivring_writer, resv),
		NAME(&world.w, ivring_writer, pub),
		NAME(&world.w, ivring_writer, ctail),
		NAME(&world.w, ivring_writer, lost_full),
		NAME(&world.w, ivring_writer, lost_nested),
		NAME(&world.w, ivring_writer, lost_big),
		NAME(&world.w, ivring_writer, events),
		NAME(&world.w, ivring_writer, nest),
		NAME(&world.w, ivring_writer, switch_end),
		NAME(&world.w, ivring_writer, force),
		NAME(world.chan, ivring_chan, guest.w_head),
		NAME(world.chan, ivring_chan, guest.w_claim),
		NAME(world.line, ivring_reader_line, r_tail),
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].at == addr)
			return names[i].name;
	return "";
}

void trace_point(unsigned int at, bool is_reader, unsigned int level, enum access access,
		 const unsigned char *addr)
{
	static const char *const accesses[] = { "load", "store", "update" };

	fprintf(stderr, "%5u %s %u: ", at, is_reader ? "reader" : "level", level);
	if (!addr)
		fprintf(stderr, "-\n");
	else if (addr >= world.data && addr < world.data + DATA_BYTES)
		fprintf(stderr, "%s data + %u\n", accesses[access],
			(unsigned int)(addr - world.data));
	else
		fprintf(stderr, "%s %s\n", accesses[access], name_of(addr));
}
