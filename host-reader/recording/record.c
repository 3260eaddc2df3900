// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "host-reader/base/bus_error.h"
#include "host-reader/base/listen_socket.h"
#include "host-reader/base/message.h"
#include "host-reader/base/service.h"
#include "host-reader/recording/confine.h"
#include "host-reader/recording/control_commands.h"
#include "host-reader/recording/discover.h"
#include "host-reader/recording/recording.h"
#include "host-reader/recording/rotation.h"
#include "host-reader/recording/summary.h"

#define FLUSH_WAIT_NS  60000000u   /* a guest's flush timer is 10 ms; guests are slow at times */
#define STOP_WAIT_NS   1000000000u /* for those that are at work and have not stopped yet */
#define WAIT_NS	       2000000u
#define GUEST_WAIT_NS  1000000000u
#define SCRIPT_WAIT_NS 10000000000u
#define NICE	       -10

static volatile sig_atomic_t n_signals;
static volatile sig_atomic_t last_signal;

static void on_signal(int signo)
{
	n_signals++;
	last_signal = signo;
}

static void catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	/* Who read our messages may go; the recording stays. */
	signal(SIGPIPE, SIG_IGN);
}

/* ---- start ------------------------------------------------------------------- */

/* A file for each CPU of each boot of each VM: more than a shell allows, and where
 * one cannot be made the recording ends. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* The helper first: it has nothing of what follows. */
static int prepare(struct recording *rec, struct ivt_error *err)
{
	int ret;

	listen_socket_keep_inherited();
	ret = helper_start(rec->opt->command, rec->opt->user, &rec->helper);
	raise_file_limit();
	if (!ret && !event_set_is_empty(&rec->opt->host))
		ret = bpf_stats_start(&rec->bpf_stats);
	if (!ret)
		ret = loop_create(&rec->loop);
	if (!ret)
		ret = chunks_create(rec->opt->output, &rec->opt->rotation, rec->opt->does_resume,
				    rec->helper, &rec->chunks);
	rec->vms = calloc(RECORDING_MAX_VMS, sizeof(rec->vms[0]));
	if (!ret && !rec->vms)
		ret = -ENOMEM;
	if (!ret && rec->opt->finds_vms)
		ret = discover_create(&rec->discover);
	return ret ? ivt_error_set(err, ret, "cannot record: %s", strerror(-ret)) : 0;
}

/* Before there are threads: they have what this one has left. */
static int confine(struct recording *rec, struct ivt_error *err)
{
	/* The host may be busier than it can be, and rings do not wait.  If this
	 * is not allowed, it is only a wish. */
	setpriority(PRIO_PROCESS, 0, NICE);
	if (rec->opt->is_free)
		return 0;
	return confine_enter(rec->opt->user && (rec->opt->command || rec->opt->script), err);
}

/* Without it the recording is the same, but nobody can ask how it goes. */
static void begin_control(struct recording *rec)
{
	struct ivt_error err = { "" };
	const struct control_command *commands;
	size_t n;

	commands = control_commands(&n);
	if (control_start(rec, rec->loop, commands, n, &rec->control, &err))
		message("%s (status, add, remove and stop do not reach this recorder)", err.msg);
}

/* One that goes on does so on a full disk, too, as while it ran. */
static int first_snapshot(struct recording *rec, struct ivt_error *err)
{
	int ret = recording_snapshot_clocks(rec, err);

	return ret == -ENOSPC && rec->opt->does_resume ? 0 : ret;
}

static int begin_vms(struct recording *rec, struct ivt_error *err)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < rec->n_vms; i++)
		ret = recording_begin_vm(rec, rec->vms[i], err);
	if (!ret && rec->opt->does_resume)
		recording_resume_vms(rec);
	return ret;
}

