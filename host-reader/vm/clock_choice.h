/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which source tells the clock of a VM: --tsc, and what this host has.  One for
 * all VMs of a recording; what watches KVM is started with the first that needs
 * it.
 */
#ifndef HOST_CLOCK_CHOICE_H
#define HOST_CLOCK_CHOICE_H

#include <stdbool.h>
#include "host-reader/qemu/qemu.h"
#include "trace/error.h"
#include "tsc-sync/sources/kvm_feed.h"

enum tsc_choice {
	TSC_AUTO,
	TSC_BPF,
	TSC_STAP,
	TSC_DEBUGFS,
	TSC_TCG,
	TSC_HANDSHAKE, /* these alone: no source is opened */
};

struct clock_choice {
	enum tsc_choice wanted;
	const char *stap_script; /* the user's; NULL: the installed one */
	struct kvm_feed *feed;	 /* eBPF or SystemTap, when it runs */
	bool is_feed_tried;
	bool is_end_told;
	bool is_feed_blind; /* it sees nothing of a VM that runs */
	int feed_error;	    /* why it does not */
	uint64_t pulled_ns; /* last time that it was asked */
};

/* "auto", "bpf", ...: 0; -EINVAL: none of them. */
int clock_choice_parse(const char *text, enum tsc_choice *ret);

/* Start what the user asked for by name. 0, or -errno with *err. */
int clock_choice_start(struct clock_choice *cc, struct ivt_error *err);

/*
 * A source for the VM of process @q.  0, with a few words on it in @note: what
 * was chosen and why; -errno, with the reason there.
 */
int clock_choice_open(struct clock_choice *cc, const struct qemu *q, struct tsc_source **ret,
		      char *note, size_t note_bytes);

/* What watches KVM sees nothing of a VM whose guest writes records.  With auto:
 * true, once; from then on another source is chosen. */
bool clock_choice_give_up(struct clock_choice *cc, const struct tsc_source *source);

/* Take what the watchers have seen; may be called for each VM, and often. */
void clock_choice_pull(struct clock_choice *cc);

/* Watch no longer; what was seen can be polled. Says what was missed. */
void clock_choice_finish(struct clock_choice *cc);

void clock_choice_end(struct clock_choice *cc); /* after the sources; releases everything */

#endif /* HOST_CLOCK_CHOICE_H */
