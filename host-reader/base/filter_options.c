// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "host-reader/base/filter_options.h"

#define MAX_PID	   (1u << 22) /* of any Linux */
#define MAX_PIDS   IVRING_FILTER_PIDS
#define MAX_COMMS  IVRING_FILTER_COMMS
#define COMM_BYTES sizeof(((struct ivring_filter *)0)->comms[0])

struct target {
	struct vm_spec *vms;
	size_t n_vms;
	char *why;
	size_t why_bytes;
};

static struct vm_spec *find_vm(const struct target *t, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < t->n_vms; i++)
		if (strlen(t->vms[i].name) == len && !memcmp(t->vms[i].name, name, len))
			return &t->vms[i];
	return NULL;
}

/* Take "VM:" off @text and leave that VM in @t.  A task's name may have a colon, too. */
static int choose_vm(enum filter_kind kind, struct target *t, const char **text)
{
	const char *colon = strchr(*text, ':');
	size_t len = colon ? (size_t)(colon - *text) : 0;
	struct vm_spec *vm = colon ? find_vm(t, *text, len) : NULL;

	if (vm) {
		t->vms = vm;
		t->n_vms = 1;
		*text = colon + 1;
		return 0;
	}
	if (colon && (kind == FILTER_PID || is_vm_name(*text, len)))
		snprintf(t->why, t->why_bytes, "'%.*s' is no VM of this recording%s", (int)len,
			 *text, kind == FILTER_PID ? "" : " (a name with a colon: VM:NAME)");
	else if (kind == FILTER_PID && t->n_vms != 1)
		snprintf(t->why, t->why_bytes, "'%s' of which VM? (VM:PID)", *text);
	else
		return 0;
	return -EINVAL;
}

static int add_pid(const struct target *t, const char *text)
{
	struct ivring_filter *f = &t->vms->filter;
	uint64_t pid;

	if (parse_number(text, 0, MAX_PID, &pid)) {
		snprintf(t->why, t->why_bytes, "'%s' is no process", text);
		return -EINVAL;
	}
	if (f->nr_pids == MAX_PIDS) {
		snprintf(t->why, t->why_bytes, "more than %d processes of one VM", MAX_PIDS);
		return -EINVAL;
	}
	f->pids[f->nr_pids++] = (uint32_t)pid;
	return 0;
}

static int add_comm(const struct target *t, const char *text)
{
	size_t i;

	if (!*text || strlen(text) >= COMM_BYTES) {
		snprintf(t->why, t->why_bytes, "'%s' is no task's name (1 to %zu bytes)", text,
			 COMM_BYTES - 1);
		return -EINVAL;
	}
	for (i = 0; i < t->n_vms; i++) {
		struct ivring_filter *f = &t->vms[i].filter;

		if (f->nr_comms == MAX_COMMS) {
			snprintf(t->why, t->why_bytes, "more than %d names for one VM", MAX_COMMS);
			return -EINVAL;
		}
		strcpy(f->comms[f->nr_comms++], text);
	}
	return 0;
}

int filter_parse(enum filter_kind kind, const char *text, struct vm_spec *vms, size_t n_vms,
		 char *why, size_t why_bytes)
{
	struct target t = { vms, n_vms, why, why_bytes };
	char part[128];
	int ret;

	if (!n_vms) {
		snprintf(why, why_bytes, "there is no --vm");
		return -EINVAL;
	}
	ret = choose_vm(kind, &t, &text);
	while (!ret) {
		size_t n = strcspn(text, ",");

		snprintf(part, sizeof(part), "%.*s", (int)n, text);
		ret = kind == FILTER_PID ? add_pid(&t, part) : add_comm(&t, part);
		if (!text[n])
			break;
		text += n + 1;
	}
	return ret;
}

bool filter_is_set(const struct ivring_filter *f)
{
	return f->nr_pids || f->nr_comms;
}

void filter_text(const struct ivring_filter *f, char *ret, size_t ret_bytes)
{
	size_t len = 0;
	uint32_t i;

	*ret = '\0';
	for (i = 0; i < f->nr_pids && len < ret_bytes; i++)
		len += (size_t)snprintf(ret + len, ret_bytes - len, "%s%u", i ? "," : "pid ",
					f->pids[i]);
	for (i = 0; i < f->nr_comms && len < ret_bytes; i++)
		len += (size_t)snprintf(ret + len, ret_bytes - len, "%s%s",
					i     ? ","
					: len ? " name "
					      : "name ",
					f->comms[i]);
}
