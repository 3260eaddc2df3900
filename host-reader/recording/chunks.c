// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "host-reader/base/message.h"
#include "host-reader/base/program_beside.h"
#include "host-reader/recording/chunks.h"
#include "trace/manifest.h"

#define FAILED (1 << 8) /* a status of waitpid() */

/* What a machine had, in one chunk or in all. */
struct account {
	char name[IVT_NAME_BYTES];
	enum ivt_machine_kind kind;
	uint64_t records, bytes, lost, lost_quota, refused_bytes;
	uint64_t disk_bytes;
};

struct accounts {
	struct account *of;
	size_t n;
};

enum chunk_state {
	CHUNK_CLOSED,
	CHUNK_FINISHING,
	CHUNK_FINISHED,
	CHUNK_REMOVING,
};

struct chunk {
	struct chunk *next; /* a later one */
	uint32_t number;
	enum chunk_state state;
	pid_t pid;
	struct accounts accounts;
};

struct chunks {
	const struct rotation_options *opt;
	struct helper *helper;
	char program[PATH_MAX];
	char stem[PATH_MAX]; /* of the names, without ".ivt" */
	char path[PATH_MAX + 32], next_path[PATH_MAX + 32];
	uint32_t first;	      /* behind those of earlier recordings */
	uint32_t number;      /* of the present one */
	struct chunk *closed; /* that are there, oldest first */
	uint32_t n_removed;
	bool has_failed;      /* one was not finished or removed */
	bool is_over;	      /* there is no present one any more */
	struct accounts done; /* of those that are not in the list any more */
};

bool rotation_is_wanted(const struct rotation_options *opt)
{
	return opt->size_bytes || opt->time_ns;
}

/* ---- accounts -------------------------------------------------------------------- */

static struct account *account_get(struct accounts *all, const char *name,
				   enum ivt_machine_kind kind)
{
	struct account *grown;
	size_t i;

