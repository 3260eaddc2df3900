// SPDX-License-Identifier: GPL-2.0-or-later
#include "host-reader/base/program_beside.h"

#include <string.h>
#include <unistd.h>

bool program_beside(const char *name, char *ret, size_t ret_bytes)
{
	ssize_t n = readlink("/proc/self/exe", ret, ret_bytes - 1);
	char *slash;

	if (n <= 0 || (size_t)n >= ret_bytes - 1)
		return false;
	ret[n] = '\0';
	slash = strrchr(ret, '/');
	if (!slash || (size_t)(slash + 1 - ret) + strlen(name) >= ret_bytes)
		return false;
	strcpy(slash + 1, name);
	return true;
}
