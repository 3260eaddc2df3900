/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One VM of a recording: its region, drained; its epochs; its process and its
 * clock.
 */
#ifndef HOST_VM_H
#define HOST_VM_H

#include "host-reader/base/fairness.h"
#include "host-reader/base/options.h"
#include "host-reader/base/sink.h"
#include "host-reader/qemu/mappers.h"
#include "host-reader/qemu/qemu.h"
#include "host-reader/region/region_note.h"
#include "host-reader/tracer/host_trace.h"
#include "host-reader/vm/clock_choice.h"
#include "host-reader/vm/doorbell.h"
#include "host-reader/vm/measure.h"
#include "ivring/region.h"
#include "tsc-sync/sources/tsc_source.h"

/* A ring of the region and what the recording knows of it. */
struct channel {
	struct ivring_reader reader;
	uint64_t base_full; /* the guest's counters at the start of the epoch */
	uint64_t base_nested;
	uint64_t base_big;
	uint64_t n_given_up;	  /* records that were there at the end, and no room for them */
	uint64_t n_salvaged;	  /* records that were not published when the guest died */
	uint64_t n_uncommitted;	  /* half-written then: lost */
	uint64_t n_over_quota;	  /* records that were there when the VM's disk quota was used up */
	uint64_t base_violations; /* the reader's, at the start of the chunk */
	uint64_t resume_pos;	  /* salvaged up to here, should it go on; 0: nothing was */
	uint64_t taken_ns;	  /* last time that something was taken */
	bool has_stream;
	bool is_stopped;  /* nonsense too often */
	bool is_arriving; /* what it published so far was written on the other side */
};

/* The clock of one vCPU. */
struct vm_clock {
	bool is_known;
	struct tsc_sync_entry last;
	bool is_published;
	struct tsc_sync_entry published; /* the last one that went into the trace */
	/* Not in the trace yet: they may be the next boot's. Oldest first. */
	struct tsc_sync_entry *held;
	size_t n_held, held_capacity;
};

struct vm {
	struct vm_spec spec;
	struct vm *next_leaving; /* of those that were removed from the recording */
	uint64_t retired_ns;	 /* it will be removed: asked to publish then; 0: not */
	struct sink *sink;
	struct vm_journal *journal; /* NULL: none */
	bool has_no_journal;	    /* as none could be made; told */
	struct region_note note;
	const struct event_set *events; /* asked of the guest; the recording's */
	struct ivring_region region;
	struct doorbell *doorbell; /* NULL: the region is a file */
	struct channel *channels;  /* region.sb.nr_channels */
	bool is_broken;		   /* the region went away */

	/* the guest's life */
	uint32_t machine;
	uint32_t epoch;
	uint64_t guest_epoch;	 /* as the guest says; 0: it has not come yet */
	uint64_t epoch_began_ns; /* host ns */
	bool has_guest;		 /* the machine's guest facts are filled in */
	bool is_watched;	 /* the guest's page was looked at before */
	bool is_awaited;	 /* a new epoch was acknowledged, not READY yet */
	bool is_pending;	 /* a new epoch, not looked at yet: leave its rings alone */
	bool is_finished;	 /* the old one is done with; the new one has no machine yet */
	bool is_spent;		 /* and gets none in this trace: */
	uint64_t spent_epoch;	 /* as the guest says */
	uint64_t n_missed;	 /* boots that never had a machine */
	unsigned char *copy;	/* of what the next boot may clear at any time; NULL: nothing may */
	uint64_t cleared_bytes; /* that it cleared before they were taken, of the present boot */
	bool is_over;		/* its process ended: what comes is another epoch's */
	bool is_left;		/* its process is younger than the boot: it runs the next one */
	bool is_salvaged;	/* what it had not published when it died was taken */
	bool has_panicked;	/* it said so */
	bool is_arriving;	/* it migrates hither and does not run here yet */
	bool has_arrived;	/* it does, from then on: */
	uint64_t arrived_tsc;	/* guest TSC */
	bool was_unwatched;	/* nobody recorded for a while as it came */

