// SPDX-License-Identifier: GPL-2.0-or-later
/* add, remove, stop: what a recorder that runs is told. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "host-reader/base/options.h"
#include "host-reader/commands/commands.h"
#include "host-reader/recording/control_client.h"

#define HELP_CHOOSE                                                                     \
	"  --pid PID         the recorder, if several run here (ivtrace-host status)\n" \
	"  -o DIR.ivt        the one that records into DIR.ivt\n"                       \
	"  --help\n"                                                                    \
	"\n"

static const char add_help[] =
	"Usage: ivtrace-host add --vm NAME[=shm:PATH|=sock:PATH] [--pid PID | -o DIR.ivt]\n"
	"\n"
	"Records one more VM into a recording that runs, from now on, with the events that\n"
	"were asked for when it began.\n"
	"\n"
	"  --vm NAME[=shm:PATH]\n"
	"                    the VM and its region's file (/dev/shm/ivtrace-NAME), which\n"
	"                    qemu-args or attach made\n"
	"  --vm NAME=sock:PATH\n"
	"                    the VM and the socket, made now, that its QEMU connects "
	"to\n" HELP_CHOOSE "Examples:\n"
	"  ivtrace-host attach --vm c --qmp /run/c.qmp && ivtrace-host add --vm c\n"
	"  ivtrace-host add --vm c --pid 4711\n";

static const char remove_help[] =
	"Usage: ivtrace-host remove --vm NAME [--pid PID | -o DIR.ivt]\n"
	"\n"
	"Ends the recording of one VM: what its guest has published is taken, what was\n"
	"recorded stays in the trace, the others go on.\n"
	"\n"
	"  --vm NAME         the VM\n" HELP_CHOOSE "Examples:\n"
	"  ivtrace-host remove --vm c\n";

static const char stop_help[] =
	"Usage: ivtrace-host stop [--pid PID | -o DIR.ivt]\n"
	"\n"
	"Ends a recording in order, as Ctrl-C does, and returns when its recorder has ended.\n"
	"\n" HELP_CHOOSE "Examples:\n"
	"  ivtrace-host stop\n"
	"  ivtrace-host stop -o slow.ivt && ivtrace-report io slow.ivt\n";

enum {
	OPT_VM = 256,
	OPT_PID,
};

static const struct option options[] = {
	{ "vm", required_argument, NULL, OPT_VM },
	{ "pid", required_argument, NULL, OPT_PID },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct order {
	const char *command;
	const char *help;
	const char *vm, *output;
	struct vm_spec spec; /* what vm says */
	pid_t pid;
};

static bool takes_vm(const struct order *order)
{
	return strcmp(order->command, "stop") != 0;
}

/* 0: go on; else the exit status. */
static int take_option(struct order *order, int c, const char *value)
{
	uint64_t pid;

	switch (c) {
	case 'o':
		order->output = value;
		return 0;
	case OPT_PID:
		if (parse_number(value, 1, 0x7fffffff, &pid))
			return usage_error(order->command, "--pid: '%s' is no process", value);
		order->pid = (pid_t)pid;
		return 0;
	case OPT_VM:
		if (!takes_vm(order))
			return usage_error(order->command, "unexpected --vm");
		order->vm = value;
		return 0;
	default:
		fprintf(stderr, "(see ivtrace-host %s --help)\n", order->command);
		return EXIT_USAGE;
	}
}

/* 0: go on; else the exit status; *is_done: help was printed. */
static int read_options(struct order *order, int argc, char **argv, bool *is_done)
{
	int c, ret = 0;

	while (!ret && (c = getopt_long(argc, argv, "ho:", options, NULL)) >= 0) {
		if (c == 'h') {
			fputs(order->help, stdout);
			*is_done = true;
			return 0;
		}
		ret = take_option(order, c, optarg);
	}
	if (ret)
		return ret;
	if (optind < argc)
		return usage_error(order->command, "unexpected '%s'", argv[optind]);
	if (order->pid && order->output)
		return usage_error(order->command, "--pid and -o exclude each other");
	if (!takes_vm(order))
		return 0;
	if (!order->vm)
		return usage_error(order->command, "which VM? --vm NAME is missing");
	if (parse_vm(order->vm, &order->spec))
		return usage_error(order->command,
				   "'%s' is no VM: NAME, NAME=shm:PATH or NAME=sock:PATH",
				   order->vm);
	return 0;
}

/* The recorder's folder is another one: it is told whole paths. */
static struct json_object *vm_in_full(const struct order *order)
{
	char folder[PATH_MAX], text[3 * PATH_MAX];
	const struct vm_spec *spec = &order->spec;

	if (spec->path[0] == '/' || !getcwd(folder, sizeof(folder)))
		return json_object_new_string(order->vm);
	snprintf(text, sizeof(text), "%s=%s:%s/%s", spec->name, spec->is_socket ? "sock" : "shm",
		 folder, spec->path);
	return json_object_new_string(text);
}

static int send_order(const struct order *order, pid_t pid, struct ivt_error *err)
{
	struct json_object *request = json_object_new_object(), *answer;
	int code;

	json_object_object_add(request, "command", json_object_new_string(order->command));
	if (order->vm)
		json_object_object_add(request, "vm", vm_in_full(order));
	code = control_client_call(pid, request, &answer, err);
	if (!code)
		json_object_put(answer);
	json_object_put(request);
	return code;
}

/* A recorder that ends has its trace to finish. */
static void wait_for_end(int pidfd)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };

	while (pidfd >= 0 && poll(&pfd, 1, -1) < 0 && errno == EINTR)
		;
}

static int run_order(const struct order *order)
{
	struct ivt_error err = { "" };
	int pidfd = -1, code;
	pid_t pid;

	code = control_client_choose(order->pid, order->output, &pid, &err);
	/* Before it is told: afterwards the number may be another's. */
	if (!code && !takes_vm(order))
		pidfd = pidfd_open(pid, 0);
	if (!code)
		code = send_order(order, pid, &err);
	if (!code)
		wait_for_end(pidfd);
	else
		message("%s", err.msg);
	if (pidfd >= 0)
		close(pidfd);
	return code ? 1 : 0;
}

static int run(const char *command, const char *help, int argc, char **argv)
{
	struct order order = { .command = command, .help = help };
	bool is_done = false;
	int ret = read_options(&order, argc, argv, &is_done);

	return ret || is_done ? ret : run_order(&order);
}

int cmd_add(int argc, char **argv)
{
	return run("add", add_help, argc, argv);
}

int cmd_remove(int argc, char **argv)
{
	return run("remove", remove_help, argc, argv);
}

int cmd_stop(int argc, char **argv)
{
	return run("stop", stop_help, argc, argv);
}
