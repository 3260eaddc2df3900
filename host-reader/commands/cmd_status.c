// SPDX-License-Identifier: GPL-2.0-or-later
/* status: which recorders run here, and how it goes. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "host-reader/base/message.h"
#include "host-reader/base/options.h"
#include "host-reader/base/run_dir.h"
#include "host-reader/commands/commands.h"
#include "host-reader/recording/control.h"
#include "host-reader/recording/control_client.h"

static const char help[] =
	"Usage: ivtrace-host status [--json] [--pid PID | -o DIR.ivt]\n"
	"\n"
	"Says which recorders run on this machine and, per VM, how it goes: its state, events,\n"
	"losses, how full its rings are, where its clock is read, what it costs.\n"
	"\n"
	"  --json            one JSON document\n"
	"  --pid PID         this recorder only\n"
	"  -o DIR.ivt        the one that records into DIR.ivt\n"
	"  --help\n"
	"\n"
	"States: waiting (no guest's driver is there), recording, paused (its heart does not\n"
	"beat), forbidden (by the guest's owner), panicked, gone (its process has ended),\n"
	"broken (its region was cut), spent (it has rebooted too often for this trace), leaving,\n"
	"removed.\n"
	"\n"
	"Examples:\n"
	"  ivtrace-host status\n"
	"  ivtrace-host status --json | jq '.recorders[].vms[] | {name, state}'\n";

enum {
	OPT_JSON = 256,
	OPT_PID,
};

static const struct option options[] = {
	{ "json", no_argument, NULL, OPT_JSON },
	{ "pid", required_argument, NULL, OPT_PID },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct asked {
	bool is_json;
	pid_t pid;
	const char *output;
};

/* ---- text ---------------------------------------------------------------------------- */

static const char *text_of(struct json_object *o, const char *key)
{
	const char *text = control_text(o, key);

	return text && *text ? text : "-";
}

static uint64_t lost_of(struct json_object *vm)
{
	struct json_object *lost;

	if (!json_object_object_get_ex(vm, "lost", &lost))
		return 0;
	return control_number(lost, "full") + control_number(lost, "nested") +
	       control_number(lost, "big") + control_number(lost, "uncommitted") +
	       control_number(lost, "quota");
}

static void print_vm(struct json_object *vm)
{
	uint64_t pid = control_number(vm, "pid");
	char process[16] = "-";

	if (pid)
		snprintf(process, sizeof(process), "%" PRIu64, pid);
	printf("  %-12s %-10s %8s %12" PRIu64 " %9" PRIu64 " %8" PRIu64 " %5.1f %% %9.1f kB  %-9s "
	       "%6.2f s  %s\n",
	       text_of(vm, "name"), text_of(vm, "state"), process, control_number(vm, "events"),
	       control_number(vm, "events_per_s"), lost_of(vm),
	       (double)control_number(vm, "fill_permille") / 10,
	       (double)control_number(vm, "backlog_bytes") / 1e3, text_of(vm, "clock"),
	       (double)control_number(vm, "drain_cpu_ns") / 1e9, text_of(vm, "release"));
}

