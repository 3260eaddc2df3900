// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "host-reader/base/message.h"
#include "host-reader/vm/clock_choice.h"

#define PULL_NS		 10000000u
#define STAP_PATIENCE_MS 120000 /* a compiler works first */
#define STAP_INSTALLED	 IVT_DATADIR "/kvm_exit.stp"

int clock_choice_parse(const char *text, enum tsc_choice *ret)
{
	static const char *const names[] = {
		[TSC_AUTO] = "auto",	   [TSC_BPF] = "bpf", [TSC_STAP] = "stap",
		[TSC_DEBUGFS] = "debugfs", [TSC_TCG] = "tcg", [TSC_HANDSHAKE] = "handshake",
	};
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], text)) {
			*ret = i;
			return 0;
		}
	return -EINVAL;
}

/* ---- what watches KVM ----------------------------------------------------------- */

static int open_feed(struct clock_choice *cc)
{
	if (cc->is_feed_tried)
		return cc->feed_error;
	cc->is_feed_tried = true;
	if (cc->wanted == TSC_STAP)
		cc->feed_error =
			kvm_feed_open_stap(cc->stap_script ? cc->stap_script : STAP_INSTALLED,
					   STAP_PATIENCE_MS, &cc->feed);
	else
		cc->feed_error = kvm_feed_open_bpf(&cc->feed);
	return cc->feed_error;
}

static const char *bpf_reason(int error)
{
	switch (error) {
	case -ENOENT:
		return "KVM's tracepoints are not in this kernel";
	case -ENOTSUP:
		return "the kernel has no type information in /sys/kernel/btf/vmlinux";
	case -EPERM:
		return "not allowed (run as root)";
	default:
		return strerror(-error);
	}
}

static const char *stap_reason(int error)
{
	switch (error) {
	case -ENOENT:
		return "no such file, or SystemTap is not installed (--stap-module FILE)";
	case -ETIMEDOUT:
		return "it did not begin within two minutes";
	case -ECHILD:
		return "SystemTap has given up";
	default:
		return strerror(-error);
	}
}

int clock_choice_start(struct clock_choice *cc, struct ivt_error *err)
{
	int ret;

	/* With auto it may be needed later, when it cannot be loaded any more. */
	if (cc->wanted == TSC_AUTO)
		open_feed(cc);
	if (cc->wanted != TSC_BPF && cc->wanted != TSC_STAP)
		return 0;
	ret = open_feed(cc);
	if (!ret)
		ret = kvm_feed_begin(cc->feed);
	if (!ret)
		return 0;
	if (cc->wanted == TSC_BPF)
		return ivt_error_set(err, ret,
				     "cannot watch KVM's clocks by eBPF: %s (--tsc auto takes "
				     "another source)",
				     bpf_reason(ret));
	return ivt_error_set(err, ret,
			     "cannot watch KVM's clocks by SystemTap with '%s': %s (--tsc auto "
			     "takes another source)",
			     cc->stap_script ? cc->stap_script : STAP_INSTALLED, stap_reason(ret));
}

void clock_choice_pull(struct clock_choice *cc)
{
	uint64_t now = now_ns();

	if (!cc->feed || now - cc->pulled_ns < PULL_NS)
		return;
	cc->pulled_ns = now;
	if (kvm_feed_pull(cc->feed) == -EPIPE && !cc->is_end_told) {
		message("WARNING: SystemTap has ended: clocks that change are not followed any "
			"more");
		cc->is_end_told = true;
	}
}

void clock_choice_finish(struct clock_choice *cc)
{
	uint64_t lost;

	if (!cc->feed)
		return;
	kvm_feed_finish(cc->feed);
	cc->is_end_told = true;
	lost = kvm_feed_lost(cc->feed);
	if (lost)
		message("WARNING: %" PRIu64 " changes of clocks came too fast (records near them "
			"may be misplaced)",
			lost);
}

void clock_choice_end(struct clock_choice *cc)
{
	kvm_feed_close(cc->feed);
	cc->feed = NULL;
}

bool clock_choice_give_up(struct clock_choice *cc, const struct tsc_source *source)
{
	if (cc->wanted != TSC_AUTO || !source->ops->tells_instant)
		return false;
	cc->is_feed_blind = true;
	return true;
}

/* ---- the source of one VM ---------------------------------------------------------- */

static int open_file_source(const struct tsc_source_ops *ops, const struct qemu *q,
			    struct tsc_source **ret, char *note, size_t note_bytes)
{
	int err = ops->open("", q->pid, ret);
	const char *why = strerror(-err);

	if (err == -ENOENT && ops == &tsc_source_debugfs)
		why = "KVM's files are not in /sys/kernel/debug (mount debugfs)";
	else if (err == -ENOENT)
		why = "the process has no symbol timers_state (no QEMU, or a stripped one)";
	if (err)
		snprintf(note, note_bytes, "%s", why);
	else
		snprintf(note, note_bytes, "%s", ops->what);
	return err;
}

static int open_feed_source(struct clock_choice *cc, const struct qemu *q, struct tsc_source **ret,
			    char *note, size_t note_bytes)
{
	int err = kvm_feed_source_open(cc->feed, q->pid, ret);

	snprintf(note, note_bytes, "%s", err ? strerror(-err) : (*ret)->ops->what);
	return err;
}

/* When the first VM wants it. */
static int begin_feed(struct clock_choice *cc)
{
	if (!open_feed(cc))
		cc->feed_error = kvm_feed_begin(cc->feed);
	return cc->feed_error;
}

/* For a VM under KVM: eBPF, which misses nothing; else the files. */
static int open_kvm(struct clock_choice *cc, const struct qemu *q, struct tsc_source **ret,
		    char *note, size_t note_bytes)
{
	char why[160];
	int err;

	if (!cc->is_feed_blind && !begin_feed(cc))
		return open_feed_source(cc, q, ret, note, note_bytes);
	err = open_file_source(&tsc_source_debugfs, q, ret, why, sizeof(why));
	snprintf(note, note_bytes, "%s; not by eBPF: %s", why,
		 cc->is_feed_blind ? "KVM reports no entries" : bpf_reason(cc->feed_error));
	return err;
}

int clock_choice_open(struct clock_choice *cc, const struct qemu *q, struct tsc_source **ret,
		      char *note, size_t note_bytes)
{
	bool is_kvm = !strcmp(q->accel, "kvm");

	switch (cc->wanted) {
	case TSC_DEBUGFS:
		return open_file_source(&tsc_source_debugfs, q, ret, note, note_bytes);
	case TSC_TCG:
		return open_file_source(&tsc_source_tcg, q, ret, note, note_bytes);
	case TSC_BPF:
	case TSC_STAP:
		if (q->accel[0] && !is_kvm) {
			snprintf(note, note_bytes, "it does not run under KVM (--tsc auto)");
			return -ENOENT;
		}
		return open_feed_source(cc, q, ret, note, note_bytes);
	default:
		if (is_kvm)
			return open_kvm(cc, q, ret, note, note_bytes);
		return open_file_source(&tsc_source_tcg, q, ret, note, note_bytes);
	}
}
