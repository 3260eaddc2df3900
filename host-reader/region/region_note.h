/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What recorders tell each other of a region's file, in the run-time folder: who
 * made it, and which recording is behind with it.  A recorder that ends removes its
 * note, and the region if it made it and no VM has it; one that is killed leaves
 * both for the next.
 */
#ifndef HOST_REGION_NOTE_H
#define HOST_REGION_NOTE_H

#include <ivring/region.h>
#include <stdbool.h>

/* An open note; fd -1: there is none (no folder, or memory without a name). */
struct region_note {
	int fd;
	bool is_made; /* by a recorder: also by one that died */
	char *trace;  /* of the recorder that died; NULL: none did */
};

/*
 * Take the note of @region, which is the file @path and locked by this process.
 * @is_made: this process made it.  That there can be none is no fault.
 */
void region_note_open(struct region_note *note, const struct ivring_region *region,
		      const char *path, bool is_made);
/* This process records it into the trace @trace. */
void region_note_write(const struct region_note *note, const char *path, const char *trace);
/* It does not any more.  A region that a recorder made and nobody maps is removed. */
void region_note_end(struct region_note *note, const struct ivring_region *region,
		     const char *path);
/* Let go of it as if killed. */
void region_note_close(struct region_note *note);

/* Remove what dead recorders left and nobody needs: notes of files that are gone,
 * regions that they made, that nobody maps or records, with nothing unread.  One with
 * something unread is told. */
void region_notes_clean(void);

/* Bytes in the rings that the recorder before did not take, which died; 0: it ended in
 * order, or there was none. */
uint64_t region_unread(const struct ivring_region *region);

#endif /* HOST_REGION_NOTE_H */