	for (i = 0; i < all->n; i++)
		if (all->of[i].kind == kind && !strcmp(all->of[i].name, name))
			return &all->of[i];
	grown = realloc(all->of, (all->n + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	all->of = grown;
	grown[all->n] = (struct account){ .kind = kind };
	snprintf(grown[all->n].name, sizeof(grown->name), "%s", name);
	return &grown[all->n++];
}

static int accounts_add_machine(struct accounts *all, const struct ivt_machine_info *m)
{
	struct account *a = account_get(all, m->name, m->kind);
	size_t i;

	if (!a)
		return -ENOMEM;
	for (i = 0; i < m->n_streams; i++) {
		const struct ivt_stream_info *s = &m->streams[i];

		a->records += s->records;
		a->bytes += s->bytes;
		a->lost += ivt_stream_lost(s);
		a->lost_quota += s->lost_quota;
		a->refused_bytes += s->refused_bytes;
		a->disk_bytes += s->compressed_bytes ? s->compressed_bytes : s->bytes;
	}
	return 0;
}

/* In place of what was there, unless there is no memory for it. */
static int accounts_read(struct accounts *all, const struct ivt_trace_info *info)
{
	struct accounts read = { 0 };
	size_t i;

	for (i = 0; i < info->n_machines; i++) {
		if (accounts_add_machine(&read, &info->machines[i])) {
			free(read.of);
			return -ENOMEM;
		}
	}
	free(all->of);
	*all = read;
	return 0;
}

static void accounts_merge(struct accounts *all, const struct accounts *more)
{
	size_t i;

	for (i = 0; i < more->n; i++) {
		const struct account *from = &more->of[i];
		struct account *a = account_get(all, from->name, from->kind);

		if (!a) {
			message("no memory for the summary: '%s' is incomplete in it", from->name);
			continue;
		}
		a->records += from->records;
		a->bytes += from->bytes;
		a->lost += from->lost;
		a->lost_quota += from->lost_quota;
		a->refused_bytes += from->refused_bytes;
		a->disk_bytes += from->disk_bytes;
	}
}

/* ---- names ----------------------------------------------------------------------- */

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void path_make(const struct chunks *c, uint32_t number, char *ret, size_t ret_bytes)
{
	snprintf(ret, ret_bytes, "%s.%04" PRIu32 ".ivt", c->stem, number);
}

static void paths_set(struct chunks *c)
{
	path_make(c, c->number, c->path, sizeof(c->path));
	path_make(c, c->number + 1, c->next_path, sizeof(c->next_path));
}

/* Of "STEM.0012.ivt": 13; 0 for other names.  @stem: without its folder. */
static uint32_t number_behind(const char *name, const char *stem)
{
	size_t n = strlen(stem);
	unsigned long number;
	char *end;

	if (strncmp(name, stem, n) || name[n] != '.' || name[n + 1] < '0' || name[n + 1] > '9')
		return 0;
	number = strtoul(name + n + 1, &end, 10);
	return strcmp(end, ".ivt") || number >= UINT32_MAX ? 0 : (uint32_t)number + 1;
}

/* The first number of which no chunk, and none later, is there. */
static uint32_t first_number(const char *stem)
{
	const char *name = name_of(stem);
	uint32_t first = 0, number;
	char folder[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%.*s", (int)(name - stem), stem);
	dir = opendir(*folder ? folder : ".");
	while (dir && (entry = readdir(dir))) {
		number = number_behind(entry->d_name, name);
		first = number > first ? number : first;
	}
	if (dir)
		closedir(dir);
	return first;
}

const char *chunks_path(const struct chunks *c)
{
	return c->path;
}

const char *chunks_next_path(const struct chunks *c)
{
	return c->next_path;
}

void chunks_describe(const struct chunks *c, bool is_next, struct ivt_chunk *ret)
{
	char path[sizeof(c->path)];

	*ret = (struct ivt_chunk){ .is_one = rotation_is_wanted(c->opt),
				   .number = c->number + is_next };
	if (!ret->is_one || ret->number == c->first)
		return;
	path_make(c, ret->number - 1, path, sizeof(path));
	snprintf(ret->previous, sizeof(ret->previous), "%s", name_of(path));
}

/* ---- finishing and removing ------------------------------------------------------ */

static uint32_t count(const struct chunks *c)
{
	const struct chunk *chunk;
	uint32_t n = 0;

	for (chunk = c->closed; chunk; chunk = chunk->next)
		n++;
	return n;
}

/* Are there more than are kept, so that the oldest has to go? */
static bool is_surplus(const struct chunks *c)
{
	return c->opt->keep && count(c) + !c->is_over > c->opt->keep;
}

static void chunk_path(const struct chunks *c, const struct chunk *chunk, char *ret, size_t bytes)
{
	if (rotation_is_wanted(c->opt))
		path_make(c, chunk->number, ret, bytes);
	else
		snprintf(ret, bytes, "%s", c->path);
}

static void run_finish(struct chunks *c, struct chunk *chunk, unsigned int flags)
{
	char path[sizeof(c->path)];
	char *argv[] = { c->program, "finish", "--compress", "--", path, NULL };
	int err;

	chunk_path(c, chunk, path, sizeof(path));
	/* what goes at once is not compressed first */
	if (!c->opt->is_compressed || (chunk == c->closed && is_surplus(c))) {
		argv[2] = argv[3];
		argv[3] = argv[4];
		argv[4] = NULL;
	}
	chunk->state = CHUNK_FINISHING;
	err = helper_run(c->helper, argv, HELPER_QUIET | flags, &chunk->pid);
	if (!err)
		return;
	message("'%s' is not finished: %s (later: ivtrace-host finish %s)", path, strerror(-err),
		path);
	c->has_failed = true;
	chunk->state = CHUNK_FINISHED;
}

static void run_remove(struct chunks *c, struct chunk *chunk, unsigned int flags)
{
	char path[sizeof(c->path)];
	char *const argv[] = { c->program, "finish", "--remove", "--", path, NULL };

	chunk_path(c, chunk, path, sizeof(path));
	chunk->state = CHUNK_REMOVING;
	if (helper_run(c->helper, argv, HELPER_QUIET | flags, &chunk->pid))
		chunk->pid = 0; /* told as what did not end well */
}

/* The oldest leaves the list; what it held stays in the sum. */
static void forget_oldest(struct chunks *c)
{
	struct chunk *chunk = c->closed;

	c->closed = chunk->next;
	accounts_merge(&c->done, &chunk->accounts);
	free(chunk->accounts.of);
	free(chunk);
}

/* Records are known once its manifest says so. */
static void finished(struct chunks *c, struct chunk *chunk, int status)
{
	char path[sizeof(c->path)];
	struct ivt_error err = { "" };
	struct ivt_trace_info info;

	chunk->state = CHUNK_FINISHED;
	chunk_path(c, chunk, path, sizeof(path));
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		message("'%s' was not finished well (see: ivtrace-host finish %s)", path, path);
		c->has_failed = true;
	}
	if (ivt_trace_info_read(path, &info, &err)) {
		message("%s", err.msg);
		return;
	}
	if (accounts_read(&chunk->accounts, &info))
		message("no memory for the summary of '%s'", path);
	ivt_trace_info_deinit(&info);
	if (!c->opt->keep && rotation_is_wanted(c->opt) && chunk == c->closed)
		forget_oldest(c);
}

static void removed(struct chunks *c, struct chunk *chunk, int status)
{
	char path[sizeof(c->path)];

	chunk_path(c, chunk, path, sizeof(path));
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		message("'%s' could not be removed whole (remove it)", path);
		c->has_failed = true;
	} else {
		message("removed '%s': %" PRIu32 " chunks are kept", path, c->opt->keep);
	}
	c->n_removed++;
	forget_oldest(c);
}

/* The one that something is done with; NULL: none is. */
static struct chunk *busy(const struct chunks *c)
{
	struct chunk *chunk = c->closed;

