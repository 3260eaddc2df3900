// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "host-reader/base/fairness.h"
#include "host-reader/base/message.h"
#include "host-reader/vm/handshake.h"

/* A driver looks each 10 ms: to come back a multiple of that less 1 ms after it
 * took up a call is to wait for it 1 ms, and not 5. */
#define PERIOD_NS    999000000u
#define MS_NS	     1000000u
#define CALLS_HZ     16	       /* at most about so many calls: each may spin for milliseconds */
#define MAX_LISTENED 4	       /* guests whose answer is waited for at once */
#define REST	     25	       /* times the CPU time that a call took: 4 % of a CPU, and ... */
#define LAP_REST     9	       /* ... 10 % in first and last laps */
#define LAP_NS	     29000000u /* between two vCPUs in a first or last lap */
#define LISTEN_NS    40000000u
#define FIRST_NS     150000000u /* it looks each 100 ms until it knows that we are there */
#define NAP_NS	     200000u	/* while listening: a vCPU looks for 500 us */
#define MAX_SLEEP_NS 100000000u
#define ROUNDS	     64
#define MIN_ROUNDS   2 /* one proves nothing: it could be any number */
#define MAX_TRIES    6
#define PATIENCE_TSC (1u << 18) /* 50..250 us of waiting for an answer */
#define MAX_PATIENCE (1u << 24) /* where hosts or guests are slow, and it takes turns */
#define MAX_DOUBLED  4u		/* periods, for a guest that does not answer */
#define MAX_RETRIES  3		/* at once */
#define MAX_RESULTS  256
#define NICE	     -10

/* One guest, as the thread sees it. */
struct caller {
	struct vm *vm; /* whose it is; the thread looks at its region only */
	const struct ivring_region *region;
	struct caller *next; /* this and the next under the lock */
	bool is_leaving;
	uint64_t guest_epoch;
	uint64_t call; /* that was made and not taken up yet; 0: none */
	uint64_t call_at_ns;
	uint64_t until_ns; /* listening */
	uint64_t seq;
	uint64_t patience_tsc;
	uint32_t vcpu;
	uint32_t lap; /* vCPUs to call without waiting for their turn */
	uint32_t n_unanswered;
	bool has_answered; /* in this epoch */
};

struct handshakes {
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows, and of no caller's time */
	pthread_cond_t wake;
	bool is_stopping;
	bool is_hurrying;
	struct handshake_result results[MAX_RESULTS];
	size_t n_results, first;
	struct caller *callers; /* only the thread takes one out */
	/* the thread's own */
	uint64_t n_calls;
	uint32_t n_callers;
	uint32_t n_listened;	    /* callers that have called */
	uint64_t charged_cpu_ns;    /* the thread's CPU time at the end of the last call */
	uint64_t rest_until_ns;	    /* from calls ... */
	uint64_t lap_rest_until_ns; /* ... in first and last laps */
};

static const struct ivring_guest_page *guest_page(const struct caller *c)
{
	return (const struct ivring_guest_page *)((const char *)c->region->base + IVRING_GUEST_OFF);
}

static const struct ivring_answer *answer_line(const struct caller *c)
{
	return (const struct ivring_answer *)((const char *)c->region->base + IVRING_ANSWER_OFF);
}

static uint32_t count_vcpus(const struct caller *c)
{
	uint32_t n = ivring_load(&guest_page(c)->nr_cpus), max = c->region->sb.nr_channels;

	return !n ? 1 : n < max ? n : max;
}

static bool may_call(const struct caller *c)
{
	return !ivring_region_check(c->region) &&
	       ivring_load(&guest_page(c)->state) == IVRING_GUEST_READY &&
	       ivring_load(&answer_line(c)->version) == IVRING_SHAKE_VERSION;
}

