// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <ivring/events.h>
#include <stdio.h>
#include <string.h>
#include "guest-driver/tool/tool.h"

static const char help[] =
	"Usage: ivtrace-guest events [--recorded]\n"
	"\n"
	"Lists the events of this version: name, group, what it is, and whether the host\n"
	"records it now (\"recorded\" or \"-\"), with call chains or without. The host chooses:\n"
	"ivtrace-host record --guest and --stacks.\n"
	"\n"
	"  --recorded  only those that are recorded\n"
	"  --help\n"
	"\n"
	"Example:\n"
	"  ivtrace-guest events --recorded\n";

static const struct option options[] = {
	{ "recorded", no_argument, NULL, 'r' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

#define EVENT_LINE(number, event, in_group, text) \
	{ .type = number, .name = #event, .group = #in_group, .label = text },

static const struct event {
	unsigned int type;
	const char *name;
	const char *group;
	const char *label;
} events[] = { IVT_EVENTS(EVENT_LINE) };

static unsigned int count_types(const uint64_t *types, unsigned int first, unsigned int n)
{
	unsigned int i, count = 0;

	for (i = 0; i < n; i++)
		count += driver_has_type(types, first + i);
	return count;
}

static void print_events(const uint64_t *types, const uint64_t *chains, bool only_recorded)
{
	unsigned int n_entries = count_types(types, IVT_TYPE_SYSCALL_ENTRY, IVT_MAX_SYSCALL);
	unsigned int n_chains = count_types(chains, IVT_TYPE_SYSCALL_ENTRY, IVT_MAX_SYSCALL);
	size_t i;

	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		bool is_recorded = driver_has_type(types, events[i].type);

		if (!strcmp(events[i].group, "kvm") || (only_recorded && !is_recorded))
			continue; /* a host's */
		printf("%-9s  %-10s %-30s %s%s\n", is_recorded ? "recorded" : "-", events[i].group,
		       events[i].name, events[i].label,
		       driver_has_type(chains, events[i].type) ? ", with call chain" : "");
	}
	if (n_entries)
		printf("recorded   %-10s %-30s %u system calls by name, %u with call chains\n",
		       "syscall", "syscall_entry_*", n_entries, n_chains);
}

int cmd_events(int argc, char **argv)
{
	static uint64_t types[TOOL_TYPES / 64], chains[TOOL_TYPES / 64];
	bool only_recorded = false;
	int c, err;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (c != 'r') {
			fputs("(see ivtrace-guest events --help)\n", stderr);
			return EXIT_USAGE;
		}
		only_recorded = true;
	}
	if (optind < argc)
		return usage_error("events", "unexpected '%s'", argv[optind]);
	err = driver_read_types(types, chains);
	if (err) {
		message("cannot read what is recorded: %s%s", strerror(-err),
			err == -ENOENT ? " (is the driver loaded? ivtrace-guest load)" : "");
		return 1;
	}
	print_events(types, chains, only_recorded);
	return 0;
}
