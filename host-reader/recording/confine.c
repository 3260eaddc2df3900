// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Landlock would keep the files apart, too, but who is under it may not read
 * another process' memory, where a TCG guest's clock lies.
 */
#include "host-reader/recording/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Calls that nobody makes by mistake: the process ends at once. */
static const char deadly[] =
	"execve execveat ptrace process_vm_writev mount umount2 move_mount open_tree fsopen "
	"fsconfig fsmount fspick mount_setattr pivot_root chroot unshare setns init_module "
	"finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff iopl "
	"ioperm io_uring_setup userfaultfd add_key request_key keyctl acct quotactl setuid "
	"setreuid setresuid setgid setregid setresgid setgroups seccomp ";

/* Files, memory, sockets, clocks, threads: whatever their arguments. */
static const char harmless[] =
	/* descriptors */
	"read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek "
	"close close_range dup dup2 dup3 fcntl flock fsync fdatasync sync_file_range syncfs "
	"ftruncate fallocate fadvise64 readahead copy_file_range sendfile splice pipe pipe2 "
	/* names */
	"open openat openat2 creat mkdir mkdirat rename renameat renameat2 unlink unlinkat "
	"rmdir link linkat symlink symlinkat readlink readlinkat stat fstat lstat newfstatat "
	"statx statfs fstatfs access faccessat faccessat2 getdents64 getcwd chdir fchdir "
	"chmod fchmod fchmodat fchown fchownat utimensat umask truncate inotify_init1 "
	"inotify_add_watch inotify_rm_watch "
	/* memory */
	"munmap mremap madvise msync mincore brk mlock mlock2 munlock membarrier "
	"memfd_create "
	/* waiting */
	"poll ppoll select pselect6 epoll_create1 epoll_ctl epoll_wait epoll_pwait "
	"epoll_pwait2 eventfd2 timerfd_create timerfd_settime timerfd_gettime signalfd4 "
	/* sockets; socket() itself is looked at */
	"bind listen accept accept4 connect shutdown sendto recvfrom sendmsg recvmsg "
	"sendmmsg recvmmsg getsockopt setsockopt getsockname getpeername "
	/* threads */
	"futex futex_waitv set_robust_list get_robust_list rseq set_tid_address sched_yield "
	"sched_getaffinity sched_setaffinity sched_getparam sched_getscheduler "
	"sched_setscheduler sched_get_priority_min sched_get_priority_max getpriority "
	"setpriority ioprio_set getcpu exit exit_group "
	/* other processes: what they are, that they end */
	"wait4 waitid kill tkill tgkill pidfd_open pidfd_getfd pidfd_send_signal "
	"process_vm_readv "
	/* signals */
	"rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait "
	"rt_sigsuspend sigaltstack restart_syscall "
	/* who and when */
	"getpid gettid getppid getpgrp getpgid getsid getuid geteuid getgid getegid "
	"getresuid getresgid getgroups capget clock_gettime clock_getres clock_nanosleep "
	"nanosleep gettimeofday time times getitimer setitimer getrusage uname sysinfo "
	"getrandom prlimit64 getrlimit setrlimit ";

/* Of host_trace.c and the clocks' eBPF: no program or map is made. */
static const int bpf_commands[] = {
	BPF_MAP_LOOKUP_ELEM,  BPF_MAP_UPDATE_ELEM,    BPF_MAP_DELETE_ELEM,
	BPF_MAP_GET_NEXT_KEY, BPF_OBJ_GET_INFO_BY_FD, BPF_RAW_TRACEPOINT_OPEN,
	BPF_LINK_CREATE,      BPF_LINK_DETACH,	      BPF_PROG_GET_FD_BY_ID,
};

#define PERF_IOC_ENABLE	 0x2400 /* PERF_EVENT_IOC_ENABLE, _DISABLE */
#define PERF_IOC_DISABLE 0x2401

