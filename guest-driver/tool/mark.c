// SPDX-License-Identifier: GPL-2.0-or-later
#include <ivring/mark.h>
#include "guest-driver/tool/tool.h"

int mark_put(int kind, uint64_t number, const char *text)
{
	int fd = ivring_mark_open(), err;

	if (fd < 0) {
		message("cannot open '" IVRING_MARK_DEVICE "': %s%s", strerror(-fd),
			fd == -ENOENT ? " (is the driver loaded? ivtrace-guest load)" : "");
		return fd;
	}
	if (kind == IVRING_MARK_TEXT)
		err = ivring_mark_text(fd, text);
	else
		err = ivring_mark_structure(fd, kind, number, text);
	if (err)
		message("cannot write to '" IVRING_MARK_DEVICE "': %s", strerror(-err));
	close(fd);
	return err;
}
