// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "host-reader/base/listen_socket.h"
#include "host-reader/base/message.h"
#include "host-reader/region/ivshmem_server.h"
#include "host-reader/region/region_memory.h"
#include "host-reader/region/region_setup.h"
#include "host-reader/vm/doorbell.h"
#include "host-reader/vm/vm.h"

#define CONNECT_PAUSE_NS 100000000u /* between two connections: they wake us, too */
#define MUTE_NS		 100000000u /* for a guest that rings without need */
#define MANY_NEEDLESS	 100	    /* a few happen to honest guests: the reader was faster */

struct doorbell {
	struct vm *vm;
	struct loop *loop; /* NULL: not started */
	struct listen_socket socket;
	int memory;	       /* the region's, without the lock: that is ours alone */
	int to_host, to_guest; /* eventfds, of all that connect one after another */
	int peer;	       /* its connection; -1: none */
	pid_t peer_pid;
	struct ivshmem_greeting greeting;
	uint64_t connect_after_ns; /* 0: connections are let in */
	bool is_lack_told;	   /* that no descriptor was left for one */
	uint64_t muted_until_ns;
	bool is_awaited; /* the loop waits for a ring */
	bool is_armed;	 /* the guest was told to ring */
	bool was_rung;	 /* for a reason, since it was armed */
	struct doorbell_counts counts;
};

/* ---- connections ---------------------------------------------------------------- */

static void hang_up(struct doorbell *d)
{
	loop_remove(d->loop, d->peer);
	close(d->peer);
	d->peer = d->peer_pid = -1;
	d->vm->looked_ns = 0; /* has its process ended? */
}

/* 0; what is left is said when there is room. */
static void go_on_greeting(struct doorbell *d)
{
	const struct ivshmem_offer offer = {
		.memory = d->memory,
		.to_host = d->to_host,
		.to_guest = d->to_guest,
	};
	int code = ivshmem_greet(d->peer, &offer, &d->greeting);

	if (!code) {
		loop_change(d->loop, d->peer, EPOLLIN);
		return;
	}
	if (code == -EAGAIN)
		return;
	message("%s: cannot give its VM the region: %s", d->vm->spec.name, strerror(-code));
	hang_up(d);
}

/* QEMU never says anything; it hangs up when its device is gone. */
static void on_peer(void *arg, uint32_t events)
{
	struct doorbell *d = arg;
	char unheard[256];
	ssize_t n = -1;

	if (events & EPOLLIN)
		n = recv(d->peer, unheard, sizeof(unheard), MSG_DONTWAIT);
	if (n > 0) {
		message("%s: process %d speaks where QEMU is silent (it is not listened to)",
			d->vm->spec.name, (int)d->peer_pid);
		loop_change(d->loop, d->peer, 0);
		return;
	}
	if (!n || events & (EPOLLHUP | EPOLLERR))
		hang_up(d);
	else if (events & EPOLLOUT)
		go_on_greeting(d);
}

static void welcome(struct doorbell *d, int fd)
{
	struct ucred who = { .pid = -1 };
	socklen_t len = sizeof(who);

	if (loop_add(d->loop, fd, EPOLLIN | EPOLLOUT, on_peer, d)) {
		close(fd);
		return;
	}
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len);
	d->peer = fd;
	d->peer_pid = who.pid;
	d->greeting = (struct ivshmem_greeting){ 0 };
	d->muted_until_ns = 0;
	d->vm->looked_ns = 0;
	message("%s: process %d is connected", d->vm->spec.name, (int)who.pid);
	go_on_greeting(d);
}