	/* its flight recorder; NULL: its rings are drained */
	struct flight *flight;
	uint64_t flight_ended_epoch; /* guest_epoch whose end was seen */
	uint64_t flight_end_ns;	     /* of the last end that made a snapshot */
	uint64_t flight_renew_ns;    /* since then the next boot waits; 0: none does */

	/* is it at work, and has it stopped when it was asked to? */
	uint64_t beat; /* the guest's word */
	bool is_beating;
	bool is_forbidden;     /* by the guest's owner */
	uint32_t n_owner_told; /* how often that was told */
	uint32_t n_beats;      /* since it was asked */
	uint32_t n_still;      /* of them without a new record */
	uint64_t n_events;

	/* its process and clock */
	struct qemu qemu;
	uint64_t looked_ns;		     /* last look for the process */
	uint64_t maps_read_ns, maps_cost_ns; /* into what the one that connected maps */
	uint32_t n_threads;		     /* that it had then */
	uint64_t threads_changed_ns;
	uint64_t vcpus_read_ns;
	uint64_t clock_opened_ns;
	uint64_t polled_ns;	     /* last look at the clock */
	struct clock_choice *clocks; /* the recording's */
	struct mappers *mappers;     /* the recording's */
	struct tsc_source *tsc;
	bool has_clock;		/* which has told something: */
	struct vm_clock *clock; /* region.sb.nr_channels */
	bool is_clock_proven;
	bool is_clock_told;
	bool has_handshake;		 /* with the present machine, in the trace */
	struct tsc_sync_entry handshake; /* the last one, then */
	unsigned int n_disproved;
	uint64_t recent_tsc;	  /* a stamp that the guest wrote lately; 0: none */
	uint64_t recent_host_tsc; /* when it was taken */
	uint64_t newest_tsc;	  /* the largest of them in this epoch */
	uint64_t newest_host_tsc;
	/* While no source tells: guest TSC - host TSC when its records arrived, the
	 * largest, hence the nearest to the offset. */
	int64_t arrival_tsc;
	uint64_t arrival_host_tsc; /* of the first; 0: none yet */
	uint64_t arrival_ns;
	uint64_t arrival_error_ns; /* of arrival_tsc, at most */

	/* what it may use */
	struct share share;	 /* of the recorder's time */
	int64_t turn_left_bytes; /* of the present turn */
	uint32_t first_cpu;	 /* whose ring comes first in the next turn */
	uint64_t quota_bytes;	 /* on the disk; 0: any */
	uint64_t kept_bytes;	 /* of it in older chunks */
	uint64_t chunk_bytes;	 /* in the present one */
	bool is_quota_told;

	/* for people */
	uint64_t n_bytes;
	struct vm_measure measure;
	bool is_violation_told;
};

/* ---- vm.c: region, begin and end ---- */

/* Make, format or attach to the region, and lock it.  @size, @cpus: 0 where the
 * user said nothing. */
int vm_attach(struct vm *vm, const struct vm_spec *spec, uint64_t size_bytes, uint32_t cpus,
	      struct ivt_error *err);
/* Add the machine and ask the guest for @events from now on. */
int vm_begin(struct vm *vm, struct sink *sink, const struct event_set *events,
	     struct ivt_error *err);
/* Ask the guest for its events, as a recording that begins. */
void vm_ask_events(struct vm *vm);
/* Ask the guest to stop and to publish what it has. */
void vm_ask_flush(struct vm *vm);
/* Is anything of that still to come? */
bool vm_has_unread(struct vm *vm);
/* Was a sub-buffer completed that vm_drain() did not see? */
bool vm_has_completed(struct vm *vm);
/* Records that the guest says it wrote, all channels. */
uint64_t vm_count_events(const struct vm *vm);
/* Loss counters into the machine's streams; returns records lost in all. */
uint64_t vm_account(struct vm *vm);
void vm_end(struct vm *vm); /* no reader from here on; releases everything */

