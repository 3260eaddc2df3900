// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/recorder_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

int ivt_recorder_lock(int dirfd, const char *what, const char *path, int *ret_fd,
		      struct ivt_error *err)
{
	int fd = openat(dirfd, "sync.bin", O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
		close(fd);
		return ivt_error_set(err, -EBUSY,
				     "cannot %s '%s': it is being recorded "
				     "(stop the recorder first)",
				     what, path);
	}
	*ret_fd = fd;
	return 0;
}
