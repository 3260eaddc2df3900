/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which processes map which files shared and writable: one look at /proc for all VMs
 * that wait for their process.  One thread.
 */
#ifndef HOST_MAPPERS_H
#define HOST_MAPPERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MAPPERS_WANTED 256 /* as many as there are VMs */

struct mapper;

/* All zeros: nothing is known yet. */
struct mappers {
	struct mapper *list;
	size_t n, capacity;
	uint64_t looked_ns, cost_ns; /* of the last look */
	struct {
		dev_t dev;
		ino_t ino;
	} wanted[MAPPERS_WANTED]; /* the last ones */
	size_t n_wanted;	  /* so far */
};

/* The next look is for the file @dev:@ino, too. */
void mappers_want(struct mappers *m, dev_t dev, ino_t ino);

/*
 * The process, other than this one, that maps the file @dev:@ino; one whose program is
 * called qemu is preferred.  What is known is used again for a moment, the longer the
 * dearer the look was: no more than a fiftieth of the time is spent here.  0; -ENOENT:
 * none, or it has come since the last look.
 */
int mappers_find(struct mappers *m, dev_t dev, ino_t ino, pid_t *ret_pid);

/* Free what is known. */
void mappers_deinit(struct mappers *m);

#endif /* HOST_MAPPERS_H */
