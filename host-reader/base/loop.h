/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the recorder sleeps in: until a time is over, or a descriptor has news.
 * One thread.
 */
#ifndef HOST_LOOP_H
#define HOST_LOOP_H

#include <stdint.h>

struct loop;

/* @events: of epoll, as they came.  May add and remove descriptors, its own too. */
typedef void (*loop_fn)(void *arg, uint32_t events);

/* 0; -errno. */
int loop_create(struct loop **ret);
void loop_destroy(struct loop *loop); /* NULL is allowed; descriptors stay open */

/* Call @fn(@arg) when @fd has @events (EPOLLIN, ...; level-triggered).  The
 * descriptor stays the caller's, and open until it is removed.  0; -EEXIST; -errno. */
int loop_add(struct loop *loop, int fd, uint32_t events, loop_fn fn, void *arg);
/* Wait for other @events of @fd; 0: for none, until it is called again. 0; -ENOENT. */
int loop_change(struct loop *loop, int fd, uint32_t events);
/* No call after this.  One that is not there is left alone. */
void loop_remove(struct loop *loop, int fd);

/* Sleep @timeout_ns at most; calls what has news, each once.  A signal ends the
 * sleep, too.  Returns how many were called. */
unsigned int loop_wait(struct loop *loop, uint64_t timeout_ns);

#endif /* HOST_LOOP_H */
