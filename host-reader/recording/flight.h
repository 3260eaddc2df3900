/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flight recorder (record --mode flight): guests overwrite their rings, nobody
 * drains them, the host's events and the clock log are kept in memory; when something
 * happens, a snapshot of all that is written: NAME.0000.ivt, NAME.0001.ivt, ...
 * One thread, but for the writing.
 */
#ifndef HOST_FLIGHT_H
#define HOST_FLIGHT_H

#include "host-reader/recording/trigger.h"
#include "host-reader/vm/flight_calls.h"
#include "host-reader/vm/vm.h"

#define FLIGHT_MAX_QMP 255

struct flight_qmp {
	char vm[IVT_NAME_BYTES];
	char path[108];
};

struct flight_options {
	bool is_on;
	bool has_any; /* one of those below was given */
	uint64_t host_memory_bytes;
	struct trigger_set triggers;
	uint64_t after_ns;    /* from a trigger to the cut */
	uint64_t distance_ns; /* between two snapshots that triggers make */
	uint32_t limit;	      /* snapshots for VMs' and triggers' sake, each VM's share alike */
	struct flight_qmp qmp[FLIGHT_MAX_QMP];
	size_t n_qmp;
};

struct flight;
struct recording;

/* Before VMs are attached.  0; -errno with *err; *ret is to be destroyed in any case. */
int flight_start(struct recording *rec, const struct flight_options *opt, struct flight **ret,
		 struct ivt_error *err);
/* Its thread; before the VMs are begun.  0; -errno with *err. */
int flight_begin(struct flight *f, struct ivt_error *err);
/* What was begun is written; says what there is.  0; -EIO: a snapshot failed. */
int flight_finish(struct flight *f);
void flight_destroy(struct flight *f); /* NULL is allowed */

/* @vm was attached, and its region's rings are made overwriting ones.  0; -errno. */
int flight_adopt(struct flight *f, struct vm *vm, struct ivt_error *err);
/* In stream mode: its rings are not.  0; -errno. */
int flight_disown(struct vm *vm, struct ivt_error *err);
/* Is nothing of @vm read any more?  Ask again until then; then it may end. */
bool flight_lets_go(struct flight *f, struct vm *vm); /* @f NULL: true */

/* In each turn. */
void flight_turn(struct flight *f);

/*
 * Take a snapshot that somebody asks for: @reason in words, @vm: whose (NULL or "": no one's).  @is_alone:
 * of this VM's rings only.  @ret_path (PATH_MAX bytes) is where it will be.  0;
 * -EBUSY: too many are being written; -errno.
 */
int flight_snapshot(struct flight *f, const char *reason, const char *vm, bool is_alone,
		    char *ret_path, struct ivt_error *err);
/* 0: @path is written; -EINPROGRESS; -EIO: it failed; -ENOENT: no such snapshot. */
int flight_state_of(struct flight *f, const char *path);

#endif /* HOST_FLIGHT_H */