static const unsigned long ioctls[] = {
	FS_IOC_FIEMAP, BLKGETSIZE64, FICLONE,	      FICLONERANGE,	TCGETS,
	TIOCGWINSZ,    FIONREAD,     PERF_IOC_ENABLE, PERF_IOC_DISABLE,
};

static const int prctls[] = { PR_SET_NAME, PR_GET_NAME, PR_SET_TIMERSLACK, PR_GET_TIMERSLACK,
			      PR_SET_VMA };

/* ---- who we are ------------------------------------------------------------------ */

bool confine_knows_user(const char *name)
{
	return getpwnam(name) != NULL;
}

/* Back into force what changing the user took; not what goes past files' modes. */
static int raise_again(void)
{
	const cap_value_t past_modes[] = { CAP_DAC_OVERRIDE, CAP_FOWNER };
	cap_t caps = cap_get_proc();
	cap_flag_value_t is_set;
	cap_value_t cap;
	int err = 0;

	if (!caps)
		return -errno;
	cap_set_flag(caps, CAP_PERMITTED, 2, past_modes, CAP_CLEAR);
	for (cap = 0; !cap_get_flag(caps, cap, CAP_PERMITTED, &is_set); cap++)
		cap_set_flag(caps, CAP_EFFECTIVE, 1, &cap, is_set);
	if (cap_set_proc(caps))
		err = -errno;
	cap_free(caps);
	return err;
}

int confine_become_user(const char *name, struct ivt_error *err)
{
	const struct passwd *user = getpwnam(name);
	int code = 0;

	if (!user)
		return ivt_error_set(err, -ENOENT, "cannot become user '%s': no such user", name);
	if (prctl(PR_SET_KEEPCAPS, 1) || initgroups(name, user->pw_gid) ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid))
		code = -errno;
	if (!code)
		code = raise_again();
	if (!code)
		return 0;
	return ivt_error_set(err, code, "cannot become user '%s': %s%s", name, strerror(-code),
			     code == -EPERM ? " (only root can)" : "");
}

/* ---- capabilities ------------------------------------------------------------------ */

/* Linux before 5.19 asks for CAP_BPF in every call where unprivileged users have
 * none of them; later ones only where something is made. */
static bool needs_cap_bpf(void)
{
	union bpf_attr attr = { .map_fd = UINT32_MAX };

	return syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)) && errno == EPERM;
}

static void keep(cap_t wanted, cap_t had, cap_value_t cap)
{
	cap_flag_value_t is_set = CAP_CLEAR;

	cap_get_flag(had, cap, CAP_PERMITTED, &is_set);
	cap_set_flag(wanted, CAP_PERMITTED, 1, &cap, is_set);
	cap_set_flag(wanted, CAP_EFFECTIVE, 1, &cap, is_set);
}

/* What finding, reading and joining VMs of other users takes, also of VMs that come
 * later.  Root's own files, which are most, can be written without a capability;
 * past the modes of others' (their regions, a trace in a user's home) goes only who
 * has not become another user. */
static void keep_what_is_needed(cap_t wanted, cap_t had, bool sends_signals)
{
	keep(wanted, had, CAP_SYS_PTRACE);
	keep(wanted, had, CAP_DAC_READ_SEARCH);
	if (geteuid() == 0)
		keep(wanted, had, CAP_DAC_OVERRIDE);
	else if (sends_signals)
		keep(wanted, had, CAP_KILL);
}

static int drop_capabilities(bool sends_signals)
{
	cap_t had = cap_get_proc(), wanted = cap_init();
	int err = had && wanted ? 0 : -ENOMEM;

	if (!err) {
		/* Tried out while it can still be had back. */
		cap_set_flag(had, CAP_EFFECTIVE, 1, &(cap_value_t){ CAP_BPF }, CAP_CLEAR);
		cap_set_flag(had, CAP_EFFECTIVE, 1, &(cap_value_t){ CAP_SYS_ADMIN }, CAP_CLEAR);
		keep_what_is_needed(wanted, had, sends_signals);
		if (!cap_set_proc(had) && needs_cap_bpf())
			keep(wanted, had, CAP_BPF);
		err = cap_set_proc(wanted) ? -errno : 0;
	}
	cap_free(wanted);
	cap_free(had);
	return err;
}

