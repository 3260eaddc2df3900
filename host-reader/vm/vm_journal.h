/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far a VM's records are in the trace, told to the recorder that comes after
 * this one was killed.  Two hidden files in the trace's directory:
 *
 *	.recorder-NAME.state	   what changes with a boot; replaced as a whole
 *	.recorder-NAME.journal.N   by channel, what changes with a packet (journal.h)
 *
 * The state names its journal.  A new boot gets a new journal first, then the
 * state that names it: the rename is the moment from which on that boot counts.
 * Finalising the trace removes both.  A VM without a journal (a full disk) is
 * recorded all the same.
 */
#ifndef HOST_VM_JOURNAL_H
#define HOST_VM_JOURNAL_H

#include <ivring/journal.h>
#include "host-reader/base/options.h"

struct vm;
struct vm_journal;

#define VM_STATE_HAS_GUEST (1u << 0)
#define VM_STATE_AWAITED   (1u << 1)
#define VM_STATE_SALVAGED  (1u << 2)
#define VM_STATE_OVER	   (1u << 3)
#define VM_STATE_ARRIVING  (1u << 4)
#define VM_STATE_ARRIVED   (1u << 5) /* arrived_tsc says when */

/* Of a channel. */
struct vm_state_channel {
	uint64_t base_full; /* the guest's counters at the start of the boot's recording */
	uint64_t base_nested;
	uint64_t base_big;
	uint64_t n_given_up; /* as of struct channel */
	uint64_t n_over_quota;
	uint64_t n_uncommitted; /* half-written records that were counted as lost */
	uint64_t violations;
	uint64_t is_arriving; /* as of struct channel */
};

/* The state file. */
struct vm_state {
	uint64_t magic;
	uint32_t version;
	uint32_t crc32c; /* of all, with this as 0 */
	struct ivring_journal_id id;
	uint64_t qemu_starttime;
	int32_t qemu_pid;    /* -1: not known */
	uint32_t epoch;	     /* of the machine in the trace */
	int64_t arrival_tsc; /* as of struct vm */
	uint64_t arrival_host_tsc;
	uint64_t arrival_ns;
	uint64_t arrival_error_ns;
	uint64_t arrived_tsc;
	uint32_t generation; /* of the journal */
	uint32_t flags;	     /* VM_STATE_* */
	struct vm_spec spec;
	struct vm_state_channel channels[]; /* id.nr_channels */
};

/*
 * From here on: the present machine and boot of @vm, each channel as it stands, in
 * the trace that is written now.  What was journalled before is forgotten.  A
 * failure is told, and the VM has no journal until vm_journal_retry() makes one.
 */
void vm_journal_begin(struct vm *vm);
/* What is in the state has changed.  On a full disk it is written later. */
void vm_journal_save(struct vm *vm);
/* The same, but soon is soon enough. */
void vm_journal_note(struct vm *vm);
/* Write what could not be written before; now and then. */
void vm_journal_retry(struct vm *vm);
/* What the trace holds of @cpu counts, up to its reader's tail, which was not released
 * yet.  No system call. */
void vm_journal_commit(struct vm *vm, uint32_t cpu);
/* All that is counted so far counts: what vm_account() says of the machine is the same. */
void vm_journal_settle(struct vm *vm);
/* Let go of it; the files stay. */
void vm_journal_close(struct vm *vm);
/* The VM leaves a recording that goes on: nothing is to be resumed. */
void vm_journal_remove(struct vm *vm);

/*
 * Read the state of VM @name in the directory @dirfd.  0 with *ret, for free();
 * -ENOENT; -EILSEQ: damaged; -EPROTONOSUPPORT: another version's; -errno.
 */
int vm_state_read(int dirfd, const char *name, struct vm_state **ret);
/* The same for the directory's @i-th state file; -ENOENT: there are not so many. */
int vm_state_read_nth(int dirfd, size_t i, struct vm_state **ret);
/* Open the journal that @state names, in the trace's directory @dir, and go on with it.
 * 0; as ivring_journal_open(). */
int vm_journal_resume(struct vm *vm, const char *dir, const struct vm_state *state);
/* The journal as it was read; errors as ivring_journal_read(). */
int vm_journal_position(const struct vm *vm, uint32_t cpu, struct ivring_journal_pos *ret);

#endif /* HOST_VM_JOURNAL_H */
