// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM's numbers as SystemTap sees them: tsc-sync/kvm_exit.stp, compiled before
 * or now, and its output.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include "tsc-sync/sources/stap_line.h"
#include "tsc-sync/sources/stap_process.h"

#define LINE_BYTES 256

struct stap_feed {
	struct kvm_feed feed;
	struct stap_process process;
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

	while ((n = stap_process_read(&s->process, text, sizeof(text))) > 0)
		take_bytes(s, text, (size_t)n);
	return n == -EPIPE ? -EPIPE : 0;
}

static void take_rest(void *ctx)
{
	stap_take(ctx);
}

static void stap_finish(struct kvm_feed *feed)
{
	struct stap_feed *s = (struct stap_feed *)feed;

	stap_process_finish(&s->process, take_rest, feed);
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
	stap_process_close(&s->process);
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

static int wait_for_begin(struct stap_feed *s, int patience_ms)
{
	struct pollfd fd = { .fd = s->process.fd, .events = POLLIN };

	for (; patience_ms > 0 && !s->has_begun; patience_ms -= 100) {
		poll(&fd, 1, 100);
		if (stap_take(&s->feed) == -EPIPE && !s->has_begun)
			return stap_process_why_ended(&s->process);
	}
	return s->has_begun ? 0 : -ETIMEDOUT;
}

int kvm_feed_open_stap(const char *script, int patience_ms, struct kvm_feed **ret)
{
	struct stap_feed *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->process.fd = -1;
	s->is_vmx = kvm_feed_host_is_vmx();
	err = kvm_feed_init(&s->feed, &feed_ops);
	if (!err)
		err = stap_process_start(&s->process, script, NULL, NULL);
	if (!err)
		err = wait_for_begin(s, patience_ms);
	if (err) {
		stap_close(&s->feed);
		return err;
	}
	*ret = &s->feed;
	return 0;
}
