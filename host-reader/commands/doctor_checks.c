// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "host-reader/base/options.h"
#include "host-reader/base/program_beside.h"
#include "host-reader/base/run_dir.h"
#include "host-reader/commands/doctor.h"
#include "host-reader/tracer/host_trace.h"
#include "ivring/region.h"
#include "tsc-sync/sources/kvm_feed.h"

#define LEAST_KERNEL  518 /* major * 100 + minor: eBPF as host_trace.c uses it */
#define LIMIT_KERNEL  511 /* from here on eBPF's memory is not of RLIMIT_MEMLOCK */
#define MEMLOCK_BYTES (256u << 20)

/* ---- what several look at ---------------------------------------------------------- */

static unsigned int kernel_version(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return 0;
	return major * 100 + minor;
}

/* The first line of @path without its newline; false: it cannot be read. */
static bool read_line(const char *path, char *ret, size_t bytes)
{
	FILE *f = fopen(path, "re");
	bool is_read = f && fgets(ret, (int)bytes, f);

	if (f)
		fclose(f);
	if (is_read)
		ret[strcspn(ret, "\n")] = '\0';
	return is_read;
}

/* Program @name by PATH, or where some distributions put QEMU. */
static bool find_program(const char *name, char *ret, size_t bytes)
{
	const char *path = getenv("PATH"), *dir;
	size_t n;

	for (dir = path ? path : "/usr/bin:/bin"; *dir; dir += n + (dir[n] == ':')) {
		n = strcspn(dir, ":");
		snprintf(ret, bytes, "%.*s/%s", (int)n, dir, name);
		if (n && !access(ret, X_OK))
			return true;
	}
	snprintf(ret, bytes, "/usr/libexec/%s", name);
	return !access(ret, X_OK);
}

/* ---- privileges, kernel -------------------------------------------------------------- */

static bool is_root(char *note, size_t bytes)
{
	snprintf(note, bytes, "user %u", (unsigned int)geteuid());
	return geteuid() == 0;
}

static bool is_kernel_new(char *note, size_t bytes)
{
	struct utsname name;

	if (!uname(&name))
		snprintf(note, bytes, "%.64s", name.release);
	return kernel_version() >= LEAST_KERNEL;
}

static bool has_seccomp(char *note, size_t bytes)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	(void)note;
	(void)bytes;
	return !syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
}

static bool has_btf(char *note, size_t bytes)
{
	(void)note;
	(void)bytes;
	return !access("/sys/kernel/btf/vmlinux", R_OK);
}

/* "none [integrity] confidentiality"; where there is no such file, there is none. */
static bool is_not_locked(char *note, size_t bytes)
{
	char text[128];

	if (!read_line("/sys/kernel/security/lockdown", text, sizeof(text)))
		return true;
	snprintf(note, bytes, "%.64s", text);
	return !strstr(text, "[confidentiality]");
}

static bool has_memlock(char *note, size_t bytes)
{
	struct rlimit limit;

	if (kernel_version() >= LIMIT_KERNEL || getrlimit(RLIMIT_MEMLOCK, &limit))
		return true;
	snprintf(note, bytes, "%llu KiB", (unsigned long long)limit.rlim_cur >> 10);
	return limit.rlim_cur >= MEMLOCK_BYTES;
}

/* The proof: load the programs, attach nothing. */
static bool can_load_bpf(char *note, size_t bytes)
{
	struct ivt_error err = { "" };
	struct host_trace *ht = NULL;
	struct event_set all;
	char bad[8];

	if (parse_events("sched,irq,block,syscall", &all, bad, sizeof(bad)))
		return false;
	if (host_trace_open(&all, NULL, 0, &ht, &err)) {
		snprintf(note, bytes, "%.150s", err.msg);
		return false;
	}
	host_trace_close(ht);
	return true;
}

static bool has_tracefs(char *note, size_t bytes)
{
	(void)note;
	(void)bytes;
	return !access("/sys/kernel/tracing/events/kvm/kvm_exit/id", R_OK) ||
	       !access("/sys/kernel/debug/tracing/events/kvm/kvm_exit/id", R_OK);
}

/* ---- memory for regions ---------------------------------------------------------------- */

static bool has_shm(char *note, size_t bytes)
{
	struct statfs fs;
	struct stat st;

	if (statfs("/dev/shm", &fs) || stat("/dev/shm", &st)) {
		snprintf(note, bytes, "%s", strerror(errno));
		return false;
	}
	snprintf(note, bytes, "mode %o", (unsigned int)(st.st_mode & 07777));
	/* Who may remove others' files could put his own there. */
	return (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC) &&
	       (!(st.st_mode & S_IWOTH) || st.st_mode & S_ISVTX);
}

