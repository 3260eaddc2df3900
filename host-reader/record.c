// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "host-reader/bus_error.h"
#include "host-reader/handshake.h"
#include "host-reader/message.h"
#include "host-reader/record.h"
#include "host-reader/stap_script.h"
#include "host-reader/summary.h"
#include "tsc-sync/sources/snapshot.h"

#define MIN_SLEEP_NS   200000u
#define MAX_SLEEP_NS   10000000u
#define SNAPSHOT_NS    100000000u
#define PROGRESS_NS    500000000u
#define CHECKPOINT_NS  5000000000u
#define FLUSH_WAIT_NS  60000000u /* a guest's flush timer is 10 ms; guests are slow at times */
#define GUEST_WAIT_NS  1000000000u
#define SCRIPT_WAIT_NS 10000000000u
#define NICE	       -10
#define BUSY_PERMILLE  100
#define QUIET_PERMILLE 10

struct recording {
	const struct record_options *opt;
	struct sink sink;
	struct vm *vms;
	size_t n_vms; /* attached */
	struct clock_choice clocks;
	struct host_trace *ht;
	struct stap_script *script;    /* NULL: none */
	struct handshakes *handshakes; /* NULL: none */
	pid_t child;
	int child_status;
	int nice; /* ours before the recording, the command's */
	uint64_t started_ns;
	uint64_t sleep_ns;
	uint64_t snapshot_ns; /* last time of each */
	uint64_t progress_ns;
	uint64_t n_shown; /* host records at that time */
	uint64_t checkpoint_ns;
};

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

static int attach_vms(struct recording *rec, struct ivt_error *err)
{
	size_t i;
	int ret;

	rec->vms = calloc(rec->opt->n_vms ? rec->opt->n_vms : 1, sizeof(*rec->vms));
	if (!rec->vms)
		return ivt_error_set(err, -ENOMEM, "cannot record: %s", strerror(ENOMEM));
	for (i = 0; i < rec->opt->n_vms; i++) {
		rec->n_vms = i + 1;
		ret = vm_attach(&rec->vms[i], &rec->opt->vms[i], rec->opt->size_bytes,
				rec->opt->cpus, err);
		if (ret)
			return ret;
		rec->vms[i].clocks = &rec->clocks;
	}
	return 0;
}

static int take_snapshot(struct recording *rec, struct ivt_error *err)
{
	struct tsc_sync_snapshot snap;
	int ret = tsc_sync_snapshot_take(&snap);

	if (ret)
		return ivt_error_set(err, ret, "cannot read the clocks: %s", strerror(-ret));
	return ivt_trace_writer_snapshot(rec->sink.writer, &snap, err);
}

/* The host is machine 0 in every trace, with or without events of its own. */
static int add_host(struct recording *rec, struct ivt_error *err)
{
	struct ivt_machine_info info;
	uint32_t machine;

	memset(&info, 0, sizeof(info));
	snprintf(info.name, sizeof(info.name), "host");
	info.kind = IVT_HOST;
	info.clock = IVT_CLOCK_MONO_NS;
	info.freq_hz = 1000000000u;
	info.qemu_pid = -1;
	return ivt_trace_writer_add_machine(rec->sink.writer, &info, &machine, err);
}

/* What can fail on this machine is tried before the directory is made. */
static int start(struct recording *rec, struct ivt_error *err)
{
	size_t i;
	int ret;

	ret = attach_vms(rec, err);
	if (!ret)
		ret = clock_choice_start(&rec->clocks, err);
	if (!ret && !event_set_is_empty(&rec->opt->host))
		ret = host_trace_open(&rec->opt->host, &rec->sink, 0, &rec->ht, err);
	if (!ret && rec->opt->script)
		ret = stap_script_open(rec->opt->script, &rec->sink, 0, &rec->script, err);
	if (!ret)
		ret = ivt_trace_writer_create(rec->opt->output, IVT_VERSION, &rec->sink.writer,
					      err);
	if (!ret)
		ret = add_host(rec, err);
	if (!ret)
		ret = take_snapshot(rec, err);
	/* The host first: a guest's request is never older than the host's part. */
	if (!ret && rec->ht)
		ret = host_trace_start(rec->ht, err);
	for (i = 0; !ret && i < rec->n_vms; i++) {
		ret = vm_begin(&rec->vms[i], &rec->sink, &rec->opt->guest, err);
		if (!ret)
			vm_watch_process(&rec->vms[i], rec->ht);
	}
	if (!ret && rec->n_vms && handshakes_start(rec->vms, rec->n_vms, &rec->handshakes))
		message("WARNING: no thread for handshakes (they check no clock now)");
	rec->started_ns = rec->progress_ns = now_ns();
	return ret;
}