static void on_connection(void *arg, uint32_t events)
{
	struct doorbell *d = arg;
	int fd = listen_socket_accept(d->socket.fd, d->vm->spec.name, &d->is_lack_told);

	(void)events;
	d->connect_after_ns = now_ns() + (fd < 0 ? LISTEN_PAUSE_NS : CONNECT_PAUSE_NS);
	loop_change(d->loop, d->socket.fd, 0);
	if (fd < 0)
		return;
	if (d->peer < 0) {
		welcome(d, fd);
		return;
	}
	ivshmem_refuse(fd);
	close(fd);
	if (!d->counts.refused++)
		message("%s: a second VM at '%s' is refused (process %d is connected; each VM "
			"needs a region of its own)",
			d->vm->spec.name, d->socket.path, (int)d->peer_pid);
}

void doorbell_keep_house(struct doorbell *d, uint64_t now)
{
	if (!d->connect_after_ns || now < d->connect_after_ns)
		return;
	d->connect_after_ns = 0;
	loop_change(d->loop, d->socket.fd, EPOLLIN);
}

/* ---- rings ------------------------------------------------------------------------ */

/* Whether an eventfd blocks is said where it is shared: QEMU can change it. */
static void count_rings(struct doorbell *d)
{
	eventfd_t n;
	const struct iovec iov = { &n, sizeof(n) };

	if (preadv2(d->to_host, &iov, 1, -1, RWF_NOWAIT) == sizeof(n))
		d->counts.rings += n;
}

/* A guest that rings all the time must not keep us awake: after a ring without
 * need it is polled for a while, as one without a doorbell. */
static void on_ring(void *arg, uint32_t events)
{
	struct doorbell *d = arg;

	(void)events;
	d->is_awaited = false; /* EPOLLONESHOT */
	count_rings(d);
	d->counts.wakeups++;
	if (vm_has_unread(d->vm)) {
		d->was_rung = true;
		return;
	}
	d->muted_until_ns = now_ns() + MUTE_NS;
	if (++d->counts.needless == MANY_NEEDLESS)
		message("%s: rings its doorbell without need (it is heard ten times a second)",
			d->vm->spec.name);
}

static void set_need(const struct doorbell *d, bool is_needed)
{
	struct ivring_reader_page *page = ivring_region_reader_page(&d->vm->region);
	uint32_t flags = ivring_load(&page->flags) & ~IVRING_READER_NEED_WAKEUP;

	ivring_store(&page->flags, is_needed ? flags | IVRING_READER_NEED_WAKEUP : flags);
}

static bool can_ring(const struct doorbell *d, uint64_t now)
{
	const struct vm *vm = d->vm;

	return d->loop && d->peer >= 0 && now >= d->muted_until_ns && !vm->is_broken &&
	       vm->region.mode == IVRING_MODE_DISCARD && !vm->is_awaited && !vm->is_pending &&
	       !vm->is_arriving && ivring_region_features(&vm->region) & IVRING_GUEST_RINGS;
}

int doorbell_arm(struct doorbell *d, uint64_t now)
{
	if (d->peer < 0 && d->peer_pid < 0) /* nobody has the memory */
		return 0;
	if (!can_ring(d, now))
		return -ENOTCONN;
	if (!d->is_awaited) {
		count_rings(d); /* of before: they were meant for an earlier sleep */
		if (loop_change(d->loop, d->to_host, EPOLLIN | EPOLLONESHOT))
			return -ENOTCONN;
		d->is_awaited = true;
	}
	d->was_rung = false;
	d->is_armed = true;
	set_need(d, true);
	/* The flag before the heads; the guest: its head before the flag. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return vm_has_completed(d->vm) ? -EAGAIN : 0;
}

bool doorbell_disarm(struct doorbell *d)
{
	if (!d->is_armed)
		return false;
	d->is_armed = false;
	set_need(d, false);
	return d->was_rung;
}

void doorbell_interrupt(const struct doorbell *d)
{
	struct pollfd pfd = { .events = POLLOUT };

	if (!d)
		return;
	pfd.fd = d->to_guest;
	/* Full: it has been interrupted often enough. */
	if (poll(&pfd, 1, 0) == 1 && pfd.revents & POLLOUT)
		eventfd_write(d->to_guest, 1);
}