/* ---- vm_resume.c ---- */

/* Go on with @vm where a recorder that was killed left it, in the trace that its sink
 * writes.  0; 1: that one did not record it; -errno with *err: it cannot be gone on
 * with, nothing was told to the guest. */
int vm_resume(struct vm *vm, struct ivt_error *err);
/* The directory of the chunk before that of @w: open, its path in @ret; or -ENOENT. */
int vm_open_chunk_before(struct ivt_trace_writer *w, char *ret, size_t ret_bytes);

/* ---- vm_drain.c ---- */

/* Notice that the region's file was cut: touching what is gone would be fatal. */
void vm_check_region(struct vm *vm);
/* Take what is waiting; @is_last: also what would wait for more.  Returns the
 * fullest ring in permille of its size; 1000 where one holds more than a turn takes. */
unsigned int vm_drain(struct vm *vm, bool is_last);
/* One packet of whole records into the stream of @cpu.  @flags: IVT_PACKET_*.
 * Returns as sink_append(); -EDQUOT: its disk quota is used up. */
int vm_append(struct vm *vm, uint32_t cpu, const struct iovec *iov, int n_iov, uint32_t flags);
/* What the guest published and nobody could take counts as lost.  Returns bytes. */
uint64_t vm_give_up_unread(struct vm *vm);
/* Start a channel at position @from, or at the guest's present head where @from is
 * not within a ring's size before it; with its present counters as base. */
void vm_start_channel(struct vm *vm, uint32_t cpu, uint64_t from);

/* Have a stream for the ring of @cpu; returns as sink_open_stream(). */
int vm_open_stream(struct vm *vm, uint32_t cpu);

/* ---- vm_chunk.c ---- */

/* The trace's writer and the VM's machine are the next chunk's; what was accounted by
 * vm_account() stays with the chunk before. */
void vm_begin_chunk(struct vm *vm);
/* The chunk is one whose recorder was killed. */
void vm_resume_chunk(struct vm *vm);
/* Would the VM have more than its disk quota with @more_bytes? */
bool vm_is_over_quota(const struct vm *vm, uint64_t more_bytes);
/* The VM's bytes in older chunks, as they lie on the disk. */
void vm_set_kept_bytes(struct vm *vm, uint64_t bytes);
/* Once per spell: its quota is used up. */
void vm_tell_quota(struct vm *vm);

/* ---- vm_salvage.c ---- */

/* The guest's vCPUs cannot run any more: drain, then take what it committed and
 * had not published.  Does nothing where that was done for this death. */
void vm_salvage(struct vm *vm);
/* The largest stamp that vCPU @cpu can have written by now; all ones: not known. */
uint64_t vm_death_tsc(const struct vm *vm, uint32_t cpu);

/* ---- vm_epoch.c ---- */

/* Notice that the guest came, went or rebooted. */
void vm_watch_guest(struct vm *vm);
/* Say and write down that its next boot has cleared up to @bytes of its records that
 * nobody had taken; nothing where it is 0. */
void vm_tell_cleared(struct vm *vm, uint64_t bytes);

/* Its machine of this epoch in the present trace; made unless a recorder that was
 * killed has made it. */
int vm_add_machine(struct vm *vm, uint32_t epoch, struct ivt_error *err);
/* Where the boot @epoch began to write in the ring of @cpu, of which all is there:
 * nobody has given anything back to it. */
uint64_t vm_boot_start(const struct vm *vm, uint32_t cpu, uint64_t epoch);
/* Take up a boot that came while nobody looked, as its successor's machine: from
 * position @from[i] of each channel on, with all its losses.  @from NULL: from the
 * present head on, as of a VM that is recorded for the first time.  Where the trace has
 * no place for it, it waits for one.  0; -errno. */
int vm_take_boot(struct vm *vm, uint64_t epoch, const uint64_t *from);
/* What comes next has a machine of its own: nothing of the boot before holds for it. */
void vm_forget_boot(struct vm *vm);

/* ---- vm_budget.c ---- */