static int start_command(struct recording *rec)
{
	int report[2], code = 0;

	if (!rec->opt->command || n_signals)
		return 0;
	if (pipe2(report, O_CLOEXEC))
		return -errno;
	rec->child = fork();
	if (!rec->child) {
		setpriority(PRIO_PROCESS, 0, rec->nice);
		signal(SIGPIPE, SIG_DFL);
		execvp(rec->opt->command[0], rec->opt->command);
		code = errno;
		if (write(report[1], &code, sizeof(code)) < 0)
			_exit(126);
		_exit(127);
	}
	close(report[1]);
	if (rec->child < 0)
		code = errno;
	else if (read(report[0], &code, sizeof(code)) != sizeof(code))
		code = 0;
	close(report[0]);
	if (!code)
		return 0;
	message("cannot run '%s': %s", rec->opt->command[0], strerror(code));
	if (rec->child > 0)
		waitpid(rec->child, NULL, 0);
	rec->child = 0;
	return -code;
}

/* ---- the loop ------------------------------------------------------------------ */

/* How fast a counter grew since it was last shown. */
static uint64_t per_second(uint64_t n, uint64_t *shown, uint64_t elapsed_ns)
{
	uint64_t grown = n > *shown ? n - *shown : 0;

	*shown = n;
	return elapsed_ns ? (uint64_t)((double)grown * 1e9 / (double)elapsed_ns) : 0;
}

static void show_progress(struct recording *rec, uint64_t now)
{
	uint64_t lost = rec->ht ? host_trace_account(rec->ht) : 0, elapsed_ns;
	char text[1024];
	size_t i, n;

	if (rec->script)
		lost += stap_script_lost(rec->script);
	elapsed_ns = now - rec->progress_ns;
	rec->progress_ns = now;
	n = (size_t)snprintf(text, sizeof(text), "%.0f s  %.1f MB  host %" PRIu64 "/s",
			     (double)(now - rec->started_ns) / 1e9,
			     (double)ivt_trace_writer_bytes(rec->sink.writer) / 1e6,
			     per_second(rec->sink.n_records, &rec->n_shown, elapsed_ns));
	for (i = 0; i < rec->n_vms; i++) {
		struct vm *vm = &rec->vms[i];
		uint64_t rate = per_second(vm_count_events(vm), &vm->n_shown, elapsed_ns);

		lost += vm_account(vm);
		if (n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "  %s %" PRIu64 "/s",
					      vm->spec.name, rate);
	}
	progress("%s  %" PRIu64 " lost", text, lost);
}

static unsigned int drain_all(struct recording *rec, bool is_last)
{
	unsigned int most = rec->ht ? host_trace_drain(rec->ht, is_last) : 0, fill;
	size_t i;

	if (rec->script)
		stap_script_drain(rec->script);
	for (i = 0; i < rec->n_vms; i++) {
		vm_check_region(&rec->vms[i]);
		vm_watch_guest(&rec->vms[i]);
		fill = vm_drain(&rec->vms[i], is_last);
		if (fill > most)
			most = fill;
	}
	return most;
}

static void take_handshakes(struct recording *rec)
{
	struct handshake_result result;

	while (rec->handshakes && handshakes_take(rec->handshakes, &result))
		vm_take_handshake(&rec->vms[result.vm], &result);
}

