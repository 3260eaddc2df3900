// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "guest-driver/tool/tool.h"

static const char help[] =
	"Usage: ivtrace-guest load [--timeout S] [PARAMETER=VALUE...]\n"
	"\n"
	"Loads ivtrace.ko by modprobe, with parameters of the module if any, and waits until\n"
	"it has its device. Needs root. A driver that is loaded already is waited for only.\n"
	"\n"
	"  --timeout S  seconds to wait for the device (5)\n"
	"  --help\n"
	"\n"
	"Examples:\n"
	"  ivtrace-guest load\n"
	"  ivtrace-guest load host_control=N flush_ms=100\n";

static const struct option options[] = {
	{ "timeout", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

extern char **environ;

/* @words: the module's parameters, NULL at the end; two places before are free. */
static int modprobe(char **words)
{
	static char program[] = "modprobe", module[] = "ivtrace";
	int status, err;
	pid_t pid;

	words[0] = program;
	words[1] = module;
	err = posix_spawnp(&pid, program, NULL, NULL, words, environ);
	if (err) {
		message("cannot run modprobe: %s (insmod ivtrace.ko does it by hand)",
			strerror(err));
		return -err;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status) {
		message("modprobe could not load the driver, see above (is it installed for this "
			"kernel? make dkms-tree; is it signed, if the kernel asks for that?)");
		return -ENOEXEC;
	}
	return 0;
}

static int wait_until_bound(unsigned int timeout_s)
{
	const struct timespec look = { .tv_nsec = 50000000 };
	struct tool_driver d = { .is_loaded = false };
	unsigned int i;
	int err = 0;

	for (i = 0; i <= timeout_s * 20; i++) {
		if (i)
			nanosleep(&look, NULL);
		err = driver_read(&d);
		if (!err && strcmp(d.state, "unbound"))
			return 0;
	}
	message("%s", err ? strerror(-err) : driver_advice(&d));
	return 1;
}

static int load(unsigned int timeout_s, int n_words, char **parameters)
{
	struct tool_driver d;
	char **words;
	int err;

	if (!device_find(NULL, 0)) {
		message("this VM has no ivshmem device (on the host: ivtrace-host qemu-args prints "
			"what QEMU needs)");
		return 1;
	}
	if (!driver_read(&d) && d.is_loaded) {
		if (n_words)
			message("the driver is loaded already: '%s' was not set", parameters[0]);
		return wait_until_bound(timeout_s);
	}
	words = calloc((size_t)n_words + 3, sizeof(*words));
	if (!words) {
		message("out of memory");
		return 1;
	}
	memcpy(words + 2, parameters, (size_t)n_words * sizeof(*words));
	err = modprobe(words);
	free(words);
	return err ? 1 : wait_until_bound(timeout_s);
}

int cmd_load(int argc, char **argv)
{
	unsigned long timeout_s = 5;
	char *end;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (c != 't') {
			fputs("(see ivtrace-guest load --help)\n", stderr);
			return EXIT_USAGE;
		}
		timeout_s = strtoul(optarg, &end, 10);
		if (*end || end == optarg || timeout_s > 3600)
			return usage_error("load", "--timeout: '%s' is not in 0..3600", optarg);
	}
	return load((unsigned int)timeout_s, argc - optind, argv + optind);
}