/* What can fail on this machine is tried before the directory is made. */
static int start(struct recording *rec, struct ivt_error *err)
{
	size_t i;
	int ret = 0;

	if (rec->opt->flight.is_on)
		ret = flight_start(rec, &rec->opt->flight, &rec->flight, err);
	for (i = 0; !ret && i < rec->opt->n_vms; i++)
		ret = recording_attach_vm(rec, &rec->opt->vms[i], err);
	if (!ret)
		region_notes_clean();
	if (!ret)
		ret = clock_choice_start(&rec->clocks, err);
	if (!ret && !event_set_is_empty(&rec->opt->host))
		ret = host_trace_open(&rec->opt->host, &rec->sink, 0, &rec->ht, err);
	if (!ret && rec->ht)
		host_trace_measure_by(rec->ht, rec->bpf_stats);
	if (!ret && rec->opt->script)
		ret = stap_script_open(rec->opt->script, &rec->sink, 0, &rec->script, err);
	if (!ret)
		begin_control(rec);
	if (!ret && rec->opt->user)
		ret = confine_become_user(rec->opt->user, err);
	if (!ret)
		ret = recording_open_trace(rec, err);
	if (!ret)
		ret = first_snapshot(rec, err);
	/* The host first: a guest's request is never older than the host's part. */
	if (!ret && rec->ht)
		ret = host_trace_start(rec->ht, err);
	if (!ret)
		ret = confine(rec, err);
	if (!ret && rec->flight)
		ret = flight_begin(rec->flight, err);
	if (!ret && handshakes_start(&rec->handshakes))
		message("WARNING: no thread for handshakes (they check no clock now)");
	if (!ret)
		ret = begin_vms(rec, err);
	if (!ret && rec->discover)
		discover_look(rec->discover, rec);
	rec->started_ns = rec->progress_ns = rec->chunk_began_ns = now_ns();
	return ret;
}

static int start_command(struct recording *rec)
{
	int err;

	if (!rec->opt->command || n_signals)
		return 0;
	err = helper_run(rec->helper, rec->opt->command, 0, &rec->child);
	if (err) {
		rec->child = 0;
		message("cannot run '%s': %s", rec->opt->command[0], strerror(-err));
	} else {
		rec->child_pidfd = pidfd_open(rec->child, 0);
	}
	return err;
}

/* ---- the loop ------------------------------------------------------------------ */

static bool is_ended_process(int pidfd)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };

	return poll(&pfd, 1, 0) > 0;
}

/* Its parent is the helper, which can be killed: then the command's end is seen all the
 * same, and how it ended nobody knows. */
static bool has_command_ended(struct recording *rec)
{
	bool has_ended = helper_has_ended(rec->helper, rec->child, &rec->child_status);

	if (has_ended || !helper_is_gone(rec->helper))
		return has_ended;
	if (!rec->is_helper_missed)
		message("the process that runs '%s' for the recorder is gone, it was killed (for "
			"lack of memory? see dmesg): %s",
			rec->opt->command[0],
			rec->child_pidfd >= 0 ? "recording until the command ends"
					      : "the recording ends");
	rec->is_helper_missed = true;
	rec->child_status = -1;
	return rec->child_pidfd < 0 || is_ended_process(rec->child_pidfd);
}

/* A number may be another process's by now. */
static void end_command(const struct recording *rec)
{
	if (rec->child_pidfd >= 0)
		pidfd_send_signal(rec->child_pidfd, SIGTERM, NULL, 0);
	else if (!rec->is_helper_missed)
		kill(rec->child, SIGTERM);
}

static bool is_over(struct recording *rec)
{
	if (rec->sink.is_broken)
		return true;
	if (rec->opt->duration_ns && now_ns() - rec->started_ns >= rec->opt->duration_ns)
		return true;
	if (!rec->child)
		return n_signals > 0 || rec->is_stopping;
	if (has_command_ended(rec)) {
		rec->child = 0;
		return true;
	}
	/* Ctrl-C reached the command too: its end is ours.  A second one, or
	 * another signal, is meant for us. */
	if (n_signals == 1 && last_signal == SIGINT && !rec->is_stopping)
		return false;
	if (!n_signals && !rec->is_stopping)
		return false;
	end_command(rec);
	return true;
}

/* A guest's driver lives there, and nothing of it has come yet. */
static bool is_silent(struct vm *vm)
{
	return vm->has_guest && !vm->n_bytes && !vm_has_unread(vm);
}

/* A guest notices a recording within its driver's period and then dumps its
 * state: the first record says that it records.  A command waits for that. */
static void wait_for_guests(struct recording *rec)
{
	uint64_t begin = now_ns();
	bool is_waiting = rec->opt->command && !event_set_is_empty(&rec->opt->guest);
	size_t i;

	while (is_waiting && !n_signals && now_ns() - begin < GUEST_WAIT_NS) {
		recording_drain(rec, false);
		is_waiting = false;
		for (i = 0; i < rec->n_vms; i++)
			is_waiting = is_waiting || is_silent(rec->vms[i]);
		recording_keep_house(rec);
		loop_wait(rec->loop, WAIT_NS);
	}
	for (i = 0; is_waiting && !n_signals && i < rec->n_vms; i++)
		if (is_silent(rec->vms[i]))
			message("%s: nothing of its guest has come in 1 s: the command starts "
				"without (its owner may forbid it: ivtrace-guest status)",
				rec->vms[i]->spec.name);
}