static void print_since(struct json_object *r)
{
	time_t began = (time_t)(control_number(r, "began_real_ns") / 1000000000u);
	struct tm tm;
	char text[64] = "?";

	if (localtime_r(&began, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	printf("  since %s", text);
}

/* Of the host's programs, while they were measured. */
static void print_overhead(struct json_object *host)
{
	struct json_object *o;
	uint64_t measured_ns;

	if (!host || !json_object_object_get_ex(host, "overhead", &o))
		return;
	measured_ns = control_number(o, "measured_ns");
	if (measured_ns)
		printf(", its programs take %.2f %% of one CPU",
		       100.0 * (double)control_number(o, "run_ns") / (double)measured_ns);
}

static void print_recorder(struct json_object *r)
{
	uint64_t ns = control_number(r, "recorded_ns");
	double seconds = ns ? (double)ns / 1e9 : 1;
	struct json_object *vms, *host = NULL;
	size_t i;

	json_object_object_get_ex(r, "host", &host);
	printf("recorder %" PRIu64 " into %s\n", control_number(r, "pid"), text_of(r, "trace"));
	print_since(r);
	printf(", %.1f s, %.1f MB, CPU %.1f %%, %.0f wake-ups/s%s\n", seconds,
	       (double)control_number(r, "bytes") / 1e6,
	       (double)control_number(r, "cpu_ns") / 1e7 / seconds,
	       (double)control_number(r, "wakeups") / seconds,
	       control_number(r, "is_disk_full") ? ", THE DISK IS FULL" : "");
	printf("  host: %" PRIu64 " events, %" PRIu64 "/s, %" PRIu64 " lost",
	       control_number(host, "events"), control_number(host, "events_per_s"),
	       control_number(host, "lost"));
	print_overhead(host);
	putchar('\n');
	if (!json_object_object_get_ex(r, "vms", &vms) ||
	    !json_object_is_type(vms, json_type_array) || !json_object_array_length(vms))
		return;
	printf("  %-12s %-10s %8s %12s %9s %8s %7s %12s  %-9s %8s  %s\n", "VM", "state", "process",
	       "events", "per s", "lost", "full", "waiting", "clock", "CPU", "Linux");
	for (i = 0; i < json_object_array_length(vms); i++)
		print_vm(json_object_array_get_idx(vms, i));
}

/* ---- the command ----------------------------------------------------------------------- */

/* Adds each recorder's answer; returns the exit status. */
static int ask_all(const pid_t *pids, size_t n, struct json_object *answers)
{
	struct ivt_error err = { "" };
	struct json_object *answer;
	int status = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!control_client_ask(pids[i], "status", &answer, &err)) {
			json_object_object_del(answer, "ok");
			json_object_array_add(answers, answer);
			continue;
		}
		message("%s", err.msg);
		status = 1;
	}
	return status;
}

static void print_answers(struct json_object *answers, bool is_json)
{
	struct json_object *doc;
	size_t i, n = json_object_array_length(answers);

	if (is_json) {
		doc = json_object_new_object();
		json_object_object_add(doc, "schema", json_object_new_string("ivtrace.status/1"));
		json_object_object_add(doc, "recorders", json_object_get(answers));
		puts(json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY |
								 JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(doc);
		return;
	}
	for (i = 0; i < n; i++)
		print_recorder(json_object_array_get_idx(answers, i));
	if (!n)
		puts("no recorder runs here");
}

static int show(const struct asked *asked)
{
	struct json_object *answers;
	struct ivt_error err = { "" };
	pid_t *pids = NULL, one;
	size_t n = 0;
	int code, status;

	if (asked->pid || asked->output) {
		code = control_client_choose(asked->pid, asked->output, &one, &err);
		n = 1;
	} else {
		code = run_dir_list(&pids, &n, &err);
	}
	if (code) {
		message("%s", err.msg);
		return 1;
	}
	answers = json_object_new_array();
	status = ask_all(pids ? pids : &one, n, answers);
	if (!status || json_object_array_length(answers))
		print_answers(answers, asked->is_json);
	json_object_put(answers);
	free(pids);
	return status;
}

int cmd_status(int argc, char **argv)
{
	struct asked asked = { .pid = 0 };
	uint64_t pid;
	int c;

	while ((c = getopt_long(argc, argv, "ho:", options, NULL)) >= 0) {
		switch (c) {
		case 'h':
			fputs(help, stdout);
			return 0;
		case 'o':
			asked.output = optarg;
			break;
		case OPT_JSON:
			asked.is_json = true;
			break;
		case OPT_PID:
			if (parse_number(optarg, 1, 0x7fffffff, &pid))
				return usage_error("status", "--pid: '%s' is no process", optarg);
			asked.pid = (pid_t)pid;
			break;
		default:
			fputs("(see ivtrace-host status --help)\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc)
		return usage_error("status", "unexpected '%s'", argv[optind]);
	if (asked.pid && asked.output)
		return usage_error("status", "--pid and -o exclude each other");
	return show(&asked);
}
