// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "host-reader/base/message.h"
#include "host-reader/recording/snapshot_writer.h"

struct snapshot_writer {
	pthread_t thread;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t news;
	struct snapshot_job *jobs; /* to be taken or finished, oldest first */
	struct snapshot_job *done;
	bool is_ending;
};

void snapshot_job_free(struct snapshot_job *job)
{
	size_t i;

	if (!job)
		return;
	for (i = 0; i < job->n_parts; i++)
		free(job->parts[i].death_tsc);
	free(job->parts);
	ivt_trace_cut_destroy(job->cut);
	free(job);
}

/* ---- the work, without the lock ------------------------------------------------ */

static int take_part(struct snapshot_job *job, struct snapshot_part *part)
{
	struct ring_take take = {
		.region = part->region,
		.guest_epoch = part->guest_epoch,
		.is_dead = part->is_dead,
		.death_tsc = part->death_tsc,
		.is_void = &part->is_void,
		.writer = job->writer,
		.machine = ivt_trace_cut_number(job->cut, part->machine),
	};
	int ret = ring_take_run(&take, &job->err);

	job->n_records += take.n_records;
	job->n_salvaged += take.n_salvaged;
	job->n_overwritten += take.n_overwritten;
	return ret;
}

/* The rings first: what the host remembers stays as it is. */
static void take(struct snapshot_job *job)
{
	size_t i;

	job->code = ivt_trace_cut_begin(job->cut, job->path, &job->writer, &job->err);
	for (i = 0; i < job->n_parts && !job->code; i++)
		job->code = take_part(job, &job->parts[i]);
	atomic_store(&job->is_taken, true);
}

static void finish(struct snapshot_job *job)
{
	struct ivt_error ignored = { "" };
	int code;

	if (!job->code)
		job->code = ivt_trace_cut_fill(job->cut, job->since_ns, job->writer, &job->err);
	if (job->writer)
		job->bytes = ivt_trace_writer_bytes(job->writer);
	code = ivt_trace_writer_close(job->writer, job->code ? &ignored : &job->err);
	job->writer = NULL;
	if (!job->code)
		job->code = code;
	if (!job->code)
		job->code = ivt_trace_finalise(job->path, &job->err);
}

/* ---- the thread ------------------------------------------------------------------ */

/* Of those that are there, what is most in a hurry. */
static struct snapshot_job *choose(struct snapshot_writer *w)
{
	struct snapshot_job *job;

	for (job = w->jobs; job; job = job->next)
		if (!atomic_load(&job->is_taken))
			return job;
	return w->jobs;
}

static void move_to_done(struct snapshot_writer *w, struct snapshot_job *job)
{
	struct snapshot_job **at = &w->jobs;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	for (at = &w->done; *at; at = &(*at)->next)
		;
	job->next = NULL;
	*at = job;
}

static void *run(void *arg)
{
	struct snapshot_writer *w = arg;
	struct snapshot_job *job;
	bool was_taken;

	/* Of this thread alone: others' work comes first. */
	setpriority(PRIO_PROCESS, 0, 5);
	pthread_mutex_lock(&w->lock);
	for (;;) {
		job = choose(w);
		if (!job && w->is_ending)
			break;
		if (!job) {
			pthread_cond_wait(&w->news, &w->lock);
			continue;
		}
		was_taken = atomic_load(&job->is_taken);
		pthread_mutex_unlock(&w->lock);
		if (was_taken)
			finish(job);
		else
			take(job);
		pthread_mutex_lock(&w->lock);
		if (was_taken)
			move_to_done(w, job);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int snapshot_writer_start(struct snapshot_writer **ret)
{
	struct snapshot_writer *w = calloc(1, sizeof(*w));
	sigset_t all, before;
	int code;

	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->news, NULL);
	sigfillset(&all);	 /* signals are for the recorder's own thread */
	sigdelset(&all, SIGBUS); /* but a region that was cut is this one's matter, too */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	code = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (code) {
		free(w);
		return -code;
	}
	*ret = w;
	return 0;
}

void snapshot_writer_stop(struct snapshot_writer *w)
{
	struct snapshot_job *job;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->is_ending = true;
	pthread_cond_signal(&w->news);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	while ((job = w->done)) {
		w->done = job->next;
		snapshot_job_free(job);
	}
	pthread_cond_destroy(&w->news);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* ---- for the recorder --------------------------------------------------------------- */

void snapshot_writer_add(struct snapshot_writer *w, struct snapshot_job *job)
{
	struct snapshot_job **at;

	job->next = NULL;
	pthread_mutex_lock(&w->lock);
	for (at = &w->jobs; *at; at = &(*at)->next)
		;
	*at = job;
	pthread_cond_signal(&w->news);
	pthread_mutex_unlock(&w->lock);
}

struct snapshot_job *snapshot_writer_finished(struct snapshot_writer *w)
{
	struct snapshot_job *job;

	pthread_mutex_lock(&w->lock);
	job = w->done;
	if (job)
		w->done = job->next;
	pthread_mutex_unlock(&w->lock);
	return job;
}

size_t snapshot_writer_busy(struct snapshot_writer *w)
{
	struct snapshot_job *job;
	size_t n = 0;

	pthread_mutex_lock(&w->lock);
	for (job = w->jobs; job; job = job->next)
		n++;
	pthread_mutex_unlock(&w->lock);
	return n;
}

/* Each part of a job that is not taken and reads @region; *ret: how many. */
static size_t count_readers(struct snapshot_writer *w, const struct ivring_region *region,
			    bool is_void)
{
	struct snapshot_job *job;
	size_t n = 0, i;

	pthread_mutex_lock(&w->lock);
	for (job = w->jobs; job; job = job->next) {
		for (i = 0; i < job->n_parts && !atomic_load(&job->is_taken); i++) {
			if (job->parts[i].region != region)
				continue;
			if (is_void)
				atomic_store(&job->parts[i].is_void, true);
			n++;
		}
	}
	pthread_mutex_unlock(&w->lock);
	return n;
}

bool snapshot_writer_reads(struct snapshot_writer *w, const struct ivring_region *region)
{
	return count_readers(w, region, false) > 0;
}

void snapshot_writer_void(struct snapshot_writer *w, const struct ivring_region *region)
{
	count_readers(w, region, true);
}
