// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "host-reader/commands.h"
#include "host-reader/host_trace.h"
#include "host-reader/options.h"
#include "ivring/region.h"
#include "tsc-sync/sources/kvm_feed.h"

static const char help[] =
	"Usage: ivtrace-host doctor\n"
	"\n"
	"Says what this host has and lacks for recording, a line each: \"ok\", \"missing\"\n"
	"(recording cannot work), or \"without\" (it can, with less in it).\n"
	"The status is 1 if something is missing.\n"
	"\n"
	"Example:\n"
	"  ivtrace-host doctor\n";

/* What the host should have, why, and what to do when it has not. */
struct check {
	const char *what;
	bool (*is_there)(void);
	bool is_needed;
	const char *why;
	const char *advice;
};

static bool is_root(void)
{
	return geteuid() == 0;
}

static bool has_btf(void)
{
	return !access("/sys/kernel/btf/vmlinux", R_OK);
}

/* The proof: load the programs, attach nothing. */
static bool can_load_bpf(void)
{
	struct host_trace *ht = NULL;
	struct event_set all;
	struct ivt_error err;
	char bad[8];

	if (parse_events("sched,irq,block,syscall", &all, bad, sizeof(bad)) ||
	    host_trace_open(&all, NULL, 0, &ht, &err))
		return false;
	host_trace_close(ht);
	return true;
}

static bool can_follow_kvm(void)
{
	struct kvm_feed *feed;

	bool can_begin;

	if (kvm_feed_open_bpf(&feed))
		return false;
	can_begin = !kvm_feed_begin(feed);
	kvm_feed_close(feed);
	return can_begin;
}

static bool has_tracefs(void)
{
	return !access("/sys/kernel/tracing/events/kvm/kvm_exit/id", R_OK) ||
	       !access("/sys/kernel/debug/tracing/events/kvm/kvm_exit/id", R_OK);
}

static bool has_debugfs(void)
{
	return !access("/sys/kernel/debug/kvm", R_OK);
}

static bool has_kvm(void)
{
	return !access("/dev/kvm", R_OK | W_OK);
}

static bool has_room(void)
{
	struct statvfs fs;

	return !statvfs("/dev/shm", &fs) &&
	       (uint64_t)fs.f_bavail * fs.f_frsize >= IVRING_REGION_DEFAULT_BYTES;
}

static bool can_read_memory(void)
{
	char scope = '0';
	FILE *f = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");

	if (f) {
		if (fread(&scope, 1, 1, f) != 1)
			scope = '0';
		fclose(f);
	}
	return scope != '3';
}

static const struct check checks[] = {
	{ "root", is_root, true, "reads all processes, loads eBPF programs", "run as root" },
	{ "room for a region (64 MiB in /dev/shm)", has_room, true,
	  "guests write their records there",
	  "free some, enlarge /dev/shm, or use --size or --vm NAME=shm:PATH" },
	{ "kernel type information (BTF)", has_btf, false, "host events need it",
	  "use a kernel with CONFIG_DEBUG_INFO_BTF, or record with --host none" },
	{ "eBPF programs can be loaded", can_load_bpf, false, "they record the host's events",
	  "run as root on a kernel >= 5.16 without lockdown, or record with --host none" },
	{ "KVM", has_kvm, false, "VMs are slow without it (TCG)",
	  "load kvm_intel or kvm_amd, enable it in the firmware" },
	{ "KVM's clocks can be followed by eBPF", can_follow_kvm, false,
	  "the clock offsets of KVM guests, each change",
	  "load kvm_intel or kvm_amd; without it they are looked at every 20 ms in debugfs" },
	{ "KVM's files in debugfs", has_debugfs, false, "the clock offsets of KVM guests",
	  "mount -t debugfs none /sys/kernel/debug; the folder appears with KVM" },
	{ "tracepoint kvm_exit in tracefs", has_tracefs, false, "shows why a guest was left",
	  "mount -t tracefs none /sys/kernel/tracing" },
	{ "memory of other processes can be read", can_read_memory, false,
	  "the clock offsets of TCG guests", "sysctl kernel.yama.ptrace_scope below 3" },
};

static int examine(void)
{
	bool is_bad = false;
	size_t i;

	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		const struct check *c = &checks[i];

		if (c->is_there()) {
			printf("ok       %s: %s\n", c->what, c->why);
			continue;
		}
		printf("%s  %s: %s: %s\n", c->is_needed ? "missing" : "without", c->what, c->why,
		       c->advice);
		is_bad = is_bad || c->is_needed;
	}
	return is_bad;
}

int cmd_doctor(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		fputs("(see ivtrace-host doctor --help)\n", stderr);
		return EXIT_USAGE;
	}
	if (optind < argc)
		return usage_error("doctor", "unexpected '%s'", argv[optind]);
	return examine();
}