/* ---- end ----------------------------------------------------------------------- */

/* SystemTap takes its time; meanwhile all is recorded as before. */
static void end_script(struct recording *rec)
{
	uint64_t begin = now_ns();

	stap_script_interrupt(rec->script);
	while (!stap_script_has_ended(rec->script) && now_ns() - begin < SCRIPT_WAIT_NS) {
		recording_drain(rec, false);
		recording_keep_house(rec);
		loop_wait(rec->loop, WAIT_NS);
	}
}

static size_t count_unquiet(struct recording *rec)
{
	size_t i, n = 0;

	for (i = 0; i < rec->n_vms; i++)
		n += !vm_is_quiet(rec->vms[i]);
	return n;
}

/* Drain until the guests have stopped, each at its own pace. */
static void wait_for_quiet(struct recording *rec)
{
	uint64_t begin = now_ns(), elapsed_ns = 0;
	size_t n_unquiet = 0;

	while (rec->n_vms &&
	       (elapsed_ns < FLUSH_WAIT_NS || (n_unquiet && elapsed_ns < STOP_WAIT_NS))) {
		recording_drain(rec, false);
		n_unquiet = count_unquiet(rec);
		loop_wait(rec->loop, WAIT_NS);
		elapsed_ns = now_ns() - begin;
	}
	if (n_unquiet)
		message("%zu VMs have not stopped to write within 1 s (what they wrote since is "
			"not in the trace)",
			n_unquiet);
}

/* Guests publish what they have; after that nothing new is asked for. */
static void drain_rest(struct recording *rec)
{
	size_t i;

	if (rec->script)
		end_script(rec);
	for (i = 0; i < rec->n_vms; i++)
		vm_ask_flush(rec->vms[i]);
	if (rec->handshakes)
		handshakes_hurry(rec->handshakes);
	wait_for_quiet(rec);
	rec->sink.retry_ns = 0; /* the last chance is not waited out */
	for (i = 0; i < rec->n_vms; i++)
		vm_check_process(rec->vms[i], rec->ht);
	if (rec->ht)
		host_trace_stop(rec->ht);
	if (rec->script)
		stap_script_finish(rec->script);
	recording_drain(rec, true);
	if (rec->handshakes)
		handshakes_stop(rec->handshakes);
	recording_take_handshakes(rec);
}

/* A disk that is still full. */
static void tell_unread(struct recording *rec)
{
	uint64_t bytes;
	size_t i;

	for (i = 0; i < rec->n_vms; i++) {
		bytes = rec->sink.is_full ? vm_give_up_unread(rec->vms[i]) : 0;
		if (bytes)
			message("%s: %" PRIu64 " bytes of records in its rings find no room on "
				"the disk (counted as lost)",
				rec->vms[i]->spec.name, bytes);
		if (rec->sink.is_full && rec->vms[i]->is_pending)
			message("%s: its last boot found no room on the disk (it is not in the "
				"trace, and not counted)",
				rec->vms[i]->spec.name);
	}
}

static void tell_failure(const char *path, const struct ivt_error *err)
{
	message("%s (what was written before is there and can be read: ivtrace-report summary %s)",
		err->msg, path);
}

/* The trace, or the last of several and what is left to do for the others. */
static int close_trace(struct recording *rec)
{
	const struct rotation_options *opt = &rec->opt->rotation;
	bool is_beside = rotation_is_wanted(opt) || opt->is_compressed;
	char *path = strdup(chunks_path(rec->chunks));
	struct ivt_error err = { "no memory to finish the trace" };
	int ret, failure = 0;

	if (is_beside)
		chunks_advance(rec->chunks, ivt_trace_writer_info(rec->sink.writer));
	ret = ivt_trace_writer_close(rec->sink.writer, &err);
	rec->sink.writer = NULL;
	if (!path)
		ret = -ENOMEM;
	if (is_beside)
		failure = chunks_await(rec->chunks);
	else if (!ret)
		ret = ivt_trace_finalise(path, &err);
	if (ret) {
		tell_failure(path ? path : rec->opt->output, &err);
	} else if (rotation_is_wanted(opt)) {
		chunks_summary(rec->chunks);
	} else {
		if (!is_beside)
			summary_check_clocks(rec->helper, path);
		summary_print(path);
	}
	free(path);
	return ret ? ret : failure;
}

