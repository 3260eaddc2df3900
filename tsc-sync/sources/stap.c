// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM's numbers as SystemTap sees them: tsc-sync/kvm_exit.stp, compiled before
 * or now, and its output.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tsc-sync/sources/stap_line.h"

#define LINE_BYTES 256
#define END_MS	   2000

struct stap_feed {
	struct kvm_feed feed;
	pid_t child; /* staprun or stap; 0: it was waited for */
	int fd;	     /* its output; -1: it has ended */
	bool is_vmx;
	bool has_begun; /* the first line was there */
	char line[LINE_BYTES];
	size_t n; /* bytes of a line that is not whole yet */
	uint64_t n_bad;
};

static const struct tsc_source_ops source_ops = {
	.name = "stap",
	.what = "KVM's offset at each entry of a vCPU, by SystemTap",
	.tells_instant = true,
	.poll = kvm_feed_source_poll,
	.check = kvm_feed_source_check,
	.close = kvm_feed_source_close,
};

static void take_line(struct stap_feed *s)
{
	struct kvm_feed_record rec;

	if (!strcmp(s->line, STAP_FIRST_LINE))
		s->has_begun = true;
	else if (!stap_line_parse(s->line, s->is_vmx, &rec))
		kvm_feed_add(&s->feed, &rec);
	else
		s->n_bad++;
}

static void take_bytes(struct stap_feed *s, const char *text, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (text[i] != '\n') {
			if (s->n < sizeof(s->line) - 1)
				s->line[s->n] = text[i];
			s->n++;
			continue;
		}
		/* Longer than any line of the script: it does not parse either. */
		s->line[s->n < sizeof(s->line) ? s->n : sizeof(s->line) - 1] = '\0';
		s->n = 0;
		take_line(s);
	}
}

static int stap_take(struct kvm_feed *feed)
{
	struct stap_feed *s = (struct stap_feed *)feed;
	char text[16384];
	ssize_t n;

	while (s->fd >= 0) {
		n = read(s->fd, text, sizeof(text));
		if (n > 0) {
			take_bytes(s, text, (size_t)n);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		close(s->fd);
		s->fd = -1;
	}
	return -EPIPE;
}

static void sleep_ms(long ms)
{
	struct timespec ts = { .tv_nsec = ms * 1000000 };

	nanosleep(&ts, NULL);
}

/* The end of its output is the end of its work: SystemTap empties its buffers
 * when it is interrupted. */
static void stap_finish(struct kvm_feed *feed)
{
	struct stap_feed *s = (struct stap_feed *)feed;
	int ms;

	if (!s->child)
		return;
	kill(s->child, SIGINT);
	for (ms = 0; s->fd >= 0 && ms < END_MS; ms += 10) {
		stap_take(feed);
		sleep_ms(10);
	}
	for (ms = 0; waitpid(s->child, NULL, WNOHANG) == 0; ms += 10) {
		if (ms >= END_MS)
			kill(s->child, SIGTERM);
		sleep_ms(10);
	}
	s->child = 0;
}

static uint64_t stap_lost(const struct kvm_feed *feed)
{
	return ((const struct stap_feed *)feed)->n_bad;
}

static void stap_close(struct kvm_feed *feed)
{
	struct stap_feed *s = (struct stap_feed *)feed;

	stap_finish(feed);
	kvm_feed_deinit(feed);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

static const struct kvm_feed_ops feed_ops = {
	.source_ops = &source_ops,
	.source = TSC_SYNC_STAP,
	.take = stap_take,
	.finish = stap_finish,
	.lost = stap_lost,
	.close = stap_close,
};

/* In the child: its own session, so that Ctrl-C reaches it through us only. */
static void become_stap(const char *script, int out)
{
	const char *end = strrchr(script, '.');
	bool is_module = end && !strcmp(end, ".ko");
	int null = open("/dev/null", O_RDONLY);

	setsid();
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(126);
	if (is_module)
		execlp("staprun", "staprun", script, (char *)NULL);
	else
		execlp("stap", "stap", script, (char *)NULL);
	_exit(127);
}

static int start(struct stap_feed *s, const char *script)
{
	int out[2];

	if (access(script, R_OK))
		return -errno;
	if (pipe2(out, O_CLOEXEC))
		return -errno;
	s->child = fork();
	if (!s->child)
		become_stap(script, out[1]);
	close(out[1]);
	s->fd = out[0];
	if (s->child < 0) {
		s->child = 0;
		return -errno;
	}
	return fcntl(s->fd, F_SETFL, O_NONBLOCK) ? -errno : 0;
}

/* Why there will be no output. */
static int ended_early(struct stap_feed *s)
{
	int status = 0;

	if (waitpid(s->child, &status, 0) != s->child)
		return -ECHILD;
	s->child = 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == 127 ? -ENOENT : -ECHILD;
}

static int wait_for_begin(struct stap_feed *s, int patience_ms)
{
	struct pollfd fd = { .fd = s->fd, .events = POLLIN };

	for (; patience_ms > 0 && !s->has_begun; patience_ms -= 100) {
		poll(&fd, 1, 100);
		if (stap_take(&s->feed) == -EPIPE && !s->has_begun)
			return ended_early(s);
	}
	return s->has_begun ? 0 : -ETIMEDOUT;
}

int kvm_feed_open_stap(const char *script, int patience_ms, struct kvm_feed **ret)
{
	struct stap_feed *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->fd = -1;
	s->is_vmx = kvm_feed_host_is_vmx();
	err = kvm_feed_init(&s->feed, &feed_ops);
	if (!err)
		err = start(s, script);
	if (!err)
		err = wait_for_begin(s, patience_ms);
	if (err) {
		stap_close(&s->feed);
		return err;
	}
	*ret = &s->feed;
	return 0;
}