static void call(struct handshakes *h, struct caller *c, uint64_t now)
{
	struct ivring_reader_page *page = ivring_region_reader_page(c->region);
	uint64_t epoch = ivring_load(&guest_page(c)->guest_epoch);

	if (epoch != c->guest_epoch) {
		c->guest_epoch = epoch;
		c->lap = count_vcpus(c);
		c->n_unanswered = 0;
		c->has_answered = false;
	}
	c->vcpu = (c->vcpu + 1) % count_vcpus(c);
	c->call = ++h->n_calls << 16 | c->vcpu;
	c->until_ns = now + (c->has_answered ? LISTEN_NS : FIRST_NS);
	h->n_listened++;
	ivring_store_release(&page->shake_call, c->call);
	doorbell_interrupt(c->vm->doorbell);
}

/* Between two calls of a guest: the more guests, the longer. */
static uint64_t period(const struct handshakes *h)
{
	return (uint64_t)(PERIOD_NS + MS_NS) * (1 + h->n_callers / CALLS_HZ) - MS_NS;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What a call took, its listening and its spinning, and those beside it. */
static void charge(struct handshakes *h)
{
	uint64_t now = now_ns(), cpu_ns = thread_cpu_ns(), used_ns = cpu_ns - h->charged_cpu_ns;

	h->charged_cpu_ns = cpu_ns;
	h->rest_until_ns = later(h->rest_until_ns, now) + REST * used_ns;
	h->lap_rest_until_ns = later(h->lap_rest_until_ns, now) + LAP_REST * used_ns;
}

/* Nothing is waited for any more. */
static void drop_call(struct handshakes *h, struct caller *c)
{
	if (!c->call)
		return;
	c->call = 0;
	h->n_listened--;
	charge(h);
}

/* The call is over, answered or not: when is the next? */
static void end_call(struct handshakes *h, struct caller *c, uint64_t now, bool is_answered)
{
	uint32_t doubled = 0;

	ivring_store(&ivring_region_reader_page(c->region)->shake_call, 0);
	drop_call(h, c);
	c->has_answered |= is_answered;
	c->n_unanswered = is_answered ? 0 : c->n_unanswered + 1;
	if (c->n_unanswered >= MAX_RETRIES)
		doubled = c->n_unanswered - MAX_RETRIES;
	/* One that answered was stopped, and goes on some day. */
	if (doubled > (c->has_answered ? 1 : MAX_DOUBLED))
		doubled = c->has_answered ? 1 : MAX_DOUBLED;
	if (c->lap && (is_answered || doubled))
		c->lap--;
	if (c->lap || (c->n_unanswered && !doubled))
		c->call_at_ns = now + LAP_NS;
	else
		c->call_at_ns = now + (period(h) << doubled);
}

/*
 * No answer: on a busy host we may have taken the very CPU on which the vCPU was
 * looking.  It gets that one back when we go to another.
 */
static void change_cpu(const cpu_set_t *allowed)
{
	int here = sched_getcpu(), cpu, i;
	cpu_set_t one;

	for (i = 1; here >= 0 && i < CPU_SETSIZE; i++) {
		cpu = (here + i) % CPU_SETSIZE;
		if (!CPU_ISSET(cpu, allowed))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

static int ask(const struct tsc_handshake_words *words, struct caller *c, struct tsc_handshake *ret)
{
	cpu_set_t allowed;
	int err, tries = 0;

	while ((err = tsc_handshake_burst(words, ROUNDS, c->patience_tsc, &c->seq, ret)) ==
		       -ETIMEDOUT &&
	       ++tries < MAX_TRIES) {
		if (tries == 1 && sched_getaffinity(0, sizeof(allowed), &allowed))
			break;
		change_cpu(&allowed);
	}
	if (tries)
		sched_setaffinity(0, sizeof(allowed), &allowed);
	if (err == -ETIMEDOUT && c->patience_tsc < MAX_PATIENCE)
		c->patience_tsc *= 4;
	else if (!err && c->patience_tsc > PATIENCE_TSC)
		c->patience_tsc /= 2;
	return err;
}

static void put_result(struct handshakes *h, const struct handshake_result *result)
{
	pthread_mutex_lock(&h->lock);
	if (h->n_results < MAX_RESULTS)
		h->results[(h->first + h->n_results++) % MAX_RESULTS] = *result;
	pthread_mutex_unlock(&h->lock);
}

/* The vCPU looks: ask it. */
static bool shake(struct handshakes *h, struct caller *c)
{
	const struct tsc_handshake_words words = {
		.seq = &ivring_region_reader_page(c->region)->shake_seq,
		.answer_seq = &answer_line(c)->seq,
		.answer_tsc = &answer_line(c)->tsc,
	};
	struct handshake_result result = {
		.vm = c->vm,
		.vcpu = c->vcpu,
		.guest_epoch = c->guest_epoch,
	};

	if (ask(&words, c, &result.shake) || result.shake.rounds < MIN_ROUNDS)
		return false;
	/* Another guest's by now? */
	if (ivring_load_acquire(&guest_page(c)->guest_epoch) != c->guest_epoch)
		return false;
	put_result(h, &result);
	return true;
}

/* Listening wakes us all the time, and a burst spins, both for long where hosts or guests
 * are busy: there, they must not take what CPU time is left.  A guest's first calls, and
 * its last ones, are worth a little more. */
static uint64_t rest_until(const struct handshakes *h, const struct caller *c)
{
	return c->lap ? h->lap_rest_until_ns : h->rest_until_ns;
}

/* Go on with @c; the time at which to come again. */
static uint64_t attend(struct handshakes *h, struct caller *c, uint64_t now)
{
	bool is_looking, is_answered;

	if (!c->call) {
		if (now < c->call_at_ns)
			return c->call_at_ns;
		if (now < rest_until(h, c))
			return rest_until(h, c);
		if (h->n_listened >= MAX_LISTENED)
			return now + MS_NS;
		c->call_at_ns = now + MAX_SLEEP_NS;
		if (!may_call(c))
			return c->call_at_ns;
		call(h, c, now);
	}
	if (ivring_region_check(c->region)) {
		drop_call(h, c);
		return c->call_at_ns;
	}
	is_looking = ivring_load_acquire(&answer_line(c)->call) == c->call;
	if (!is_looking && now < c->until_ns)
		return now + NAP_NS;
	is_answered = is_looking && shake(h, c);
	end_call(h, c, now, is_answered);
	return c->call_at_ns;
}

/* False: it is over. */
static bool sleep_until(struct handshakes *h, uint64_t when_ns)
{
	struct timespec ts = { .tv_sec = (time_t)(when_ns / 1000000000u),
			       .tv_nsec = (long)(when_ns % 1000000000u) };
	struct caller *c;
	bool goes_on;

	pthread_mutex_lock(&h->lock);
	if (!h->is_stopping && !h->is_hurrying)
		pthread_cond_timedwait(&h->wake, &h->lock, &ts);
	for (c = h->callers; c && h->is_hurrying; c = c->next) {
		c->lap = count_vcpus(c);
		if (c->has_answered || c->n_unanswered <= MAX_RETRIES)
			c->call_at_ns = 0;
	}
	if (h->is_hurrying)
		h->lap_rest_until_ns = 0;
	h->is_hurrying = false;
	goes_on = !h->is_stopping;
	pthread_mutex_unlock(&h->lock);
	return goes_on;
}

static void retire(struct handshakes *h, struct caller *c)
{
	if (ivring_region_check(c->region))
		drop_call(h, c);
	else
		end_call(h, c, 0, false);
}

/* What was found of a guest that leaves is nobody's any more. */
static void forget_results(struct handshakes *h, const struct vm *vm)
{
	size_t i, n = h->n_results;

	h->n_results = 0;
	for (i = 0; i < n; i++) {
		const struct handshake_result *r = &h->results[(h->first + i) % MAX_RESULTS];

		if (r->vm != vm)
			h->results[(h->first + h->n_results++) % MAX_RESULTS] = *r;
	}
}

/* The next caller behind @c (NULL: the first); those that leave are let go. */
static struct caller *next_caller(struct handshakes *h, struct caller *c)
{
	struct caller **at, *gone;

	pthread_mutex_lock(&h->lock);
	at = c ? &c->next : &h->callers;
	while (*at && (*at)->is_leaving) {
		gone = *at;
		retire(h, gone);
		forget_results(h, gone->vm);
		*at = gone->next;
		free(gone);
	}
	c = *at;
	pthread_mutex_unlock(&h->lock);
	return c;
}

static void *run(void *arg)
{
	struct handshakes *h = arg;
	uint64_t next_ns;
	struct caller *c;
	uint32_t n;

	/* To be late is to miss the answer.  Neither is vital. */
	prctl(PR_SET_TIMERSLACK, 1);
	setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	do {
		next_ns = now_ns() + MAX_SLEEP_NS;
		n = 0;
		for (c = next_caller(h, NULL); c; c = next_caller(h, c), n++) {
			uint64_t ns = attend(h, c, now_ns());

			if (ns < next_ns)
				next_ns = ns;
		}
		h->n_callers = n;
	} while (sleep_until(h, next_ns));
	for (c = h->callers; c; c = c->next)
		retire(h, c);
	return NULL;
}

/* Signals are the main thread's; a fault stays with who made it. */
static int start_thread(struct handshakes *h)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGSEGV);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	err = pthread_create(&h->thread, NULL, run, h);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -err;
}

int handshakes_start(struct handshakes **ret)
{
	struct handshakes *h = calloc(1, sizeof(*h));
	pthread_condattr_t attr;
	int err;

	if (!h)
		return -ENOMEM;
	/* Numbers that no earlier recording used a moment ago. */
	h->n_calls = now_ns() >> 10 & 0xffffffffu;
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->wake, &attr);
	pthread_condattr_destroy(&attr);
	err = start_thread(h);
	if (err) {
		free(h);
		return err;
	}
	*ret = h;
	return 0;
}

