// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts KVM's exits: the smallest proof that a host takes programs of the kind
 * that ivtrace-host loads. For scenario kvm-plain.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

unsigned long n_exits;

SEC("tp_btf/kvm_exit")
int count_exit(void *args)
{
	(void)args;
	__sync_fetch_and_add(&n_exits, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
