// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "guest-driver/tool/tool.h"

#define MAX_DEVICES 8

static const char help[] =
	"Usage: ivtrace-guest status [--json]\n"
	"\n"
	"Says whether this VM has an ivshmem device, whether the driver has it, whether the\n"
	"host records (and whose events only), how much was written and lost. The status is 1 "
	"where nothing can\n"
	"be recorded; a message says why and what to do.\n"
	"\n"
	"  --json  one JSON object\n"
	"  --help\n"
	"\n"
	"To forbid recording: echo N >/sys/module/ivtrace/parameters/host_control\n"
	"\n"
	"Example:\n"
	"  ivtrace-guest status\n";

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct status {
	struct tool_device devices[MAX_DEVICES];
	unsigned int n_devices;
	struct tool_driver driver;
	unsigned int n_chains; /* types that call chains are wanted for */
	const char *advice;    /* NULL: all is well */
};

/* A driver that is not loaded wants none. */
static int count_chains(const struct tool_driver *d, unsigned int *ret)
{
	static uint64_t types[TOOL_TYPES / 64], chains[TOOL_TYPES / 64];
	int err = d->is_loaded ? driver_read_types(types, chains) : 0;
	size_t i;

	*ret = 0;
	for (i = 0; !err && i < TOOL_TYPES / 64; i++)
		*ret += (unsigned int)__builtin_popcountll(chains[i]);
	return err;
}

static int status_read(struct status *ret)
{
	int err;

	ret->n_devices = device_find(ret->devices, MAX_DEVICES);
	err = driver_read(&ret->driver);
	if (!err)
		err = count_chains(&ret->driver, &ret->n_chains);
	if (err) {
		message("cannot read what the driver says below /sys/class/misc/ivtrace: %s",
			strerror(-err));
		return err;
	}
	if (ret->n_devices)
		ret->advice = driver_advice(&ret->driver);
	else
		ret->advice = "this VM has no ivshmem device (on the host: ivtrace-host qemu-args "
			      "prints what QEMU needs)";
	return 0;
}

static unsigned int n_shown(const struct status *s)
{
	return s->n_devices < MAX_DEVICES ? s->n_devices : MAX_DEVICES;
}

static const char *host_state(const struct tool_driver *d)
{
	if (!strcmp(d->state, "frozen"))
		return "recording, frozen for now";
	return strcmp(d->state, "recording") ? "not recording" : "recording";
}

/* What the host wants but types of events: a line each, where it does. */
static void print_wishes(const struct status *s)
{
	const char *name = s->driver.filter_comms;

	if (s->driver.filter_pids[0])
		printf("only     processes %s\n", s->driver.filter_pids);
	while (*name) {
		size_t n = strcspn(name, "\n");

		printf("only     tasks named %.*s\n", (int)n, name);
		name += n + (name[n] == '\n');
	}
	if (s->n_chains)
		printf("chains   behind %u types of event\n", s->n_chains);
}

static void print_text(const struct status *s)
{
	const struct tool_driver *d = &s->driver;
	unsigned int i;

	for (i = 0; i < n_shown(s); i++)
		printf("device   %s, %" PRIu64 " MiB\n", s->devices[i].address,
		       s->devices[i].memory_bytes >> 20);
	if (!s->n_devices)
		puts("device   none");
	if (!d->is_loaded) {
		puts("driver   not loaded");
		return;
	}
	if (!strcmp(d->state, "unbound")) {
		puts("driver   loaded, no device bound");
		return;
	}
	printf("driver   loaded, bound to %s\n", d->device);
	printf("ring     %" PRIu64 " channels of %" PRIu64 " KiB, %s\n", d->channels,
	       d->channel_bytes >> 10, d->memory);
	printf("host     %s%s\n", host_state(d), d->is_allowed ? "" : " (forbidden here)");
	print_wishes(s);
	printf("records  %" PRIu64 "\n", d->records);
	printf("lost     %" PRIu64 " (ring full %" PRIu64 ", nested %" PRIu64 ", too big %" PRIu64
	       ")\n",
	       d->lost_full + d->lost_nested + d->lost_big, d->lost_full, d->lost_nested,
	       d->lost_big);
}

static struct json_object *pids_json(const char *text)
{
	struct json_object *list = json_object_new_array();

	while (*text) {
		char *end;
		unsigned long pid = strtoul(text, &end, 10);

		if (end == text)
			break;
		json_object_array_add(list, json_object_new_uint64(pid));
		text = end + (*end == ',');
	}
	return list;
}

static struct json_object *comms_json(const char *text)
{
	struct json_object *list = json_object_new_array();

	while (*text) {
		size_t n = strcspn(text, "\n");

		json_object_array_add(list, json_object_new_string_len(text, (int)n));
		text += n + (text[n] == '\n');
	}
	return list;
}

static void print_json(const struct status *s)
{
	const struct tool_driver *d = &s->driver;
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	unsigned int i;

	for (i = 0; i < n_shown(s); i++) {
		struct json_object *dev = json_object_new_object();

		json_object_object_add(dev, "address",
				       json_object_new_string(s->devices[i].address));
		json_object_object_add(dev, "memory_bytes",
				       json_object_new_uint64(s->devices[i].memory_bytes));
		json_object_array_add(list, dev);
	}
	json_object_object_add(o, "devices", list);
	json_object_object_add(o, "loaded", json_object_new_boolean(d->is_loaded));
	json_object_object_add(o, "allowed", json_object_new_boolean(d->is_allowed));
	json_object_object_add(o, "state", json_object_new_string(d->state));
	json_object_object_add(o, "device", json_object_new_string(d->device));
	json_object_object_add(o, "memory", json_object_new_string(d->memory));
	json_object_object_add(o, "channels", json_object_new_uint64(d->channels));
	json_object_object_add(o, "channel_bytes", json_object_new_uint64(d->channel_bytes));
	json_object_object_add(o, "filter_pids", pids_json(d->filter_pids));
	json_object_object_add(o, "filter_comms", comms_json(d->filter_comms));
	json_object_object_add(o, "chains", json_object_new_uint64(s->n_chains));
	json_object_object_add(o, "records", json_object_new_uint64(d->records));
	json_object_object_add(o, "lost_full", json_object_new_uint64(d->lost_full));
	json_object_object_add(o, "lost_nested", json_object_new_uint64(d->lost_nested));
	json_object_object_add(o, "lost_big", json_object_new_uint64(d->lost_big));
	json_object_object_add(o, "advice", s->advice ? json_object_new_string(s->advice) : NULL);
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
}

int cmd_status(int argc, char **argv)
{
	bool is_json = false;
	struct status s;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (c != 'j') {
			fputs("(see ivtrace-guest status --help)\n", stderr);
			return EXIT_USAGE;
		}
		is_json = true;
	}
	if (optind < argc)
		return usage_error("status", "unexpected '%s'", argv[optind]);
	if (status_read(&s))
		return 1;
	if (is_json)
		print_json(&s);
	else
		print_text(&s);
	if (!s.advice)
		return 0;
	fflush(stdout); /* before the message, where both go to one place */
	message("%s", s.advice);
	return 1;
}
