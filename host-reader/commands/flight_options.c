// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>
#include "cli/cli.h"
#include "host-reader/base/message.h"
#include "host-reader/commands/flight_options.h"

#define MIN_HOST_MEMORY (4u << 20) /* a few of the largest packets */
#define MAX_LIMIT	10000u	   /* as many numbers as names have */

void flight_options_init(struct flight_options *opt)
{
	opt->host_memory_bytes = 64u << 20;
	opt->after_ns = 200000000u;
	opt->distance_ns = 10000000000u;
	opt->limit = 100;
}

static int take_mode(struct flight_options *opt, const char *value)
{
	if (strcmp(value, "stream") != 0 && strcmp(value, "flight") != 0)
		return usage_error("record", "--mode: '%s' is neither stream nor flight", value);
	opt->is_on = !strcmp(value, "flight");
	return 0;
}

static int take_memory(struct flight_options *opt, const char *value)
{
	if (!parse_size(value, &opt->host_memory_bytes) &&
	    opt->host_memory_bytes >= MIN_HOST_MEMORY)
		return 0;
	return usage_error("record", "--host-memory: '%s' is no size of 4M or more", value);
}

static int take_trigger(struct flight_options *opt, const char *value)
{
	char why[320];

	if (!trigger_parse(&opt->triggers, value, why, sizeof(why)))
		return 0;
	return usage_error("record", "--trigger: %s", why);
}

static int take_time(const char *option, const char *value, uint64_t *ret_ns)
{
	if (!strcmp(value, "0")) {
		*ret_ns = 0;
		return 0;
	}
	if (!parse_duration(value, ret_ns))
		return 0;
	return usage_error("record", "%s: '%s' is no time (5, 5s, 500ms)", option, value);
}

static int take_limit(struct flight_options *opt, const char *value)
{
	uint64_t n;

	if (parse_number(value, 1, MAX_LIMIT, &n))
		return usage_error("record", "--snapshot-limit: '%s' is not in 1..%u", value,
				   MAX_LIMIT);
	opt->limit = (uint32_t)n;
	return 0;
}

static int take_qmp(struct flight_options *opt, const char *value)
{
	const char *path = strchr(value, ':');
	struct flight_qmp *q = &opt->qmp[opt->n_qmp];

	if (!path || !is_vm_name(value, (size_t)(path - value)) || !path[1] ||
	    strlen(path + 1) >= sizeof(q->path))
		return usage_error("record", "--qmp: '%s' is not VM:SOCKET", value);
	if (opt->n_qmp == FLIGHT_MAX_QMP)
		return usage_error("record", "--qmp: more than %d", FLIGHT_MAX_QMP);
	memcpy(q->vm, value, (size_t)(path - value));
	strcpy(q->path, path + 1);
	opt->n_qmp++;
	return 0;
}

int flight_options_take(struct flight_options *opt, enum flight_option option, const char *value)
{
	opt->has_any = opt->has_any || option != FLIGHT_MODE;
	switch (option) {
	case FLIGHT_MODE:
		return take_mode(opt, value);
	case FLIGHT_HOST_MEMORY:
		return take_memory(opt, value);
	case FLIGHT_TRIGGER:
		return take_trigger(opt, value);
	case FLIGHT_AFTER:
		return take_time("--snapshot-after", value, &opt->after_ns);
	case FLIGHT_DISTANCE:
		return take_time("--snapshot-distance", value, &opt->distance_ns);
	case FLIGHT_LIMIT:
		return take_limit(opt, value);
	default:
		return take_qmp(opt, value);
	}
}

int flight_options_check(const struct flight_options *opt, const struct event_set *host,
			 const struct event_set *guest)
{
	const struct trigger *t;

	if (!opt->is_on && opt->has_any)
		return usage_error("record",
				   "--host-memory, --trigger, --snapshot-... and --qmp go "
				   "with --mode flight");
	t = trigger_unheard(&opt->triggers, host, guest);
	if (t)
		return usage_error("record",
				   "--trigger: '%s' looks at events that are not recorded (--host, "
				   "--guest)",
				   t->text);
	return 0;
}