int handshakes_add(struct handshakes *h, struct vm *vm)
{
	struct caller *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->vm = vm;
	c->region = &vm->region;
	c->seq = now_ns();
	c->patience_tsc = PATIENCE_TSC;
	pthread_mutex_lock(&h->lock);
	c->next = h->callers;
	h->callers = c;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
	return 0;
}

bool handshakes_remove(struct handshakes *h, const struct vm *vm)
{
	bool is_there = false;
	struct caller *c;

	pthread_mutex_lock(&h->lock);
	for (c = h->callers; c; c = c->next) {
		if (c->vm != vm)
			continue;
		c->is_leaving = true;
		is_there = !h->is_stopping;
		pthread_cond_signal(&h->wake);
	}
	pthread_mutex_unlock(&h->lock);
	return !is_there;
}

void handshakes_hurry(struct handshakes *h)
{
	pthread_mutex_lock(&h->lock);
	h->is_hurrying = true;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
}

bool handshakes_take(struct handshakes *h, struct handshake_result *ret)
{
	bool is_there;

	pthread_mutex_lock(&h->lock);
	is_there = h->n_results > 0;
	if (is_there) {
		*ret = h->results[h->first];
		h->first = (h->first + 1) % MAX_RESULTS;
		h->n_results--;
	}
	pthread_mutex_unlock(&h->lock);
	return is_there;
}

void handshakes_stop(struct handshakes *h)
{
	if (h->is_stopping)
		return;
	pthread_mutex_lock(&h->lock);
	h->is_stopping = true;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
}

void handshakes_free(struct handshakes *h)
{
	struct caller *c;

	if (!h)
		return;
	while ((c = h->callers)) {
		h->callers = c->next;
		free(c);
	}
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
