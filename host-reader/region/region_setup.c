// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "host-reader/region/huge_pages.h"
#include "host-reader/region/region_setup.h"

/* The huge pages' size where the folder @dir lies in such; 0: it does not. */
static uint64_t folder_huge_page_bytes(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t bytes;

	if (fd < 0)
		return 0;
	bytes = huge_page_bytes(fd);
	close(fd);
	return bytes;
}

static int no_space(const char *path, uint64_t bytes, struct ivt_error *err)
{
	uint64_t free_mib = 0, page;
	char copy[PATH_MAX];
	struct statvfs fs;
	const char *dir;

	snprintf(copy, sizeof(copy), "%s", path);
	dir = dirname(copy);
	page = folder_huge_page_bytes(dir);
	if (page)
		return ivt_error_set(err, -ENOSPC,
				     "cannot make '%s': %s (the region needs %" PRIu64
				     " MiB in huge pages of %" PRIu64 " MiB; %" PRIu64
				     " MiB are free: sysctl vm.nr_hugepages reserves more)",
				     path, strerror(ENOSPC), bytes >> 20, page >> 20,
				     huge_pages_free(page) >> 20);
	if (!statvfs(dir, &fs))
		free_mib = (uint64_t)fs.f_bavail * fs.f_frsize >> 20;
	return ivt_error_set(err, -ENOSPC,
			     "cannot make '%s': %s (the region needs %" PRIu64 " MiB; %" PRIu64
			     " MiB are free; --size asks for less)",
			     path, strerror(ENOSPC), bytes >> 20, free_mib);
}

static int make_region(const char *path, const struct ivring_region_options *opt,
		       struct ivt_error *err)
{
	uint64_t bytes = opt->region_bytes ? opt->region_bytes : IVRING_REGION_DEFAULT_BYTES;
	int ret = ivring_region_probe(path, NULL);

	if (ret == -ENOENT)
		ret = ivring_region_create(path, opt);
	else if (ret == -ENODATA)
		ret = ivring_region_format(path, opt);
	if (ret == -ENOSPC)
		return no_space(path, bytes, err);
	if (ret && ret != -EEXIST)
		return ivt_error_set(err, ret, "cannot make region '%s': %s", path,
				     ivring_region_strerror(ret));
	return 0;
}

/* Where anyone can make files, one may have been made before ours. */
static void warn_if_foreign(const char *path, int fd)
{
	char real[PATH_MAX];
	struct stat file, dir;

	if (fstat(fd, &file) || file.st_uid == 0 || file.st_uid == geteuid())
		return;
	if (!realpath(path, real) || stat(dirname(real), &dir) || !(dir.st_mode & S_IWOTH))
		return;
	message("WARNING: region '%s' belongs to user %u, and anyone can make files in its folder: "
		"that user can make up what this VM does (if it is not the VM's own user, stop "
		"the VM and remove the file)",
		path, (unsigned int)file.st_uid);
}

int region_check(const struct ivring_region *region, const char *name, uint64_t size_bytes,
		 uint32_t cpus, struct ivt_error *err)
{
	if ((!size_bytes || region->sb.region_size == size_bytes) && cpus <= region->sb.nr_channels)
		return 0;
	return ivt_error_set(err, -EEXIST,
			     "cannot use region '%s': it has %" PRIu64
			     " MiB for %u CPUs, not what --size and --cpus say (leave them out, or "
			     "stop its VM and remove the file)",
			     name, (uint64_t)region->sb.region_size >> 20, region->sb.nr_channels);
}

int region_attach(const char *path, uint64_t size_bytes, uint32_t cpus, struct ivring_region *ret,
		  struct ivt_error *err)
{
	struct ivring_region region;
	int code = ivring_region_open(path, IVRING_REGION_READER, &region);

	if (code)
		return ivt_error_set(err, code, "cannot use region '%s': %s", path,
				     ivring_region_strerror(code));
	code = region_check(&region, path, size_bytes, cpus, err);
	if (code) {
		ivring_region_close(&region);
		return code;
	}
	warn_if_foreign(path, region.fd);
	*ret = region;
	return 0;
}

int region_setup(const char *path, uint64_t size_bytes, uint32_t cpus, struct ivring_region *ret,
		 struct ivt_error *err)
{
	const struct ivring_region_options opt = {
		.struct_bytes = sizeof(opt),
		.region_bytes = size_bytes,
		.nr_channels = cpus,
	};
	int code = make_region(path, &opt, err);

	return code ? code : region_attach(path, size_bytes, cpus, ret, err);
}