static int end_flight(struct recording *rec)
{
	int ret = flight_finish(rec->flight);

	ivt_trace_writer_close(rec->sink.writer, NULL);
	rec->sink.writer = NULL;
	return ret;
}

/* 0 when what was recorded is whole on the disk. */
static int finish(struct recording *rec)
{
	struct ivt_error err = { "" };
	bool is_whole = true;
	size_t i;
	int ret;

	control_end(rec->control);
	rec->control = NULL;
	rotation_end(rec);
	drain_rest(rec);
	tell_unread(rec);
	recording_tell_doorbells(rec);
	if (recording_snapshot_clocks(rec, &err))
		message("%s", err.msg);
	if (rec->ht)
		host_trace_account(rec->ht);
	clock_choice_finish(&rec->clocks);
	for (i = 0; i < rec->n_vms; i++) {
		vm_account(rec->vms[i]);
		vm_end_spent(rec->vms[i]);
		vm_finish_clock(rec->vms[i]);
		is_whole = is_whole && !rec->vms[i]->is_broken && !rec->vms[i]->n_missed;
	}
	ret = rec->flight ? end_flight(rec) : close_trace(rec);
	is_whole = is_whole && !rec->sink.is_broken && !rec->sink.was_full;
	return ret || !is_whole ? -EIO : 0;
}

static void release(struct recording *rec)
{
	struct bpf_programs programs;

	control_end(rec->control); /* of a recording that was not begun */
	if (rec->handshakes) {
		handshakes_stop(rec->handshakes);
	}
	recording_end_vms(rec);
	handshakes_free(rec->handshakes);
	bpf_programs_note_own(&programs);
	clock_choice_end(&rec->clocks);
	mappers_deinit(&rec->mappers);
	host_trace_close(rec->ht);
	bpf_stats_end(rec->bpf_stats);
	stap_script_close(rec->script);
	free(rec->vms);
	chunks_destroy(rec->chunks);
	discover_destroy(rec->discover);
	flight_destroy(rec->flight);
	loop_destroy(rec->loop);
	if (rec->helper)
		helper_await_programs(rec->helper, &programs);
	helper_end(rec->helper);
	if (rec->child_pidfd >= 0)
		close(rec->child_pidfd);
}

static void tell_command(const struct recording *rec)
{
	if (!rec->opt->command)
		return;
	if (rec->child_status < 0)
		message("how '%s' ended is not known", rec->opt->command[0]);
	else if (WIFSIGNALED(rec->child_status))
		message("'%s' was ended by signal %d", rec->opt->command[0],
			WTERMSIG(rec->child_status));
	else if (WEXITSTATUS(rec->child_status))
		message("'%s' ended with status %d", rec->opt->command[0],
			WEXITSTATUS(rec->child_status));
}

int record_run(const struct record_options *opt)
{
	struct recording rec = {
		.opt = opt,
		.child_pidfd = -1,
		.clocks = { .wanted = opt->tsc, .stap_script = opt->stap_script },
	};
	struct ivt_error err = { "" };
	int ret;

	catch_signals(); /* from here on what is begun is ended in order */
	bus_error_survive();
	ret = prepare(&rec, &err);
	if (!ret)
		ret = start(&rec, &err);
	if (ret) {
		message("%s", err.msg);
		if (opt->does_resume)
			recording_abandon_trace(&rec);
		else
			ivt_trace_writer_close(rec.sink.writer, NULL);
		release(&rec);
		return 1;
	}
	message("recording into '%s'%s", chunks_path(rec.chunks),
		opt->duration_ns || opt->command ? "" : ", Ctrl-C ends it");
	service_say("READY=1");
	wait_for_guests(&rec);
	ret = start_command(&rec);
	while (!ret && !is_over(&rec)) {
		unsigned int fill = recording_drain(&rec, false);

		recording_keep_house(&rec);
		recording_sleep(&rec, fill);
	}
	service_say("STOPPING=1");
	if (finish(&rec))
		ret = -EIO;
	release(&rec);
	tell_command(&rec);
	if (rec.sink.was_full)
		message("the disk was full for a while: what is missing is counted as lost");
	return ret ? 1 : 0;
}