	while (chunk && chunk->state != CHUNK_FINISHING && chunk->state != CHUNK_REMOVING)
		chunk = chunk->next;
	return chunk;
}

/* Only what was finished is removed: its records are in the sum then.  False: there
 * is nothing to do. */
static bool start_next(struct chunks *c, unsigned int flags)
{
	struct chunk *chunk = c->closed;

	if (chunk && chunk->state == CHUNK_FINISHED && is_surplus(c)) {
		run_remove(c, chunk, flags);
		return true;
	}
	while (chunk && chunk->state != CHUNK_CLOSED)
		chunk = chunk->next;
	if (chunk)
		run_finish(c, chunk, flags);
	return chunk != NULL;
}

static void ended(struct chunks *c, struct chunk *chunk, int status)
{
	if (chunk->state == CHUNK_FINISHING)
		finished(c, chunk, status);
	else
		removed(c, chunk, status);
}

/* Of what a helper ran that is gone, nobody learns it. */
static bool has_ended(struct chunks *c, const struct chunk *chunk, int *ret_status)
{
	if (helper_has_ended(c->helper, chunk->pid, ret_status))
		return true;
	if (helper_is_gone(c->helper))
		*ret_status = FAILED;
	return helper_is_gone(c->helper);
}

bool chunks_poll(struct chunks *c)
{
	struct chunk *chunk = busy(c);
	int status = 0;
	bool has_news = false;

	if (chunk && (!chunk->pid || has_ended(c, chunk, &status))) {
		ended(c, chunk, chunk->pid ? status : FAILED);
		has_news = true;
	}
	if (!busy(c))
		start_next(c, HELPER_LOW);
	return has_news;
}

int chunks_await(struct chunks *c)
{
	struct chunk *chunk;
	int status;

	c->is_over = true;
	for (;;) {
		if (!busy(c) && !start_next(c, 0)) /* with all speed: somebody waits */
			return c->has_failed ? -EIO : 0;
		chunk = busy(c);
		if (!chunk)
			continue;
		status = FAILED;
		if (chunk->pid)
			helper_wait(c->helper, chunk->pid, &status);
		ended(c, chunk, status);
	}
}

/* ---- the recorder's side --------------------------------------------------------- */

/* To be finished.  What it held is known by @info, or (NULL) once that is done. */
static int add_closed(struct chunks *c, uint32_t number, const struct ivt_trace_info *info)
{
	struct chunk *chunk = calloc(1, sizeof(*chunk)), **at = &c->closed;
	int ret = chunk ? 0 : -ENOMEM;

	if (!ret && info)
		ret = accounts_read(&chunk->accounts, info);
	if (ret) {
		message("no memory to finish chunk %" PRIu32 " (later: ivtrace-host finish)",
			number);
		c->has_failed = true;
		free(chunk);
		return ret;
	}
	chunk->number = number;
	while (*at)
		at = &(*at)->next;
	*at = chunk;
	return 0;
}

int chunks_advance(struct chunks *c, const struct ivt_trace_info *info)
{
	int ret = add_closed(c, c->number, info);

	c->number++;
	if (rotation_is_wanted(c->opt))
		paths_set(c);
	return ret;
}

static uint64_t disk_bytes(const struct accounts *all, const char *name)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < all->n; i++)
		if (all->of[i].kind == IVT_GUEST && !strcmp(all->of[i].name, name))
			sum += all->of[i].disk_bytes;
	return sum;
}