static bool has_room(char *note, size_t bytes)
{
	struct statvfs fs;
	uint64_t room;

	if (statvfs("/dev/shm", &fs))
		return false;
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	snprintf(note, bytes, "%" PRIu64 " MiB are free", room >> 20);
	return room >= IVRING_REGION_DEFAULT_BYTES;
}

static bool has_hugepages(char *note, size_t bytes)
{
	unsigned long total = 0, is_free = 0;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "re");

	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "HugePages_Total: %lu", &total);
		sscanf(line, "HugePages_Free: %lu", &is_free);
	}
	if (f)
		fclose(f);
	snprintf(note, bytes, "%lu, %lu free", total, is_free);
	return total > 0;
}

/* ---- VMs --------------------------------------------------------------------------------- */

static bool has_kvm(char *note, size_t bytes)
{
	if (!access("/dev/kvm", R_OK | W_OK))
		return true;
	snprintf(note, bytes, "/dev/kvm: %s", strerror(errno));
	return false;
}

static bool can_follow_kvm(char *note, size_t bytes)
{
	struct kvm_feed *feed;
	bool can_begin;
	int err = kvm_feed_open_bpf(&feed);

	if (err) {
		snprintf(note, bytes, "%s",
			 err == -ENOENT ? "KVM's tracepoints are not there" : strerror(-err));
		return false;
	}
	can_begin = !kvm_feed_begin(feed);
	kvm_feed_close(feed);
	return can_begin;
}

static bool has_debugfs(char *note, size_t bytes)
{
	if (!access("/sys/kernel/debug/kvm", R_OK | X_OK))
		return true;
	snprintf(note, bytes, "/sys/kernel/debug/kvm: %s", strerror(errno));
	return false;
}

static bool can_read_memory(char *note, size_t bytes)
{
	char scope[16];

	if (!read_line("/proc/sys/kernel/yama/ptrace_scope", scope, sizeof(scope)))
		return true;
	snprintf(note, bytes, "kernel.yama.ptrace_scope is %.4s", scope);
	return scope[0] != '3';
}

static bool find_qemu(char *ret, size_t bytes)
{
	return find_program("qemu-system-x86_64", ret, bytes) ||
	       find_program("qemu-kvm", ret, bytes);
}

static bool has_qemu(char *note, size_t bytes)
{
	char path[256], command[300];
	FILE *f;

	if (!find_qemu(path, sizeof(path)))
		return false;
	snprintf(command, sizeof(command), "'%s' --version 2>/dev/null", path);
	f = popen(command, "re");
	if (f && fgets(note, (int)bytes, f))
		note[strcspn(note, "\n")] = '\0';
	return f && !pclose(f);
}

/* Distributions leave devices out. */
static bool has_ivshmem(char *note, size_t bytes)
{
	char path[256], command[300], line[256];
	bool has_plain = false, has_doorbell = false;
	FILE *f;

	if (!find_qemu(path, sizeof(path)))
		return false;
	snprintf(command, sizeof(command), "'%s' -device help 2>/dev/null", path);
	f = popen(command, "re");
	while (f && fgets(line, sizeof(line), f)) {
		has_plain = has_plain || strstr(line, "\"ivshmem-plain\"");
		has_doorbell = has_doorbell || strstr(line, "\"ivshmem-doorbell\"");
	}
	if (f)
		pclose(f);
	if (has_plain != has_doorbell)
		snprintf(note, bytes, "only ivshmem-%s", has_plain ? "plain" : "doorbell");
	return has_plain && has_doorbell;
}

/* ---- other programs ------------------------------------------------------------------------ */

static bool has_run_dir(char *note, size_t bytes)
{
	const char *path = run_dir_path();
	struct stat st;

	if (stat(path, &st)) {
		snprintf(note, bytes, "%.100s: made when recording", path);
		return errno == ENOENT && geteuid() == 0;
	}
	snprintf(note, bytes, "%.100s: mode %o, of user %u", path,
		 (unsigned int)(st.st_mode & 07777), (unsigned int)st.st_uid);
	return S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022);
}

static bool has_report(char *note, size_t bytes)
{
	char path[512];

	(void)note;
	(void)bytes;
	return program_beside("ivtrace-report", path, sizeof(path)) && !access(path, X_OK);
}