/* What is done now and then. */
static void housekeeping(struct recording *rec)
{
	struct ivt_error err = { "" };
	uint64_t now = now_ns();
	size_t i;

	for (i = 0; i < rec->n_vms; i++)
		vm_watch_process(&rec->vms[i], rec->ht);
	take_handshakes(rec);
	if (now - rec->snapshot_ns >= SNAPSHOT_NS) {
		/* On a full disk a snapshot can be missed: the next one will do. */
		if (!rec->sink.is_full && take_snapshot(rec, &err) && !rec->sink.is_full)
			message("%s", err.msg);
		rec->snapshot_ns = now;
	}
	if (now - rec->progress_ns >= PROGRESS_NS) {
		show_progress(rec, now);
	}
	if (now - rec->checkpoint_ns >= CHECKPOINT_NS) {
		if (!rec->sink.is_full)
			ivt_trace_writer_checkpoint(rec->sink.writer, NULL);
		rec->checkpoint_ns = now;
	}
}

static bool is_over(struct recording *rec)
{
	if (rec->sink.is_broken)
		return true;
	if (rec->opt->duration_ns && now_ns() - rec->started_ns >= rec->opt->duration_ns)
		return true;
	if (!rec->child)
		return n_signals > 0;
	if (waitpid(rec->child, &rec->child_status, WNOHANG) == rec->child) {
		rec->child = 0;
		return true;
	}
	/* Ctrl-C reached the command too: its end is ours.  A second one, or
	 * another signal, is meant for us. */
	if (n_signals == 1 && last_signal == SIGINT)
		return false;
	if (n_signals)
		kill(rec->child, SIGTERM);
	return n_signals > 0;
}

static void wait_a_little(struct recording *rec, unsigned int fill_permille)
{
	struct timespec ts = { 0 };

	if (fill_permille >= BUSY_PERMILLE)
		rec->sleep_ns = MIN_SLEEP_NS;
	else if (fill_permille >= QUIET_PERMILLE)
		rec->sleep_ns = rec->sleep_ns / 2 > MIN_SLEEP_NS ? rec->sleep_ns / 2 : MIN_SLEEP_NS;
	else
		rec->sleep_ns = rec->sleep_ns * 2 < MAX_SLEEP_NS ? rec->sleep_ns * 2 : MAX_SLEEP_NS;
	ts.tv_nsec = (long)rec->sleep_ns;
	nanosleep(&ts, NULL);
}

/* A guest notices a recording within its driver's period and then dumps its
 * state: the first record says that it records.  A command waits for that. */
static void wait_for_guests(struct recording *rec)
{
	struct timespec ms = { .tv_nsec = 2000000 };
	uint64_t begin = now_ns();
	bool is_waiting = rec->opt->command && !event_set_is_empty(&rec->opt->guest);

	while (is_waiting && !n_signals && now_ns() - begin < GUEST_WAIT_NS) {
		size_t i;

		drain_all(rec, false);
		is_waiting = false;
		for (i = 0; i < rec->n_vms; i++) {
			struct vm *vm = &rec->vms[i];

			if (vm->has_guest && !vm->n_bytes && !vm_has_unread(vm))
				is_waiting = true;
		}
		housekeeping(rec);
		nanosleep(&ms, NULL);
	}
}

/* ---- end ----------------------------------------------------------------------- */

/* SystemTap takes its time; meanwhile all is recorded as before. */
static void end_script(struct recording *rec)
{
	struct timespec ms = { .tv_nsec = 2000000 };
	uint64_t begin = now_ns();

	stap_script_interrupt(rec->script);
	while (!stap_script_has_ended(rec->script) && now_ns() - begin < SCRIPT_WAIT_NS) {
		drain_all(rec, false);
		housekeeping(rec);
		nanosleep(&ms, NULL);
	}
}

/* Guests publish what they have; after that nothing new is asked for. */
static void drain_rest(struct recording *rec)
{
	struct timespec ms = { .tv_nsec = 2000000 };
	uint64_t begin;
	size_t i;

	if (rec->script)
		end_script(rec);
	begin = now_ns();
	for (i = 0; i < rec->n_vms; i++)
		vm_ask_flush(&rec->vms[i]);
	if (rec->handshakes)
		handshakes_hurry(rec->handshakes);
	while (rec->n_vms && now_ns() - begin < FLUSH_WAIT_NS) {
		drain_all(rec, false);
		nanosleep(&ms, NULL);
	}
	rec->sink.retry_ns = 0; /* the last chance is not waited out */
	for (i = 0; i < rec->n_vms; i++)
		vm_check_process(&rec->vms[i], rec->ht);
	if (rec->ht)
		host_trace_stop(rec->ht);
	if (rec->script)
		stap_script_finish(rec->script);
	drain_all(rec, true);
	if (rec->handshakes)
		handshakes_stop(rec->handshakes);
	take_handshakes(rec);
}