/* ---- system calls ------------------------------------------------------------------ */

/* Names that this libseccomp does not know are of no call that is made here. */
static int add_names(scmp_filter_ctx ctx, uint32_t action, const char *names)
{
	char name[32];
	int err = 0, nr, n;

	for (; !err && sscanf(names, " %31s%n", name, &n) == 1; names += n) {
		nr = seccomp_syscall_resolve_name(name);
		if (nr >= 0)
			err = seccomp_rule_add(ctx, action, nr, 0);
	}
	return err;
}

/* Call @nr where its argument @arg is @value. */
static int allow_value(scmp_filter_ctx ctx, int nr, unsigned int arg, uint64_t value)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 1, SCMP_CMP64(arg, SCMP_CMP_EQ, value, 0));
}

/* Call @nr where in its argument @arg the bits of @mask are those of @value. */
static int allow_bits(scmp_filter_ctx ctx, int nr, unsigned int arg, uint64_t mask, uint64_t value)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 1,
				SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, mask, value));
}

static int allow_with_arguments(scmp_filter_ctx ctx)
{
	int err = allow_value(ctx, SCMP_SYS(socket), 0, AF_UNIX);
	size_t i;

	if (!err)
		err = allow_value(ctx, SCMP_SYS(socketpair), 0, AF_UNIX);
	/* No code but what is mapped by now. */
	if (!err)
		err = allow_bits(ctx, SCMP_SYS(mmap), 2, PROT_EXEC, 0);
	if (!err)
		err = allow_bits(ctx, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
	/* Threads, no processes. */
	if (!err)
		err = allow_bits(ctx, SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD);
	if (!err) /* hide_clone3() */
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone3), 0);
	for (i = 0; !err && i < sizeof(bpf_commands) / sizeof(bpf_commands[0]); i++)
		err = allow_value(ctx, SCMP_SYS(bpf), 0, (uint64_t)bpf_commands[i]);
	for (i = 0; !err && i < sizeof(ioctls) / sizeof(ioctls[0]); i++)
		err = allow_value(ctx, SCMP_SYS(ioctl), 1, ioctls[i]);
	for (i = 0; !err && i < sizeof(prctls) / sizeof(prctls[0]); i++)
		err = allow_value(ctx, SCMP_SYS(prctl), 0, (uint64_t)prctls[i]);
	return err;
}

/* Its flags cannot be looked at; where it is not there, libc asks by clone().  A
 * filter of its own, which is not logged: it is no fault. */
static int hide_clone3(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int err;

	if (!ctx)
		return -ENOMEM;
	err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (!err)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!err)
		err = seccomp_load(ctx);
	seccomp_release(ctx);
	return err;
}

/* What is in none of the lists fails with EPERM and is logged. */
static int filter_calls(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err;

	if (!ctx)
		return -ENOMEM;
	err = add_names(ctx, SCMP_ACT_ALLOW, harmless);
	if (!err)
		err = add_names(ctx, SCMP_ACT_KILL_PROCESS, deadly);
	if (!err)
		err = allow_with_arguments(ctx);
	if (!err)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
	if (!err)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!err)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!err)
		err = seccomp_load(ctx);
	seccomp_release(ctx);
	return err;
}

int confine_enter(bool sends_signals, struct ivt_error *err)
{
	int code = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;

	if (!code)
		code = drop_capabilities(sends_signals);
	if (!code)
		code = hide_clone3();
	if (!code)
		code = filter_calls();
	if (!code)
		return 0;
	return ivt_error_set(err, code,
			     "cannot confine the recorder: %s (a kernel with "
			     "CONFIG_SECCOMP_FILTER is needed; --no-confine records without)",
			     strerror(-code));
}
