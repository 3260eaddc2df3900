// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/compress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "trace/manifest.h"
#include "trace/recorder_lock.h"
#include "trace/zstd_file.h"

struct job {
	const char *path;
	int dirfd;
	bool is_back; /* decompress */
	struct ivt_trace_info info;
	int first_failure; /* -errno, told in *err */
	struct ivt_error *err;
};

/* One failure does not keep the others from being done. */
static void tell(struct job *job, int code, const char *dir, const char *file)
{
	if (!job->first_failure)
		job->first_failure =
			ivt_error_set(job->err, code, "cannot %s '%s/%s/%s%s': %s",
				      job->is_back ? "decompress" : "compress", job->path, dir,
				      file, job->is_back ? IVT_ZSTD_SUFFIX : "",
				      code == -EBADMSG ? "it is damaged" : strerror(-code));
}

/* File cpu_N of directory @dir; adds its size to *bytes.  One that is compressed
 * already is only measured. */
static void file_do(struct job *job, const char *dir, uint32_t cpu, uint64_t *bytes)
{
	int dirfd = openat(job->dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), ret;
	uint64_t packed = 0;
	char name[32];

	if (dirfd < 0) {
		if (errno != ENOENT)
			tell(job, -errno, dir, "");
		return;
	}
	snprintf(name, sizeof(name), "cpu_%u", cpu);
	ret = job->is_back ? ivt_zstd_unpack(dirfd, name) : ivt_zstd_pack(dirfd, name, &packed);
	if (ret == -ENOENT && !job->is_back)
		packed = ivt_zstd_bytes(dirfd, name);
	else if (ret && ret != -ENOENT) /* not every part has every stream */
		tell(job, ret, dir, name);
	*bytes += packed;
	close(dirfd);
}

static void machine_do(struct job *job, struct ivt_machine_info *m)
{
	for (size_t i = 0; i < m->n_streams; i++) {
		struct ivt_stream_info *s = &m->streams[i];
		uint64_t bytes = 0;

		file_do(job, m->dir, s->cpu, &bytes);
		for (size_t k = 0; k < m->n_parts; k++)
			file_do(job, m->parts[k].dir, s->cpu, &bytes);
		s->compressed_bytes = bytes;
	}
}

static int trace_do(struct job *job)
{
	int ret = ivt_manifest_read(job->dirfd, &job->info, job->err);

	if (ret)
		return ret;
	if (!job->is_back && !job->info.is_finalised)
		ret = ivt_error_set(job->err, -EINVAL, "cannot compress '%s': it is not finalised",
				    job->path);
	for (size_t i = 0; i < job->info.n_machines && !ret; i++)
		machine_do(job, &job->info.machines[i]);
	if (!ret)
		ret = ivt_manifest_write(job->dirfd, &job->info,
					 job->first_failure ? NULL : job->err);
	ivt_trace_info_deinit(&job->info);
	return job->first_failure ? job->first_failure : ret;
}

static int run(const char *path, bool is_back, struct ivt_error *err)
{
	struct job job = { .path = path, .is_back = is_back, .err = err };
	int lock_fd = -1, ret;

	job.dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (job.dirfd < 0)
		return ivt_error_set(err, -errno, "cannot open '%s': %s", path, strerror(errno));
	ret = ivt_recorder_lock(job.dirfd, is_back ? "decompress" : "compress", path, &lock_fd,
				err);
	if (!ret)
		ret = trace_do(&job);
	if (lock_fd >= 0)
		close(lock_fd);
	close(job.dirfd);
	return ret;
}

int ivt_trace_compress(const char *path, struct ivt_error *err)
{
	return run(path, false, err);
}

int ivt_trace_decompress(const char *path, struct ivt_error *err)
{
	return run(path, true, err);
}