/* A disk that is still full. */
static void tell_unread(struct recording *rec)
{
	uint64_t bytes;
	size_t i;

	for (i = 0; i < rec->n_vms; i++) {
		bytes = rec->sink.is_full ? vm_give_up_unread(&rec->vms[i]) : 0;
		if (bytes)
			message("%s: %" PRIu64 " bytes of records in its rings find no room on "
				"the disk (counted as lost)",
				rec->vms[i].spec.name, bytes);
	}
}

/* 0 when what was recorded is whole on the disk. */
static int finish(struct recording *rec)
{
	struct ivt_error err = { "" };
	bool is_whole = true;
	size_t i;
	int ret;

	drain_rest(rec);
	tell_unread(rec);
	if (take_snapshot(rec, &err))
		message("%s", err.msg);
	if (rec->ht)
		host_trace_account(rec->ht);
	clock_choice_finish(&rec->clocks);
	for (i = 0; i < rec->n_vms; i++) {
		vm_account(&rec->vms[i]);
		vm_finish_clock(&rec->vms[i]);
		is_whole = is_whole && !rec->vms[i].is_broken;
	}
	ret = ivt_trace_writer_close(rec->sink.writer, &err);
	rec->sink.writer = NULL;
	if (!ret)
		ret = ivt_trace_finalise(rec->opt->output, &err);
	if (ret) {
		message("%s (what was written before is there and can be read: ivtrace-report "
			"summary %s)",
			err.msg, rec->opt->output);
	} else {
		summary_check_clocks(rec->opt->output);
		summary_print(rec->opt->output);
	}
	is_whole = is_whole && !rec->sink.is_broken && !rec->sink.was_full;
	return ret || !is_whole ? -EIO : 0;
}

static void release(struct recording *rec)
{
	size_t i;

	if (rec->handshakes) {
		handshakes_stop(rec->handshakes);
		handshakes_free(rec->handshakes);
	}
	for (i = 0; i < rec->n_vms; i++)
		vm_end(&rec->vms[i]);
	clock_choice_end(&rec->clocks);
	host_trace_close(rec->ht);
	stap_script_close(rec->script);
	free(rec->vms);
}

static void tell_command(const struct recording *rec)
{
	if (!rec->opt->command)
		return;
	if (WIFSIGNALED(rec->child_status))
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
		.clocks = { .wanted = opt->tsc, .stap_script = opt->stap_script },
		.sleep_ns = MIN_SLEEP_NS,
	};
	struct ivt_error err = { "" };
	int ret;

	catch_signals(); /* from here on what is begun is ended in order */
	bus_error_survive();
	ret = start(&rec, &err);
	if (ret) {
		message("%s", err.msg);
		ivt_trace_writer_close(rec.sink.writer, NULL);
		release(&rec);
		return 1;
	}
	/* The host may be busier than it can be, and rings do not wait.  If this
	 * is not allowed, it is only a wish. */
	rec.nice = getpriority(PRIO_PROCESS, 0);
	setpriority(PRIO_PROCESS, 0, NICE);
	message("recording into '%s'%s", opt->output,
		opt->duration_ns || opt->command ? "" : ", Ctrl-C ends it");
	wait_for_guests(&rec);
	ret = start_command(&rec);
	while (!ret && !is_over(&rec)) {
		unsigned int fill = drain_all(&rec, false);

		housekeeping(&rec);
		wait_a_little(&rec, fill);
	}
	if (finish(&rec))
		ret = -EIO;
	release(&rec);
	tell_command(&rec);
	if (rec.sink.was_full)
		message("the disk was full for a while: what is missing is counted as lost");
	return ret ? 1 : 0;
}
