// SPDX-License-Identifier: GPL-2.0-or-later
/* top: what the VMs of a recording do right now. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "host-reader/base/options.h"
#include "host-reader/commands/commands.h"
#include "host-reader/recording/control.h"
#include "host-reader/recording/control_client.h"
#include "host-reader/top/top.h"

#define INTERVAL_NS 1000000000u

static const char help[] =
	"Usage: ivtrace-host top [--once] [--json] [--interval T] [--pid PID | DIR.ivt]\n"
	"\n"
	"Shows, again and again, what the VMs of a recording that runs do: per vCPU how much of\n"
	"the time its thread ran, was preempted (wanted a CPU and got none) and waited; disk\n"
	"requests per second and how long they took in the guest (half of them no longer than\n"
	"p50); events and losses; and what the recorder itself uses.\n"
	"\n"
	"  --once            one interval, then end\n"
	"  --interval T      1s, 500ms (1s)\n"
	"  --json            a JSON object a line\n"
	"  --pid PID         the recorder, if several run here\n"
	"  --help\n"
	"\n"
	"Disk requests are seen where the guest's block events are recorded, about 0.2 s later\n"
	"than the rest.\n"
	"\n"
	"Examples:\n"
	"  ivtrace-host top\n"
	"  ivtrace-host top --once --interval 5s slow.ivt\n";

enum {
	OPT_ONCE = 256,
	OPT_JSON,
	OPT_INTERVAL,
	OPT_PID,
};

static const struct option options[] = {
	{ "once", no_argument, NULL, OPT_ONCE },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "interval", required_argument, NULL, OPT_INTERVAL },
	{ "pid", required_argument, NULL, OPT_PID },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct asked {
	bool is_once, is_json;
	uint64_t interval_ns;
	pid_t pid;
	const char *output;
};

/* ---- text -------------------------------------------------------------------------- */

static double real_of(struct json_object *o, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(o, key, &value) ? json_object_get_double(value) : 0;
}

/* The i-th of the array @key; NULL past its end. */
static struct json_object *element(struct json_object *o, const char *key, size_t i)
{
	struct json_object *array;

	if (!json_object_object_get_ex(o, key, &array) || i >= json_object_array_length(array))
		return NULL;
	return json_object_array_get_idx(array, i);
}

static void print_vcpus(struct json_object *vm)
{
	struct json_object *vcpu;
	size_t i;

	for (i = 0; (vcpu = element(vm, "vcpus", i)); i++)
		printf("%-12s %5" PRIu64 " %8.1f %% %8.1f %% %8.1f %%\n", "",
		       control_number(vcpu, "index"), real_of(vcpu, "running_percent"),
		       real_of(vcpu, "preempted_percent"), real_of(vcpu, "waiting_percent"));
}

static void print_vm(struct json_object *vm)
{
	double running = 0, preempted = 0, waiting = 0;
	struct json_object *vcpu, *disks = NULL;
	size_t n;

	for (n = 0; (vcpu = element(vm, "vcpus", n)); n++) {
		running += real_of(vcpu, "running_percent");
		preempted += real_of(vcpu, "preempted_percent");
		waiting += real_of(vcpu, "waiting_percent");
	}
	json_object_object_get_ex(vm, "disks", &disks);
	if (n)
		printf("%-12s %5s %8.1f %% %8.1f %% %8.1f %%", control_text(vm, "name"), "all",
		       running / (double)n, preempted / (double)n, waiting / (double)n);
	else
		printf("%-12s %5s %10s %10s %10s", control_text(vm, "name"), "-", "-", "-", "-");
	printf(" %10" PRIu64 " %8" PRIu64 " %10" PRIu64 " %9.2f %9.2f  %s\n",
	       control_number(vm, "events_per_s"), control_number(vm, "lost"),
	       control_number(disks, "requests_per_s"),
	       (double)control_number(disks, "p50_ns") / 1e6,
	       (double)control_number(disks, "max_ns") / 1e6, control_text(vm, "state"));
	if (n > 1)
		print_vcpus(vm);
}

static void print_text(struct json_object *o)
{
	time_t now = (time_t)(control_number(o, "real_ns") / 1000000000u);
	struct json_object *recorder = NULL, *vm;
	char clock[16] = "";
	struct tm tm;
	size_t i;

	if (isatty(STDOUT_FILENO))
		fputs("\033[H\033[J", stdout);
	if (localtime_r(&now, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	json_object_object_get_ex(o, "recorder", &recorder);
	printf("%s, %.1f s; recorder %" PRIu64 ": CPU %.2f %%, %" PRIu64 " wake-ups/s, %.1f kB/s\n",
	       clock, (double)control_number(o, "interval_ns") / 1e9,
	       control_number(recorder, "pid"), real_of(recorder, "cpu_percent"),
	       control_number(recorder, "wakeups_per_s"),
	       (double)control_number(recorder, "bytes_per_s") / 1e3);
	printf("%-12s %5s %10s %10s %10s %10s %8s %10s %9s %9s  %s\n", "VM", "vCPU", "running",
	       "preempted", "waiting", "events/s", "lost", "requests/s", "p50 ms", "max ms",
	       "state");
	for (i = 0; (vm = element(o, "vms", i)); i++)
		print_vm(vm);
	putchar('\n');
}

/* ---- the command --------------------------------------------------------------------- */

static int show(const struct asked *asked, struct top *top)
{
	struct ivt_error err = { "" };
	struct json_object *o;
	int code;

	do {
		code = top_collect(top, asked->interval_ns, &o, &err);
		if (code)
			break;
		if (asked->is_json)
			puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
		else
			print_text(o);
		json_object_put(o);
	} while (!fflush(stdout) && !asked->is_once);
	if (code == -ESRCH) {
		message("the recording is over");
		return 0;
	}
	if (code && code != -EINTR)
		message("%s", err.msg);
	return code && code != -EINTR ? 1 : 0;
}

static int run(const struct asked *asked)
{
	struct ivt_error err = { "" };
	struct top *top;
	pid_t pid;
	int status;

	if (control_client_choose(asked->pid, asked->output, &pid, &err) ||
	    top_open(pid, &top, &err)) {
		message("%s", err.msg);
		return 1;
	}
	status = show(asked, top);
	top_close(top);
	return status;
}

/* 0: go on; else the exit status. */
static int take_option(struct asked *asked, int c, const char *value)
{
	uint64_t pid;

	switch (c) {
	case OPT_ONCE:
		asked->is_once = true;
		return 0;
	case OPT_JSON:
		asked->is_json = true;
		return 0;
	case OPT_INTERVAL:
		if (parse_duration(value, &asked->interval_ns))
			return usage_error("top", "--interval: '%s' is no time (1s, 500ms)", value);
		return 0;
	case OPT_PID:
		if (parse_number(value, 1, 0x7fffffff, &pid))
			return usage_error("top", "--pid: '%s' is no process", value);
		asked->pid = (pid_t)pid;
		return 0;
	default:
		fputs("(see ivtrace-host top --help)\n", stderr);
		return EXIT_USAGE;
	}
}

int cmd_top(int argc, char **argv)
{
	struct asked asked = { .interval_ns = INTERVAL_NS };
	int c, ret = 0;

	while (!ret && (c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		ret = take_option(&asked, c, optarg);
	}
	if (ret)
		return ret;
	asked.output = optind < argc ? argv[optind++] : NULL;
	if (optind < argc)
		return usage_error("top", "unexpected '%s'", argv[optind]);
	if (asked.pid && asked.output)
		return usage_error("top", "--pid and a trace exclude each other");
	return run(&asked);
}
