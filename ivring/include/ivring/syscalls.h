/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * x86-64 system calls: IVT_SYSCALL<args>(number, name, argument names).
 * Made by scripts/gen-syscalls; do not edit.  A call that is not listed is
 * recorded as syscall_entry_unknown / syscall_exit_unknown.
 */
#ifndef IVRING_SYSCALLS_H
#define IVRING_SYSCALLS_H

#define IVT_SYSCALLS(S0, S1, S2, S3, S4, S5, S6)                                        \
	S3(0, read, fd, buf, count)                                                     \
	S3(1, write, fd, buf, count)                                                    \
	S3(2, open, filename, flags, mode)                                              \
	S1(3, close, fd)                                                                \
	S2(4, stat, filename, statbuf)                                                  \
	S2(5, fstat, fd, statbuf)                                                       \
	S2(6, lstat, filename, statbuf)                                                 \
	S3(7, poll, ufds, nfds, timeout_msecs)                                          \
	S3(8, lseek, fd, offset, whence)                                                \
	S6(9, mmap, addr, len, prot, flags, fd, off)                                    \
	S3(10, mprotect, start, len, prot)                                              \
	S2(11, munmap, addr, len)                                                       \
	S1(12, brk, brk)                                                                \
	S4(13, rt_sigaction, sig, act, oact, sigsetsize)                                \
	S4(14, rt_sigprocmask, how, nset, oset, sigsetsize)                             \
	S0(15, rt_sigreturn)                                                            \
	S3(16, ioctl, fd, cmd, arg)                                                     \
	S4(17, pread64, fd, buf, count, pos)                                            \
	S4(18, pwrite64, fd, buf, count, pos)                                           \
	S3(19, readv, fd, vec, vlen)                                                    \
	S3(20, writev, fd, vec, vlen)                                                   \
	S2(21, access, filename, mode)                                                  \
	S1(22, pipe, fildes)                                                            \
	S5(23, select, n, inp, outp, exp, tvp)                                          \
	S0(24, sched_yield)                                                             \
	S5(25, mremap, addr, old_len, new_len, flags, new_addr)                         \
	S3(26, msync, start, len, flags)                                                \
	S3(27, mincore, start, len, vec)                                                \
	S3(28, madvise, start, len_in, behavior)                                        \
	S3(29, shmget, key, size, shmflg)                                               \
	S3(30, shmat, shmid, shmaddr, shmflg)                                           \
	S3(31, shmctl, shmid, cmd, buf)                                                 \
	S1(32, dup, fildes)                                                             \
	S2(33, dup2, oldfd, newfd)                                                      \
	S0(34, pause)                                                                   \
	S2(35, nanosleep, rqtp, rmtp)                                                   \
	S2(36, getitimer, which, value)                                                 \
	S1(37, alarm, seconds)                                                          \
	S3(38, setitimer, which, value, ovalue)                                         \
	S0(39, getpid)                                                                  \
	S4(40, sendfile, out_fd, in_fd, offset, count)                                  \
	S3(41, socket, family, type, protocol)                                          \
	S3(42, connect, fd, uservaddr, addrlen)                                         \
	S3(43, accept, fd, upeer_sockaddr, upeer_addrlen)                               \
	S6(44, sendto, fd, buff, len, flags, addr, addr_len)                            \
	S6(45, recvfrom, fd, ubuf, size, flags, addr, addr_len)                         \
	S3(46, sendmsg, fd, msg, flags)                                                 \
	S3(47, recvmsg, fd, msg, flags)                                                 \
	S2(48, shutdown, fd, how)                                                       \
	S3(49, bind, fd, umyaddr, addrlen)                                              \
	S2(50, listen, fd, backlog)                                                     \
	S3(51, getsockname, fd, usockaddr, usockaddr_len)                               \
	S3(52, getpeername, fd, usockaddr, usockaddr_len)                               \
	S4(53, socketpair, family, type, protocol, usockvec)                            \
	S5(54, setsockopt, fd, level, optname, optval, optlen)                          \
	S5(55, getsockopt, fd, level, optname, optval, optlen)                          \
	S5(56, clone, clone_flags, newsp, parent_tidptr, child_tidptr, tls)             \
	S0(57, fork)                                                                    \
	S0(58, vfork)                                                                   \
	S3(59, execve, filename, argv, envp)                                            \
	S1(60, exit, error_code)                                                        \
	S4(61, wait4, upid, stat_addr, options, ru)                                     \
	S2(62, kill, pid, sig)                                                          \
	S1(63, uname, name)                                                             \
	S3(64, semget, key, nsems, semflg)                                              \
	S3(65, semop, semid, tsops, nsops)                                              \
	S4(66, semctl, semid, semnum, cmd, arg)                                         \
	S1(67, shmdt, shmaddr)                                                          \
	S2(68, msgget, key, msgflg)                                                     \
	S4(69, msgsnd, msqid, msgp, msgsz, msgflg)                                      \
	S5(70, msgrcv, msqid, msgp, msgsz, msgtyp, msgflg)                              \
	S3(71, msgctl, msqid, cmd, buf)                                                 \
	S3(72, fcntl, fd, cmd, arg)                                                     \
	S2(73, flock, fd, cmd)                                                          \
	S1(74, fsync, fd)                                                               \
	S1(75, fdatasync, fd)                                                           \
	S2(76, truncate, path, length)                                                  \
	S2(77, ftruncate, fd, length)                                                   \
	S3(78, getdents, fd, dirent, count)                                             \
	S2(79, getcwd, buf, size)                                                       \
	S1(80, chdir, filename)                                                         \
	S1(81, fchdir, fd)                                                              \
	S2(82, rename, oldname, newname)                                                \
	S2(83, mkdir, pathname, mode)                                                   \
	S1(84, rmdir, pathname)                                                         \
	S2(85, creat, pathname, mode)                                                   \
	S2(86, link, oldname, newname)                                                  \
	S1(87, unlink, pathname)                                                        \
	S2(88, symlink, oldname, newname)                                               \
	S3(89, readlink, path, buf, bufsiz)                                             \
	S2(90, chmod, filename, mode)                                                   \
	S2(91, fchmod, fd, mode)                                                        \
	S3(92, chown, filename, user, group)                                            \
	S3(93, fchown, fd, user, group)                                                 \
	S3(94, lchown, filename, user, group)                                           \
	S1(95, umask, mask)                                                             \
	S2(96, gettimeofday, tv, tz)                                                    \
	S2(97, getrlimit, resource, rlim)                                               \
	S2(98, getrusage, who, ru)                                                      \
	S1(99, sysinfo, info)                                                           \
	S1(100, times, tbuf)                                                            \
	S4(101, ptrace, request, pid, addr, data)                                       \
	S0(102, getuid)                                                                 \
	S3(103, syslog, type, buf, len)                                                 \
	S0(104, getgid)                                                                 \
	S1(105, setuid, uid)                                                            \
	S1(106, setgid, gid)                                                            \
	S0(107, geteuid)                                                                \
	S0(108, getegid)                                                                \
	S2(109, setpgid, pid, pgid)                                                     \
	S0(110, getppid)                                                                \
	S0(111, getpgrp)                                                                \
	S0(112, setsid)                                                                 \
	S2(113, setreuid, ruid, euid)                                                   \
	S2(114, setregid, rgid, egid)                                                   \
	S2(115, getgroups, gidsetsize, grouplist)                                       \
	S2(116, setgroups, gidsetsize, grouplist)                                       \
	S3(117, setresuid, ruid, euid, suid)                                            \
	S3(118, getresuid, ruidp, euidp, suidp)                                         \
	S3(119, setresgid, rgid, egid, sgid)                                            \
	S3(120, getresgid, rgidp, egidp, sgidp)                                         \
	S1(121, getpgid, pid)                                                           \
	S1(122, setfsuid, uid)                                                          \
	S1(123, setfsgid, gid)                                                          \
	S1(124, getsid, pid)                                                            \
	S2(125, capget, header, dataptr)                                                \
	S2(126, capset, header, data)                                                   \
	S2(127, rt_sigpending, uset, sigsetsize)                                        \
	S4(128, rt_sigtimedwait, uthese, uinfo, uts, sigsetsize)                        \
	S3(129, rt_sigqueueinfo, pid, sig, uinfo)                                       \
	S2(130, rt_sigsuspend, unewset, sigsetsize)                                     \
	S2(131, sigaltstack, uss, uoss)                                                 \
	S2(132, utime, filename, times)                                                 \
	S3(133, mknod, filename, mode, dev)                                             \
	S1(135, personality, personality)                                               \
	S2(136, ustat, dev, ubuf)                                                       \
	S2(137, statfs, pathname, buf)                                                  \
	S2(138, fstatfs, fd, buf)                                                       \
	S3(139, sysfs, option, arg1, arg2)                                              \
	S2(140, getpriority, which, who)                                                \
	S3(141, setpriority, which, who, niceval)                                       \
	S2(142, sched_setparam, pid, param)                                             \
	S2(143, sched_getparam, pid, param)                                             \
	S3(144, sched_setscheduler, pid, policy, param)                                 \
	S1(145, sched_getscheduler, pid)                                                \
	S1(146, sched_get_priority_max, policy)                                         \
	S1(147, sched_get_priority_min, policy)                                         \
	S2(148, sched_rr_get_interval, pid, interval)                                   \
	S2(149, mlock, start, len)                                                      \
	S2(150, munlock, start, len)                                                    \
	S1(151, mlockall, flags)                                                        \
	S0(152, munlockall)                                                             \
	S0(153, vhangup)                                                                \
	S3(154, modify_ldt, func, ptr, bytecount)                                       \
	S2(155, pivot_root, new_root, put_old)                                          \
	S5(157, prctl, option, arg2, arg3, arg4, arg5)                                  \
	S2(158, arch_prctl, option, arg2)                                               \
	S1(159, adjtimex, txc_p)                                                        \
	S2(160, setrlimit, resource, rlim)                                              \
	S1(161, chroot, filename)                                                       \
	S0(162, sync)                                                                   \
	S1(163, acct, name)                                                             \
	S2(164, settimeofday, tv, tz)                                                   \
	S5(165, mount, dev_name, dir_name, type, flags, data)                           \
	S2(166, umount2, name, flags)                                                   \
	S2(167, swapon, specialfile, swap_flags)                                        \
	S1(168, swapoff, specialfile)                                                   \
	S4(169, reboot, magic1, magic2, cmd, arg)                                       \
	S2(170, sethostname, name, len)                                                 \
	S2(171, setdomainname, name, len)                                               \
	S1(172, iopl, level)                                                            \
	S3(173, ioperm, from, num, turn_on)                                             \
	S3(175, init_module, umod, len, uargs)                                          \
	S2(176, delete_module, name_user, flags)                                        \
	S4(179, quotactl, cmd, special, id, addr)                                       \
	S0(186, gettid)                                                                 \
	S3(187, readahead, fd, offset, count)                                           \
	S5(188, setxattr, pathname, name, value, size, flags)                           \
	S5(189, lsetxattr, pathname, name, value, size, flags)                          \
	S5(190, fsetxattr, fd, name, value, size, flags)                                \
	S4(191, getxattr, pathname, name, value, size)                                  \
	S4(192, lgetxattr, pathname, name, value, size)                                 \
	S4(193, fgetxattr, fd, name, value, size)                                       \
	S3(194, listxattr, pathname, list, size)                                        \
	S3(195, llistxattr, pathname, list, size)                                       \
	S3(196, flistxattr, fd, list, size)                                             \
	S2(197, removexattr, pathname, name)                                            \
	S2(198, lremovexattr, pathname, name)                                           \
	S2(199, fremovexattr, fd, name)                                                 \
	S2(200, tkill, pid, sig)                                                        \
	S1(201, time, tloc)                                                             \
	S6(202, futex, uaddr, op, val, utime, uaddr2, val3)                             \
	S3(203, sched_setaffinity, pid, len, user_mask_ptr)                             \
	S3(204, sched_getaffinity, pid, len, user_mask_ptr)                             \
	S2(206, io_setup, nr_events, ctxp)                                              \
	S1(207, io_destroy, ctx)                                                        \
	S5(208, io_getevents, ctx_id, min_nr, nr, events, timeout)                      \
	S3(209, io_submit, ctx_id, nr, iocbpp)                                          \
	S3(210, io_cancel, ctx_id, iocb, result)                                        \
	S1(213, epoll_create, size)                                                     \
	S5(216, remap_file_pages, start, size, prot, pgoff, flags)                      \
	S3(217, getdents64, fd, dirent, count)                                          \
	S1(218, set_tid_address, tidptr)                                                \
	S0(219, restart_syscall)                                                        \
	S4(220, semtimedop, semid, tsops, nsops, timeout)                               \
	S4(221, fadvise64, fd, offset, len, advice)                                     \
	S3(222, timer_create, which_clock, timer_event_spec, created_timer_id)          \
	S4(223, timer_settime, timer_id, flags, new_setting, old_setting)               \
	S2(224, timer_gettime, timer_id, setting)                                       \
	S1(225, timer_getoverrun, timer_id)                                             \
	S1(226, timer_delete, timer_id)                                                 \
	S2(227, clock_settime, which_clock, tp)                                         \
	S2(228, clock_gettime, which_clock, tp)                                         \
	S2(229, clock_getres, which_clock, tp)                                          \
	S4(230, clock_nanosleep, which_clock, flags, rqtp, rmtp)                        \
	S1(231, exit_group, error_code)                                                 \
	S4(232, epoll_wait, epfd, events, maxevents, timeout)                           \
	S4(233, epoll_ctl, epfd, op, fd, event)                                         \
	S3(234, tgkill, tgid, pid, sig)                                                 \
	S2(235, utimes, filename, utimes)                                               \
	S6(237, mbind, start, len, mode, nmask, maxnode, flags)                         \
	S3(238, set_mempolicy, mode, nmask, maxnode)                                    \
	S5(239, get_mempolicy, policy, nmask, maxnode, addr, flags)                     \
	S4(240, mq_open, u_name, oflag, mode, u_attr)                                   \
	S1(241, mq_unlink, u_name)                                                      \
	S5(242, mq_timedsend, mqdes, u_msg_ptr, msg_len, msg_prio, u_abs_timeout)       \
	S5(243, mq_timedreceive, mqdes, u_msg_ptr, msg_len, u_msg_prio, u_abs_timeout)  \
	S2(244, mq_notify, mqdes, u_notification)                                       \
	S3(245, mq_getsetattr, mqdes, u_mqstat, u_omqstat)                              \
	S4(246, kexec_load, entry, nr_segments, segments, flags)                        \
	S5(247, waitid, which, upid, infop, options, ru)                                \
	S5(248, add_key, _type, _description, _payload, plen, ringid)                   \
	S4(249, request_key, _type, _description, _callout_info, destringid)            \
	S5(250, keyctl, option, arg2, arg3, arg4, arg5)                                 \
	S3(251, ioprio_set, which, who, ioprio)                                         \
	S2(252, ioprio_get, which, who)                                                 \
	S0(253, inotify_init)                                                           \
	S3(254, inotify_add_watch, fd, pathname, mask)                                  \
	S2(255, inotify_rm_watch, fd, wd)                                               \
	S4(256, migrate_pages, pid, maxnode, old_nodes, new_nodes)                      \
	S4(257, openat, dfd, filename, flags, mode)                                     \
	S3(258, mkdirat, dfd, pathname, mode)                                           \
	S4(259, mknodat, dfd, filename, mode, dev)                                      \
	S5(260, fchownat, dfd, filename, user, group, flag)                             \
	S3(261, futimesat, dfd, filename, utimes)                                       \
	S4(262, newfstatat, dfd, filename, statbuf, flag)                               \
	S3(263, unlinkat, dfd, pathname, flag)                                          \
	S4(264, renameat, olddfd, oldname, newdfd, newname)                             \
	S5(265, linkat, olddfd, oldname, newdfd, newname, flags)                        \
	S3(266, symlinkat, oldname, newdfd, newname)                                    \
	S4(267, readlinkat, dfd, pathname, buf, bufsiz)                                 \
	S3(268, fchmodat, dfd, filename, mode)                                          \
	S3(269, faccessat, dfd, filename, mode)                                         \
	S6(270, pselect6, n, inp, outp, exp, tsp, sig)                                  \
	S5(271, ppoll, ufds, nfds, tsp, sigmask, sigsetsize)                            \
	S1(272, unshare, unshare_flags)                                                 \
	S2(273, set_robust_list, head, len)                                             \
	S3(274, get_robust_list, pid, head_ptr, len_ptr)                                \
	S6(275, splice, fd_in, off_in, fd_out, off_out, len, flags)                     \
	S4(276, tee, fdin, fdout, len, flags)                                           \
	S4(277, sync_file_range, fd, offset, nbytes, flags)                             \
	S4(278, vmsplice, fd, uiov, nr_segs, flags)                                     \
	S6(279, move_pages, pid, nr_pages, pages, nodes, status, flags)                 \
	S4(280, utimensat, dfd, filename, utimes, flags)                                \
	S6(281, epoll_pwait, epfd, events, maxevents, timeout, sigmask, sigsetsize)     \
	S3(282, signalfd, ufd, user_mask, sizemask)                                     \
	S2(283, timerfd_create, clockid, flags)                                         \
	S1(284, eventfd, count)                                                         \
	S4(285, fallocate, fd, mode, offset, len)                                       \
	S4(286, timerfd_settime, ufd, flags, utmr, otmr)                                \
	S2(287, timerfd_gettime, ufd, otmr)                                             \
	S4(288, accept4, fd, upeer_sockaddr, upeer_addrlen, flags)                      \
	S4(289, signalfd4, ufd, user_mask, sizemask, flags)                             \
	S2(290, eventfd2, count, flags)                                                 \
	S1(291, epoll_create1, flags)                                                   \
	S3(292, dup3, oldfd, newfd, flags)                                              \
	S2(293, pipe2, fildes, flags)                                                   \
	S1(294, inotify_init1, flags)                                                   \
	S5(295, preadv, fd, vec, vlen, pos_l, pos_h)                                    \
	S5(296, pwritev, fd, vec, vlen, pos_l, pos_h)                                   \
	S4(297, rt_tgsigqueueinfo, tgid, pid, sig, uinfo)                               \
	S5(298, perf_event_open, attr_uptr, pid, cpu, group_fd, flags)                  \
	S5(299, recvmmsg, fd, mmsg, vlen, flags, timeout)                               \
	S2(300, fanotify_init, flags, event_f_flags)                                    \
	S5(301, fanotify_mark, fanotify_fd, flags, mask, dfd, pathname)                 \
	S4(302, prlimit64, pid, resource, new_rlim, old_rlim)                           \
	S5(303, name_to_handle_at, dfd, name, handle, mnt_id, flag)                     \
	S3(304, open_by_handle_at, mountdirfd, handle, flags)                           \
	S2(305, clock_adjtime, which_clock, utx)                                        \
	S1(306, syncfs, fd)                                                             \
	S4(307, sendmmsg, fd, mmsg, vlen, flags)                                        \
	S2(308, setns, fd, flags)                                                       \
	S3(309, getcpu, cpup, nodep, unused)                                            \
	S6(310, process_vm_readv, pid, lvec, liovcnt, rvec, riovcnt, flags)             \
	S6(311, process_vm_writev, pid, lvec, liovcnt, rvec, riovcnt, flags)            \
	S5(312, kcmp, pid1, pid2, type, idx1, idx2)                                     \
	S3(313, finit_module, fd, uargs, flags)                                         \
	S3(314, sched_setattr, pid, uattr, flags)                                       \
	S4(315, sched_getattr, pid, uattr, usize, flags)                                \
	S5(316, renameat2, olddfd, oldname, newdfd, newname, flags)                     \
	S3(317, seccomp, op, flags, uargs)                                              \
	S3(318, getrandom, ubuf, len, flags)                                            \
	S2(319, memfd_create, uname, flags)                                             \
	S5(320, kexec_file_load, kernel_fd, initrd_fd, cmdline_len, cmdline_ptr, flags) \
	S3(321, bpf, cmd, uattr, size)                                                  \
	S5(322, execveat, fd, filename, argv, envp, flags)                              \
	S1(323, userfaultfd, flags)                                                     \
	S3(324, membarrier, cmd, flags, cpu_id)                                         \
	S3(325, mlock2, start, len, flags)                                              \
	S6(326, copy_file_range, fd_in, off_in, fd_out, off_out, len, flags)            \
	S6(327, preadv2, fd, vec, vlen, pos_l, pos_h, flags)                            \
	S6(328, pwritev2, fd, vec, vlen, pos_l, pos_h, flags)                           \
	S4(329, pkey_mprotect, start, len, prot, pkey)                                  \
	S2(330, pkey_alloc, flags, init_val)                                            \
	S1(331, pkey_free, pkey)                                                        \
	S5(332, statx, dfd, filename, flags, mask, buffer)                              \
	S6(333, io_pgetevents, ctx_id, min_nr, nr, events, timeout, usig)               \
	S4(334, rseq, rseq, rseq_len, flags, sig)                                       \
	S4(424, pidfd_send_signal, pidfd, sig, info, flags)                             \
	S2(425, io_uring_setup, entries, params)                                        \
	S6(426, io_uring_enter, fd, to_submit, min_complete, flags, argp, argsz)        \
	S4(427, io_uring_register, fd, opcode, arg, nr_args)                            \
	S3(428, open_tree, dfd, filename, flags)                                        \
	S5(429, move_mount, from_dfd, from_pathname, to_dfd, to_pathname, flags)        \
	S2(430, fsopen, _fs_name, flags)                                                \
	S5(431, fsconfig, fd, cmd, _key, _value, aux)                                   \
	S3(432, fsmount, fs_fd, flags, attr_flags)                                      \
	S3(433, fspick, dfd, path, flags)                                               \
	S2(434, pidfd_open, pid, flags)                                                 \
	S2(435, clone3, uargs, size)                                                    \
	S3(436, close_range, fd, max_fd, flags)                                         \
	S4(437, openat2, dfd, filename, how, usize)                                     \
	S3(438, pidfd_getfd, pidfd, fd, flags)                                          \
	S4(439, faccessat2, dfd, filename, mode, flags)                                 \
	S5(440, process_madvise, pidfd, vec, vlen, behavior, flags)                     \
	S6(441, epoll_pwait2, epfd, events, maxevents, timeout, sigmask, sigsetsize)    \
	S5(442, mount_setattr, dfd, path, flags, uattr, usize)                          \
	S4(443, quotactl_fd, fd, cmd, id, addr)                                         \
	S3(444, landlock_create_ruleset, attr, size, flags)                             \
	S4(445, landlock_add_rule, ruleset_fd, rule_type, rule_attr, flags)             \
	S2(446, landlock_restrict_self, ruleset_fd, flags)                              \
	S1(447, memfd_secret, flags)                                                    \
	S2(448, process_mrelease, pidfd, flags)                                         \
	S5(449, futex_waitv, waiters, nr_futexes, flags, timeout, clockid)              \
	S4(450, set_mempolicy_home_node, start, len, home_node, flags)

#endif /* IVRING_SYSCALLS_H */
