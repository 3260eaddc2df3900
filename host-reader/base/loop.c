// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#include "host-reader/base/loop.h"

#define MAX_NEWS 64

struct watch {
	struct watch *next;
	int fd; /* -1: removed, freed after the round */
	loop_fn fn;
	void *arg;
};

struct loop {
	int epoll;
	struct watch *watches;
};

int loop_create(struct loop **ret)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int err;

	if (!loop)
		return -ENOMEM;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		err = -errno;
		free(loop);
		return err;
	}
	*ret = loop;
	return 0;
}

static struct watch *find(struct loop *loop, int fd)
{
	struct watch *w;

	for (w = loop->watches; w; w = w->next)
		if (w->fd == fd)
			return w;
	return NULL;
}

/* News that were fetched with it may still name one that was removed. */
static void sweep(struct loop *loop)
{
	struct watch **at = &loop->watches, *gone;

	while (*at) {
		gone = *at;
		if (gone->fd >= 0) {
			at = &gone->next;
			continue;
		}
		*at = gone->next;
		free(gone);
	}
}

void loop_destroy(struct loop *loop)
{
	struct watch *w;

	if (!loop)
		return;
	for (w = loop->watches; w; w = w->next)
		w->fd = -1;
	sweep(loop);
	close(loop->epoll);
	free(loop);
}

int loop_add(struct loop *loop, int fd, uint32_t events, loop_fn fn, void *arg)
{
	struct epoll_event event = { .events = events };
	struct watch *w;

	if (fd < 0)
		return -EBADF;
	if (find(loop, fd))
		return -EEXIST;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (struct watch){ loop->watches, fd, fn, arg };
	event.data.ptr = w;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event)) {
		int err = -errno;

		free(w);
		return err;
	}
	loop->watches = w;
	return 0;
}

int loop_change(struct loop *loop, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events };

	event.data.ptr = fd < 0 ? NULL : find(loop, fd);
	if (!event.data.ptr)
		return -ENOENT;
	return epoll_ctl(loop->epoll, EPOLL_CTL_MOD, fd, &event) ? -errno : 0;
}

void loop_remove(struct loop *loop, int fd)
{
	struct watch *w = fd < 0 ? NULL : find(loop, fd);

	if (!w)
		return;
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
	w->fd = -1;
}

unsigned int loop_wait(struct loop *loop, uint64_t timeout_ns)
{
	struct timespec ts = { .tv_sec = (time_t)(timeout_ns / 1000000000u),
			       .tv_nsec = (long)(timeout_ns % 1000000000u) };
	struct epoll_event news[MAX_NEWS];
	unsigned int n_called = 0;
	int i, n = epoll_pwait2(loop->epoll, news, MAX_NEWS, &ts, NULL);

	for (i = 0; i < n; i++) {
		struct watch *w = news[i].data.ptr;

		if (w->fd < 0)
			continue;
		w->fn(w->arg, news[i].events);
		n_called++;
	}
	sweep(loop);
	return n_called;
}
