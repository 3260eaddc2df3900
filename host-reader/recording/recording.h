/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording that runs: what its files (record.c, recording_*.c) share.  One
 * thread.
 */
#ifndef HOST_RECORDING_H
#define HOST_RECORDING_H

#include "host-reader/base/loop.h"
#include "host-reader/recording/control.h"
#include "host-reader/recording/flight.h"
#include "host-reader/recording/helper.h"
#include "host-reader/recording/record.h"
#include "host-reader/tracer/stap_script.h"
#include "host-reader/vm/handshake.h"
#include "host-reader/vm/measure.h"

#define RECORDING_MAX_VMS 255 /* and the host: IVT_MAX_MACHINES */

struct recording {
	const struct record_options *opt;
	struct loop *loop;
	struct helper *helper;
	struct control *control; /* NULL: nobody can ask */
	bool is_stopping;	 /* somebody told it so */
	struct measure measure;
	struct sink sink;
	struct chunks *chunks;	       /* the traces it writes */
	struct ivt_trace_writer *next; /* the next one's, being made; NULL: there is none */
	uint64_t chunk_began_ns;       /* of the present one */
	uint64_t rotate_after_ns;      /* host ns before which there is no next chunk */
	bool is_rotation_told;	       /* the user knows that the next one could not be begun */
	uint64_t chunks_polled_ns;     /* last look at what is done in the background */
	struct vm **vms;    /* RECORDING_MAX_VMS pointers; each stays where it is until it leaves */
	size_t n_vms;	    /* attached */
	struct vm *leaving; /* removed, but the handshakes' thread may look at them still */
	struct flight *flight;	   /* NULL: rings are drained */
	struct discover *discover; /* NULL: VMs are named */
	struct clock_choice clocks;
	struct mappers mappers;
	struct host_trace *ht;
	struct bpf_stats *bpf_stats;   /* NULL: none */
	struct stap_script *script;    /* NULL: none */
	struct handshakes *handshakes; /* NULL: none */
	pid_t child;		       /* the command; 0: none (any more) */
	int child_pidfd;	       /* its, while there is one; -1: not to be had */
	int child_status;	       /* -1: nobody knows it */
	bool is_helper_missed;	       /* the user knows that the helper is gone */
	size_t first_vm;	       /* that has the next turn first */
	unsigned int n_waiting;	       /* VMs that had something to be taken in the last turn */
	uint64_t turn_cpu_ns;	       /* CPU time of this thread when it was last read */
	uint64_t started_ns;
	uint64_t sleep_ns;
	uint64_t snapshot_ns; /* last time of each */
	uint64_t progress_ns;
	uint64_t checkpoint_ns;
};

/* ---- recording_vms.c ---- */

/* Attach to @spec's region; it is recorded from recording_begin_vm() on. */
int recording_attach_vm(struct recording *rec, const struct vm_spec *spec, struct ivt_error *err);
int recording_begin_vm(struct recording *rec, struct vm *vm, struct ivt_error *err);
/* Both, while the recording runs: what may come from a user is checked.  0; -EEXIST:
 * such a VM, or its region, is recorded already; -ENOSPC: too many; -errno. */
int recording_add_vm(struct recording *rec, const struct vm_spec *spec, struct ivt_error *err);
/* Take what @vm's guest published; from then on it is not recorded.  @vm is gone for
 * the caller. */
void recording_remove_vm(struct recording *rec, struct vm *vm);
/* The same once its guest had the time to publish what it has: it is asked to. */
void recording_retire_vm(struct recording *rec, struct vm *vm);
struct vm *recording_find_vm(struct recording *rec, const char *name); /* NULL: none */
/* Remove those whose time has come, free those that nobody looks at any more. */
void recording_let_go(struct recording *rec);
void recording_end_vms(struct recording *rec); /* after handshakes_stop() */

/* ---- recording_resume.c ---- */

/* Begin the trace, or, where that is asked for, go on in it. */
int recording_open_trace(struct recording *rec, struct ivt_error *err);
/* Go on with what the killed recorder recorded and nobody named this time. */
void recording_resume_vms(struct recording *rec);
/* It could not be gone on: leave trace and guests as they were, for the next try. */
void recording_abandon_trace(struct recording *rec);

/* ---- recording_loop.c ---- */

/* One turn over all rings; returns the fullest one's filling in permille. */
unsigned int recording_drain(struct recording *rec, bool is_last);
/* What is done now and then. */
void recording_keep_house(struct recording *rec);
/* Sleep, the shorter the fuller the rings were. */
void recording_sleep(struct recording *rec, unsigned int fill_permille);
int recording_snapshot_clocks(struct recording *rec, struct ivt_error *err);
void recording_take_handshakes(struct recording *rec);

/* ---- recording_doorbells.c ---- */

/* The loop may sleep @sleep_ns: have guests ring meanwhile, let in who waits.  Returns
 * for how long it may sleep; 0: there is something to be taken. */
uint64_t recording_arm_doorbells(struct recording *rec, uint64_t sleep_ns);
/* After it: did a guest ring for a reason? */
bool recording_disarm_doorbells(struct recording *rec);
/* The longest sleep, where guests are polled each @polling_ns. */
uint64_t recording_longest_sleep_ns(const struct recording *rec, uint64_t polling_ns);
void recording_keep_doorbells(struct recording *rec, uint64_t now_ns);
void recording_tell_doorbells(const struct recording *rec);

/* ---- recording_measure.c ---- */

/* What recorder and VMs cost and do, since the last look; @now: host ns. */
void recording_measure(struct recording *rec, uint64_t now);

#endif /* HOST_RECORDING_H */
