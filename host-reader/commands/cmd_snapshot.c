// SPDX-License-Identifier: GPL-2.0-or-later
/* snapshot: a flight recorder that runs writes down what it has. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "host-reader/base/message.h"
#include "host-reader/base/options.h"
#include "host-reader/commands/commands.h"
#include "host-reader/recording/control.h"
#include "host-reader/recording/control_client.h"

#define POLL_NS 50000000

static const char help[] =
	"Usage: ivtrace-host snapshot [--vm NAME] [--pid PID | -o DIR.ivt]\n"
	"\n"
	"Has a flight recorder (record --mode flight) write a snapshot, prints its name, and\n"
	"returns when it is written.  The recording goes on.\n"
	"\n"
	"  --vm NAME         of this VM's rings only, and the host's part\n"
	"  --reason TEXT     why; it is kept in the snapshot\n"
	"  --pid PID         the recorder, if several run here (ivtrace-host status)\n"
	"  -o DIR.ivt        the one that was started with -o DIR.ivt\n"
	"  --help\n"
	"\n"
	"Examples:\n"
	"  ivtrace-host snapshot\n"
	"  ivtrace-host snapshot --vm a --reason 'users complain'\n"
	"  ivtrace-report io \"$(ivtrace-host snapshot)\"\n";

enum {
	OPT_VM = 256,
	OPT_REASON,
	OPT_PID,
};

static const struct option options[] = {
	{ "vm", required_argument, NULL, OPT_VM },
	{ "reason", required_argument, NULL, OPT_REASON },
	{ "pid", required_argument, NULL, OPT_PID },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct request {
	const char *vm, *reason, *output;
	pid_t pid;
	bool wants_help;
};

static int take_option(struct request *r, int c, const char *value)
{
	uint64_t pid;

	switch (c) {
	case 'h':
		r->wants_help = true;
		return 0;
	case 'o':
		r->output = value;
		return 0;
	case OPT_VM:
		r->vm = value;
		return 0;
	case OPT_REASON:
		r->reason = value;
		return 0;
	case OPT_PID:
		if (parse_number(value, 1, 0x7fffffff, &pid))
			return usage_error("snapshot", "--pid: '%s' is no process", value);
		r->pid = (pid_t)pid;
		return 0;
	default:
		fputs("(see ivtrace-host snapshot --help)\n", stderr);
		return EXIT_USAGE;
	}
}

static int read_options(struct request *r, int argc, char **argv)
{
	int c, ret = 0;

	while (!ret && !r->wants_help && (c = getopt_long(argc, argv, "ho:", options, NULL)) >= 0)
		ret = take_option(r, c, optarg);
	if (ret || r->wants_help)
		return ret;
	if (optind < argc)
		return usage_error("snapshot", "unexpected '%s'", argv[optind]);
	if (r->pid && r->output)
		return usage_error("snapshot", "--pid and -o exclude each other");
	if (r->vm && !is_vm_name(r->vm, strlen(r->vm)))
		return usage_error("snapshot", "'%s' is no VM's name", r->vm);
	return 0;
}

/* 0 with the snapshot's name in *ret (PATH_MAX). */
static int order(const struct request *r, pid_t pid, char *ret, struct ivt_error *err)
{
	struct json_object *request = json_object_new_object(), *answer;
	const char *path;
	int code;

	json_object_object_add(request, "command", json_object_new_string("snapshot"));
	if (r->vm)
		json_object_object_add(request, "vm", json_object_new_string(r->vm));
	if (r->reason)
		json_object_object_add(request, "reason", json_object_new_string(r->reason));
	code = control_client_call(pid, request, &answer, err);
	json_object_put(request);
	if (code)
		return code;
	path = control_text(answer, "path");
	if (path)
		snprintf(ret, PATH_MAX, "%s", path);
	else
		code = ivt_error_set(err, -EBADMSG, "the recorder named no snapshot");
	json_object_put(answer);
	return code;
}

/* 0: it is written; -EINPROGRESS; -errno with *err. */
static int ask_state(pid_t pid, const char *path, struct ivt_error *err)
{
	struct json_object *request = json_object_new_object(), *answer;
	const char *state;
	int code;

	json_object_object_add(request, "command", json_object_new_string("snapshot-state"));
	json_object_object_add(request, "path", json_object_new_string(path));
	code = control_client_call(pid, request, &answer, err);
	json_object_put(request);
	if (code)
		return code;
	state = control_text(answer, "state");
	code = state && !strcmp(state, "written") ? 0 : -EINPROGRESS;
	json_object_put(answer);
	return code;
}

static int run(const struct request *r)
{
	struct timespec pause = { .tv_nsec = POLL_NS };
	struct ivt_error err = { "" };
	char path[PATH_MAX];
	pid_t pid;
	int code = control_client_choose(r->pid, r->output, &pid, &err);

	if (!code)
		code = order(r, pid, path, &err);
	while (!code && (code = ask_state(pid, path, &err)) == -EINPROGRESS) {
		nanosleep(&pause, NULL);
		code = 0;
	}
	if (code) {
		message("%s", err.msg);
		return 1;
	}
	printf("%s\n", path);
	return 0;
}

int cmd_snapshot(int argc, char **argv)
{
	struct request r = { .vm = NULL };
	int ret = read_options(&r, argc, argv);

	if (ret)
		return ret;
	if (r.wants_help) {
		fputs(help, stdout);
		return 0;
	}
	return run(&r);
}
