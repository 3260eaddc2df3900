// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/file_replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int ivt_file_write_all(int fd, const void *data, size_t bytes)
{
	const char *at = data;

	while (bytes > 0) {
		ssize_t n = write(fd, at, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		bytes -= (size_t)n;
	}
	return 0;
}

int ivt_file_replace(int dirfd, const char *name, const void *data, size_t bytes)
{
	char tmp[128];
	int fd, ret;

	if (snprintf(tmp, sizeof(tmp), ".%s.new", name) >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0)
		return -errno;
	ret = ivt_file_write_all(fd, data, bytes);
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && renameat(dirfd, tmp, dirfd, name))
		ret = -errno;
	if (ret)
		unlinkat(dirfd, tmp, 0);
	return ret;
}

static int read_all(int fd, char *data, size_t bytes, size_t *ret_bytes)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t n = read(fd, data + done, bytes - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*ret_bytes = done;
	return 0;
}

int ivt_file_read(int dirfd, const char *name, size_t max_bytes, char **ret, size_t *ret_bytes)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *data = NULL;
	size_t bytes = 0;
	struct stat st;
	int status = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		status = -errno;
	else if (!S_ISREG(st.st_mode))
		status = -EINVAL;
	else if ((uint64_t)st.st_size > max_bytes)
		status = -EFBIG;
	if (!status) {
		data = malloc((size_t)st.st_size + 1);
		status = data ? read_all(fd, data, (size_t)st.st_size, &bytes) : -ENOMEM;
	}
	close(fd);
	if (status) {
		free(data);
		return status;
	}
	data[bytes] = '\0';
	*ret = data;
	*ret_bytes = bytes;
	return 0;
}

DIR *ivt_dir_open(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0) {
		err = errno;
		close(fd);
		errno = err;
	}
	return dir;
}