static bool has_stap(char *note, size_t bytes)
{
	bool has_compiler = find_program("stap", note, bytes), has_runner;

	has_runner = find_program("staprun", note, bytes);
	if (has_runner && !has_compiler)
		snprintf(note, bytes, "staprun only: --stap and --stap-module take modules");
	if (!has_runner)
		note[0] = '\0';
	return has_runner;
}

static bool has_systemd(char *note, size_t bytes)
{
	(void)note;
	(void)bytes;
	return !access("/run/systemd/system", F_OK);
}

static const struct doctor_check checks[] = {
	{ "root", "root", is_root, true, "reads all processes, loads eBPF programs",
	  "run as root; --user gives that up once recording" },
	{ "kernel", "a kernel of 5.18 or later", is_kernel_new, false, "host events need it",
	  "use a newer kernel, or record with --host none" },
	{ "seccomp", "filters of system calls", has_seccomp, true,
	  "the recorder gives up what it does not need",
	  "use a kernel with CONFIG_SECCOMP_FILTER, or record with --no-confine" },
	{ "shm", "/dev/shm is memory, and others' files in it are safe", has_shm, true,
	  "VMs' regions are there",
	  "mount -t tmpfs -o mode=1777 none /dev/shm, or use --vm NAME=shm:PATH" },
	{ "room", "room for a region (64 MiB in /dev/shm)", has_room, true,
	  "guests write their records there",
	  "free some, enlarge /dev/shm, or use --size or --vm NAME=shm:PATH" },
	{ "hugepages", "huge pages", has_hugepages, false, "regions in them (--vm NAME=shm:PATH)",
	  "sysctl vm.nr_hugepages=64; mount -t hugetlbfs none /dev/hugepages" },
	{ "btf", "kernel type information (BTF)", has_btf, false, "host events need it",
	  "use a kernel with CONFIG_DEBUG_INFO_BTF, or record with --host none" },
	{ "lockdown", "no lockdown of confidentiality", is_not_locked, false,
	  "with it eBPF programs may read nothing of the kernel",
	  "boot with lockdown=integrity, or record with --host none" },
	{ "memlock", "locked memory for eBPF", has_memlock, false, "host events are buffered there",
	  "ulimit -l unlimited (from Linux 5.11 on there is no such limit)" },
	{ "bpf", "eBPF programs can be loaded", can_load_bpf, false,
	  "they record the host's events",
	  "run as root on a kernel >= 5.18 without lockdown, or record with --host none" },
	{ "kvm", "KVM", has_kvm, false, "VMs are slow without it (TCG)",
	  "load kvm_intel or kvm_amd, enable it in the firmware" },
	{ "kvm-clocks", "KVM's clocks can be followed by eBPF", can_follow_kvm, false,
	  "the clock offsets of KVM guests, each change",
	  "load kvm_intel or kvm_amd before recording; without it they are looked at every 20 ms "
	  "in debugfs" },
	{ "debugfs", "KVM's files in debugfs", has_debugfs, false,
	  "the clock offsets of KVM guests",
	  "mount -t debugfs none /sys/kernel/debug; the folder appears with KVM" },
	{ "tracefs", "tracepoint kvm_exit in tracefs", has_tracefs, false,
	  "shows why a guest was left", "mount -t tracefs none /sys/kernel/tracing" },
	{ "ptrace", "memory of other processes can be read", can_read_memory, false,
	  "the clock offsets of TCG guests", "sysctl kernel.yama.ptrace_scope below 3" },
	{ "qemu", "QEMU", has_qemu, false, "runs the VMs (they may be another host's)",
	  "apt-get install qemu-system-x86" },
	{ "ivshmem", "QEMU's devices ivshmem-plain and ivshmem-doorbell", has_ivshmem, false,
	  "a VM sees its region by one of them",
	  "use a QEMU that was built with ivshmem (some distributions leave it out)" },
	{ "run-dir", "a folder for the recorders' sockets", has_run_dir, false,
	  "status, add, remove and stop reach a recorder there",
	  "remove it, it is made anew (mode 0700); or set IVTRACE_RUN_DIR" },
	{ "report", "ivtrace-report beside this program", has_report, false,
	  "checks the clocks at the end", "install it into the same folder" },
	{ "systemtap", "SystemTap", has_stap, false, "--tsc stap, --stap",
	  "apt-get install systemtap" },
	{ "systemd", "systemd", has_systemd, false, "records as a service",
	  "start ivtrace-host record --resume by other means" },
};

const struct doctor_check *doctor_check_at(size_t i)
{
	return i < sizeof(checks) / sizeof(checks[0]) ? &checks[i] : NULL;
}