/* ---- begin and end ----------------------------------------------------------------- */

static int set_up_region(struct doorbell *d, const struct vm_spec *spec, uint64_t size_bytes,
			 uint32_t cpus, struct ivring_region *ret, struct ivt_error *err)
{
	const struct ivring_region_options opt = {
		.struct_bytes = sizeof(opt),
		.region_bytes = size_bytes,
		.nr_channels = cpus,
	};
	int code = region_memory_find(spec->name, ret, &d->peer_pid);

	if (code == -ENOENT)
		return region_memory_make(spec->name, &opt, spec->in_huge_pages, ret, err);
	if (code)
		return ivt_error_set(err, code,
				     "cannot use the region that the VM '%s' has already: %s",
				     spec->name, ivring_region_strerror(code));
	code = region_check(ret, spec->name, size_bytes, cpus, err);
	if (code)
		ivring_region_close(ret);
	else
		message("%s: process %d has its region already, it is polled (QEMU connects only "
			"when it starts)",
			spec->name, (int)d->peer_pid);
	return code;
}

/* The lock belongs to an open file: who is given that one has it as long as we. */
static int open_without_lock(const struct ivring_region *region)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", region->fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int doorbell_open(const struct vm_spec *spec, uint64_t size_bytes, uint32_t cpus,
		  struct doorbell **ret, struct ivring_region *ret_region, struct ivt_error *err)
{
	struct doorbell *d = calloc(1, sizeof(*d));
	int code;

	if (!d)
		return ivt_error_set(err, -ENOMEM, "cannot record '%s': %s", spec->name,
				     strerror(ENOMEM));
	d->socket.fd = d->peer = d->memory = -1;
	d->peer_pid = -1;
	d->to_host = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	d->to_guest = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->to_host < 0 || d->to_guest < 0)
		code = ivt_error_set(err, -errno, "cannot record '%s': %s", spec->name,
				     strerror(errno));
	else
		code = listen_socket_open(spec->path, spec->name, &d->socket, err);
	if (!code)
		code = set_up_region(d, spec, size_bytes, cpus, ret_region, err);
	if (!code) {
		d->memory = open_without_lock(ret_region);
		if (d->memory < 0)
			code = ivt_error_set(err, d->memory, "cannot record '%s': %s", spec->name,
					     strerror(-d->memory));
	}
	if (code)
		doorbell_close(d);
	else
		*ret = d;
	return code;
}

int doorbell_start(struct doorbell *d, struct loop *loop, struct vm *vm)
{
	int code;

	d->vm = vm;
	code = loop_add(loop, d->socket.fd, EPOLLIN, on_connection, d);
	if (!code)
		code = loop_add(loop, d->to_host, 0, on_ring, d);
	if (code) {
		loop_remove(loop, d->socket.fd);
		return code;
	}
	d->loop = loop;
	return 0;
}

void doorbell_stop(struct doorbell *d)
{
	if (!d->loop)
		return;
	doorbell_disarm(d);
	loop_remove(d->loop, d->socket.fd);
	loop_remove(d->loop, d->to_host);
	loop_remove(d->loop, d->peer);
	count_rings(d);
	d->loop = NULL;
}

void doorbell_close(struct doorbell *d)
{
	if (!d)
		return;
	doorbell_stop(d);
	listen_socket_close(&d->socket);
	if (d->memory >= 0)
		close(d->memory);
	if (d->peer >= 0)
		close(d->peer);
	if (d->to_host >= 0)
		close(d->to_host);
	if (d->to_guest >= 0)
		close(d->to_guest);
	free(d);
}

pid_t doorbell_peer(const struct doorbell *d)
{
	return d->peer_pid;
}

void doorbell_counts(const struct doorbell *d, struct doorbell_counts *ret)
{
	*ret = d->counts;
}