uint64_t chunks_vm_bytes(const struct chunks *c, const char *name)
{
	const struct chunk *chunk;
	uint64_t sum;

	if (!c)
		return 0;
	sum = c->opt->keep ? 0 : disk_bytes(&c->done, name);
	for (chunk = c->closed; chunk; chunk = chunk->next)
		sum += disk_bytes(&chunk->accounts, name);
	return sum;
}

static void print_account(const struct account *a)
{
	char more[96] = "", quota[64] = "";

	if (a->lost_quota)
		snprintf(quota, sizeof(quota), " (%" PRIu64 " by its quota)", a->lost_quota);
	if (a->refused_bytes)
		snprintf(more, sizeof(more), ", %" PRIu64 " bytes refused", a->refused_bytes);
	fprintf(stderr, "  %-12s %12" PRIu64 " records %10.1f MB %10" PRIu64 " lost%s%s\n", a->name,
		a->records, (double)a->bytes / 1e6, a->lost, quota, more);
}

void chunks_summary(const struct chunks *c)
{
	struct accounts all = { 0 };
	const struct chunk *chunk;
	char first[sizeof(c->path)], last[sizeof(c->path)];
	size_t i;

	accounts_merge(&all, &c->done);
	for (chunk = c->closed; chunk; chunk = chunk->next)
		accounts_merge(&all, &chunk->accounts);
	path_make(c, c->first + c->n_removed, first, sizeof(first));
	path_make(c, c->number - 1, last, sizeof(last));
	message("recorded %" PRIu32 " chunks, '%s' to '%s' are kept; in all of them:",
		c->number - c->first, first, last);
	for (i = 0; i < all.n; i++)
		print_account(&all.of[i]);
	fprintf(stderr, "Look at one:\n  ivtrace-report summary %s\n  ivtrace-view %s\n", last,
		last);
	free(all.of);
}

void chunks_skip(struct chunks *c)
{
	add_closed(c, c->number++, NULL);
	paths_set(c);
}

static bool is_there(const struct chunks *c, uint32_t number)
{
	char path[sizeof(c->path)];

	path_make(c, number, path, sizeof(path));
	return !access(path, F_OK);
}

/* Does it say that the one before it is of the same recording? */
static bool goes_on(const struct chunks *c, uint32_t number)
{
	char path[sizeof(c->path)];
	struct ivt_trace_info info;
	bool does_it;

	path_make(c, number, path, sizeof(path));
	if (ivt_trace_info_read(path, &info, NULL))
		return false;
	does_it = info.chunk.previous[0];
	ivt_trace_info_deinit(&info);
	return does_it;
}

/* The chunks right before the present one are of the same recording, whose recorder
 * was killed: it may not have finished them.  Those of one that was begun earlier are
 * left alone. */
static void adopt(struct chunks *c)
{
	uint32_t i;

	while (c->first > 0 && is_there(c, c->first - 1) && goes_on(c, c->first))
		c->first--;
	for (i = c->first; i < c->number; i++)
		add_closed(c, i, NULL);
}

int chunks_create(const char *output, const struct rotation_options *opt, bool does_resume,
		  struct helper *helper, struct chunks **ret)
{
	struct chunks *c = calloc(1, sizeof(*c));
	size_t bytes = strlen(output);

	if (!c || bytes >= sizeof(c->stem)) {
		free(c);
		return c ? -ENAMETOOLONG : -ENOMEM;
	}
	c->opt = opt;
	c->helper = helper;
	program_beside("ivtrace-host", c->program, sizeof(c->program)); /* else it is told later */
	if (bytes > 4 && !strcmp(output + bytes - 4, ".ivt"))
		bytes -= 4;
	memcpy(c->stem, output, bytes);
	if (rotation_is_wanted(opt)) {
		c->first = first_number(c->stem);
		c->first -= does_resume && c->first;
		c->number = c->first;
		paths_set(c);
		if (does_resume)
			adopt(c);
	} else {
		snprintf(c->path, sizeof(c->path), "%s", output);
	}
	*ret = c;
	return 0;
}

void chunks_destroy(struct chunks *c)
{
	if (!c)
		return;
	while (c->closed)
		forget_oldest(c);
	free(c->done.of);
	free(c);
}