/* Machines of the VM's name in the present trace. */
uint32_t vm_count_machines(const struct vm *vm);
/* May it have another one, which leaves the other VMs theirs? */
bool vm_may_add_machine(const struct vm *vm);
/* It may not: said; its boot @epoch waits for the next chunk. */
void vm_spend(struct vm *vm, uint64_t epoch);
/* Where it is spent: has another boot come, which @epoch and @state of its page say? */
void vm_watch_spent(struct vm *vm, uint64_t epoch, uint32_t state);
/* The recording of the VM ends: what it had no machine for is counted, and told. */
void vm_end_spent(struct vm *vm);

/* ---- vm_quiet.c ---- */

/* Now and then: does the guest's heart beat? */
void vm_watch_beat(struct vm *vm);
/* Asked again and again after vm_ask_flush(): has the guest stopped, and is all of it
 * taken?  True, too, of one that is not known to be at work. */
bool vm_is_quiet(struct vm *vm);

/* ---- vm_arrival.c ---- */

/* A guest has appeared in @state.  Does it come by migration?  Then it is
 * arriving, and nothing is to be drained. */
bool vm_arrival_begin(struct vm *vm, uint32_t state);
/* A new entry of its clock; @is_change: there was another for this vCPU. */
void vm_arrival_clock(struct vm *vm, const struct tsc_sync_entry *entry, bool is_change);
/* Once it runs here: from now on all is as with other guests. */
void vm_arrival_watch(struct vm *vm);
/* The guest of the epoch @epoch came, or began to come, while nobody recorded.  0; -errno. */
int vm_arrival_resume(struct vm *vm, uint64_t epoch);
/* Of such a one, now and then: does it run here by now, since when nobody can tell? */
void vm_arrival_look(struct vm *vm);
/* Pass over what was written on the other side, of what was fetched just now. */
void vm_arrival_pass(struct vm *vm, uint32_t cpu);
/* Position of the first record between @from, or what is left of it, and @r's head
 * that was written at guest TSC @tsc or later; the head where there is none. */
uint64_t vm_arrival_position(const struct ivring_reader *r, uint64_t from, uint64_t tsc);

/* ---- vm_process.c ---- */

/* Find the process, follow its clock; @ht may be NULL. */
void vm_watch_process(struct vm *vm, struct host_trace *ht);
/* Has the process ended?  Asked at once; for the end of a recording. */
void vm_check_process(struct vm *vm, struct host_trace *ht);
/* Of a VM that is gone on with: did its process end meanwhile, unknown to us? */
void vm_note_unseen_end(struct vm *vm);
/* The present machine gets the process. */
void vm_publish_machine(struct vm *vm);
/* The present machine gets the process and the clock entries known so far. */
void vm_publish_process(struct vm *vm);

/* ---- vm_clock.c ---- */

/* Does its process, as far as known, run the next boot, which has no machine yet? */
static inline bool vm_is_left_behind(const struct vm *vm)
{
	return vm->is_left && vm->has_guest;
}

/* A source for the process that was found; says which, or why there is none. */
void vm_open_clock(struct vm *vm);
/* The source's news into the trace, every 20 ms. */
void vm_watch_clock(struct vm *vm);
/* The present machine gets what is known of the clock. */
void vm_publish_clock(struct vm *vm);
/* The machine of the next chunk gets what is in force; what is held back stays so. */
void vm_republish_clock(struct vm *vm);
/* The process is gone, or the recording over. */
void vm_close_clock(struct vm *vm);

/* A record with the stamp @tsc was taken just now: it tells which clock is the guest's. */
void vm_note_recent(struct vm *vm, uint64_t tsc);
/* A stamp of the guest is here now, at most @error_ns after it was taken. */
void vm_note_arrival(struct vm *vm, uint64_t tsc, uint64_t error_ns);
/* At the end of an epoch or a process: records without a clock are placed by their
 * arrival. */
void vm_finish_clock(struct vm *vm);

#endif /* HOST_VM_H */
