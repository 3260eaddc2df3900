// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host-reader/base/options.h"
#include "host-reader/qemu/qemu_args.h"

#define MAX_ARGS_BYTES (1u << 20)

int qemu_args_read(pid_t pid, struct qemu_args *ret)
{
	char path[64], *text = malloc(MAX_ARGS_BYTES);
	size_t n;
	FILE *f;

	if (!text)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	f = fopen(path, "re");
	if (!f) {
		free(text);
		return -errno;
	}
	n = fread(text, 1, MAX_ARGS_BYTES - 1, f);
	fclose(f);
	text[n] = '\0';
	ret->text = text;
	ret->bytes = n;
	return 0;
}

void qemu_args_free(struct qemu_args *args)
{
	free(args->text);
	args->text = NULL;
	args->bytes = 0;
}

/* JSON: "key" : "value" or a number.  Backslashes in names of files are rare
 * enough to be left as they are. */
static bool json_value(const char *arg, const char *key, char *ret, size_t ret_bytes)
{
	size_t n = strlen(key), len;
	const char *p = arg;

	while ((p = strchr(p, '"'))) {
		p++;
		if (strncmp(p, key, n) || p[n] != '"')
			continue;
		p += n + 1;
		p += strspn(p, " \t\n");
		if (*p != ':')
			continue;
		p++;
		p += strspn(p, " \t\n");
		len = *p == '"' ? strcspn(p + 1, "\"") : strcspn(p, ",} \t\n");
		p += *p == '"';
		if (len >= ret_bytes)
			return false;
		memcpy(ret, p, len);
		ret[len] = '\0';
		return true;
	}
	return false;
}

/* key=value,...; a comma in a value is written twice; "file.key" counts too. */
static bool plain_value(const char *arg, const char *key, char *ret, size_t ret_bytes)
{
	size_t n = strlen(key);

	while (*arg) {
		const char *name = arg;
		size_t name_len = strcspn(arg, "=,"), len = 0;
		bool is_it;

		if (!strncmp(name, "file.", 5) && name_len > 5) {
			name += 5;
			name_len -= 5;
		}
		is_it = name_len == n && !strncmp(name, key, n) && name[n] == '=';
		for (arg = name + name_len; *arg; arg++) {
			if (*arg == ',' && *++arg != ',')
				break;
			if (is_it && arg > name + n && len + 1 < ret_bytes)
				ret[len++] = *arg;
		}
		if (is_it) {
			ret[len] = '\0';
			return true;
		}
	}
	return false;
}

bool qemu_arg_value(const char *arg, const char *key, char *ret, size_t ret_bytes)
{
	return *arg == '{' ? json_value(arg, key, ret, ret_bytes)
			   : plain_value(arg, key, ret, ret_bytes);
}

static uint64_t size_of(const char *arg, const char *key)
{
	char text[64];
	uint64_t bytes;

	if (!qemu_arg_value(arg, key, text, sizeof(text)) || parse_size(text, &bytes))
		return 0;
	return bytes;
}

/* A -blockdev that stands on the node @name: it may narrow the window. */
static const char *find_user_of(const struct qemu_args *args, const char *name)
{
	char value[256];
	size_t pos;

	for (pos = 0; pos < args->bytes; pos += strlen(args->text + pos) + 1)
		if (qemu_arg_value(args->text + pos, "file", value, sizeof(value)) &&
		    !strcmp(value, name))
			return args->text + pos;
	return NULL;
}

bool qemu_args_next_drive(const struct qemu_args *args, size_t *pos, struct qemu_drive *ret)
{
	while (*pos < args->bytes) {
		const char *arg = args->text + *pos, *user = NULL;
		struct qemu_drive drive;
		char node[256];

		*pos += strlen(arg) + 1;
		memset(&drive, 0, sizeof(drive));
		if (!qemu_arg_value(arg, "filename", drive.file, sizeof(drive.file)) &&
		    !qemu_arg_value(arg, "file", drive.file, sizeof(drive.file)))
			continue;
		drive.offset_bytes = size_of(arg, "offset");
		drive.size_bytes = size_of(arg, "size");
		if (!drive.offset_bytes && !drive.size_bytes &&
		    qemu_arg_value(arg, "node-name", node, sizeof(node)))
			user = find_user_of(args, node);
		if (user) {
			drive.offset_bytes = size_of(user, "offset");
			drive.size_bytes = size_of(user, "size");
		}
		*ret = drive;
		return true;
	}
	return false;
}
