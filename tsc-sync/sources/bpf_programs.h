/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of eBPF programs.  The kernel frees a program that was attached to a
 * tracepoint only after a grace period (0.3 s with Linux 6.18); until then it can
 * be seen, and the module that it traces (KVM) cannot be unloaded.
 */
#ifndef TSC_SYNC_BPF_PROGRAMS_H
#define TSC_SYNC_BPF_PROGRAMS_H

#include <stddef.h>
#include <stdint.h>

#define BPF_PROGRAMS_MAX 128

struct bpf_object;

struct bpf_programs {
	uint32_t ids[BPF_PROGRAMS_MAX]; /* the kernel's */
	size_t n;
};

/* Note the programs of @obj that are loaded, the first BPF_PROGRAMS_MAX of them. */
void bpf_programs_note(const struct bpf_object *obj, struct bpf_programs *ret);

/* Note the programs that this process holds, of whatever object: /proc/self tells. */
void bpf_programs_note_own(struct bpf_programs *ret);

/*
 * Wait until the kernel has freed them all, 10 s at most; their object and links
 * are destroyed before.  Without CAP_SYS_ADMIN nobody may ask for a program by its
 * id: then there is no wait.  Any thread; sleeps.
 */
void bpf_programs_await_end(const struct bpf_programs *programs);

#endif /* TSC_SYNC_BPF_PROGRAMS_H */
