// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * event-load: a little of everything that the driver's heavy groups record, and
 * what there must be of it, for the test to hold against the trace:
 *
 *	faults TID ADDRESS PAGES
 *	tcp FAMILY CLIENT_TID CLIENT_PORT SERVER_TID SERVER_PORT BYTES_EACH_WAY
 *	udp FAMILY TID SOURCE_PORT DEST_PORT SIZE...
 *	sleeps TID COUNT
 *
 * event-load ADDRESS UDP_PORT TCP_PORT: asks a server (driver_events_read_a_devices_packets.sh)
 * for datagrams and for a stream instead:
 *
 *	answers ADDRESS SERVER_PORT PORT SIZE...
 *	stream ADDRESS SERVER_PORT PORT BYTES
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAGES	40
#define SLEEPS	5
#define PINGS	20
#define PAGE	4096
#define N_SIZES 4
#define WAIT_NS 2000000

static const size_t sizes[N_SIZES] = { 1, 700, 3000, 20000 };

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "cannot run on CPU %d", cpu);
}

static void fault(void)
{
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	int i;

	if (p == MAP_FAILED)
		err(1, "mmap");
	madvise(p, PAGES * PAGE, MADV_NOHUGEPAGE);
	for (i = 0; i < PAGES; i++)
		*(volatile char *)(p + i * PAGE) = 1;
	printf("faults %d %#lx %d\n", gettid(), (unsigned long)p, PAGES);
	munmap(p, PAGES * PAGE); /* the other CPU has the pages, too: a call to it */
}

static void doze(void)
{
	struct timespec ts = { 0, WAIT_NS };
	int i;

	for (i = 0; i < SLEEPS; i++)
		nanosleep(&ts, NULL);
	printf("sleeps %d %d\n", gettid(), SLEEPS);
}

static socklen_t loopback(union address *a, int family)
{
	memset(a, 0, sizeof(*a));
	a->any.sa_family = (sa_family_t)family;
	if (family == AF_INET) {
		a->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(a->v4);
	}
	a->v6.sin6_addr = in6addr_loopback;
	return sizeof(a->v6);
}

static int port_of(int fd)
{
	union address a;
	socklen_t len = sizeof(a);

	if (getsockname(fd, &a.any, &len))
		err(1, "getsockname");
	return ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
}

/* A socket at a free port of the loopback device; @ret is its address. */
static int bound(int family, int type, union address *ret)
{
	int fd = socket(family, type, 0);
	socklen_t len = loopback(ret, family);

	if (fd < 0 || bind(fd, &ret->any, len) || getsockname(fd, &ret->any, &len))
		err(1, "no socket");
	return fd;
}

static void take(int fd, size_t bytes)
{
	char buf[4096];
	ssize_t n;

	for (; bytes; bytes -= (size_t)n) {
		n = recv(fd, buf, bytes < sizeof(buf) ? bytes : sizeof(buf), 0);
		if (n <= 0)
			err(1, "recv");
	}
}

static void give(int fd, size_t bytes)
{
	static const char zeros[1 << 16];

	if (send(fd, zeros, bytes, 0) != (ssize_t)bytes)
		err(1, "send");
}

struct server {
	int fd;
	int tid;
};

/* Takes each message, sends as much back. */
static void *serve(void *arg)
{
	struct server *s = arg;
	int fd, i;

	pin(1);
	s->tid = gettid();
	fd = accept(s->fd, NULL, NULL);
	if (fd < 0)
		err(1, "accept");
	for (i = 0; i < N_SIZES; i++) {
		take(fd, sizes[i]);
		give(fd, sizes[i]);
	}
	close(fd);
	return NULL;
}

static void talk_tcp(int family)
{
	union address a;
	struct server s = { bound(family, SOCK_STREAM, &a), 0 };
	int fd = socket(family, SOCK_STREAM, 0), i, port;
	size_t sum = 0;
	pthread_t thread;

	if (listen(s.fd, 1) || pthread_create(&thread, NULL, serve, &s) ||
	    connect(fd, &a.any, sizeof(a)))
		err(1, "cannot connect");
	port = port_of(fd);
	for (i = 0; i < N_SIZES; i++) {
		give(fd, sizes[i]);
		take(fd, sizes[i]);
		sum += sizes[i];
	}
	pthread_join(thread, NULL);
	close(fd);
	printf("tcp %d %d %d %d %d %zu\n", family, gettid(), port, s.tid, port_of(s.fd), sum);
	close(s.fd);
}

static void talk_udp(int family)
{
	union address from, to;
	int out = bound(family, SOCK_DGRAM, &from), in = bound(family, SOCK_DGRAM, &to), i;
	char buf[1 << 16];

	printf("udp %d %d %d %d", family, gettid(), port_of(out), port_of(in));
	if (connect(out, &to.any, sizeof(to)))
		err(1, "connect");
	for (i = 0; i < N_SIZES; i++) {
		give(out, sizes[i]);
		if (recv(in, buf, sizeof(buf), 0) != (ssize_t)sizes[i])
			err(1, "datagram");
		printf(" %zu", sizes[i]);
	}
	puts("");
	close(in);
	close(out);
}

static void *ping(void *arg)
{
	int *fds = arg, i;
	char c;

	pin(1);
	for (i = 0; i < PINGS; i++)
		if (read(fds[0], &c, 1) != 1 || write(fds[3], &c, 1) != 1)
			err(1, "pipe");
	return NULL;
}

/* Each wakes the other, on the other CPU; and one page fault with both running. */
static void pingpong(void)
{
	pthread_t thread;
	int fds[4], i;
	char c = 0;

	if (pipe(fds) || pipe(fds + 2) || pthread_create(&thread, NULL, ping, fds))
		err(1, "pipe");
	for (i = 0; i < PINGS; i++) {
		if (i == PINGS / 2)
			fault();
		if (write(fds[1], &c, 1) != 1 || read(fds[2], &c, 1) != 1)
			err(1, "pipe");
	}
	pthread_join(thread, NULL);
}

static int connected(int type, const char *address, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
	int fd = socket(AF_INET, type, 0);

	if (inet_pton(AF_INET, address, &a.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&a, sizeof(a)))
		err(1, "cannot connect to %s, port %s", address, port);
	return fd;
}

static void ask(char **argv)
{
	/* small ones are copied by the driver, large ones stay in pages */
	static const int wanted[] = { 10, 100, 200, 700, 1200, 1400 };
	int fd = connected(SOCK_DGRAM, argv[1], argv[2]);
	char buf[1 << 16];
	size_t i, sum = 0;
	ssize_t n;

	printf("answers %s %s %d", argv[1], argv[2], port_of(fd));
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		n = snprintf(buf, sizeof(buf), "%d", wanted[i]);
		if (send(fd, buf, (size_t)n, 0) != n || recv(fd, buf, sizeof(buf), 0) != wanted[i])
			err(1, "no answer");
		printf(" %d", wanted[i]);
	}
	close(fd);
	fd = connected(SOCK_STREAM, argv[1], argv[3]);
	printf("\nstream %s %s %d", argv[1], argv[3], port_of(fd));
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		sum += (size_t)n;
	printf(" %zu\n", sum);
	close(fd);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOFBF, 1 << 16); /* the console is no part of this */
	if (argc == 4) {
		ask(argv);
		return 0;
	}
	pin(0);
	doze();
	pingpong();
	talk_tcp(AF_INET);
	talk_tcp(AF_INET6);
	talk_udp(AF_INET);
	talk_udp(AF_INET6);
	return 0;
}
