// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tracefs says: its files as text.  They are read through a mount of our
 * own that nobody sees, whether or not the guest has tracefs mounted, and nothing
 * there is ever written.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include "ivtrace.h"

#define IVTRACE_TRACEFS_MIN (16u << 10)
#define IVTRACE_TRACEFS_MAX (4u << 20)

static struct vfsmount *ivtrace_tracefs;

/* Older kernels take a mount of tracefs for a remount of it: ours changes nothing
 * when it wants what is there. */
static void ivtrace_tracefs_flags(struct super_block *sb, void *flags)
{
	*(int *)flags |= sb->s_flags & SB_RDONLY;
}

int ivtrace_tracefs_open(void)
{
	struct file_system_type *type = get_fs_type("tracefs");
	struct vfsmount *mount;
	int flags = SB_KERNMOUNT;

	if (!type)
		return -ENODEV;
	iterate_supers_type(type, ivtrace_tracefs_flags, &flags);
	mount = vfs_kern_mount(type, flags, type->name, NULL);
	module_put(type->owner);
	if (IS_ERR(mount))
		return PTR_ERR(mount);
	ivtrace_tracefs = mount;
	return 0;
}

void ivtrace_tracefs_close(void)
{
	mntput(ivtrace_tracefs);
	ivtrace_tracefs = NULL;
}

/* Read on to the end or until @room bytes are filled; -errno. */
static ssize_t ivtrace_tracefs_fill(struct kiocb *kiocb, char *text, size_t room)
{
	size_t bytes = 0;
	ssize_t got;

	do {
		struct kvec vec = { text + bytes, room - bytes };
		struct iov_iter iter;

		iov_iter_kvec(&iter, READ, &vec, 1, vec.iov_len);
		got = seq_read_iter(kiocb, &iter);
		if (got < 0)
			return got;
		bytes += got;
	} while (got && bytes < room);
	return bytes;
}

static char *ivtrace_tracefs_text(struct file *file)
{
	size_t room = IVTRACE_TRACEFS_MIN, bytes = 0;
	char *text = kvmalloc(room, GFP_KERNEL), *more;
	struct kiocb kiocb;
	ssize_t got;

	init_sync_kiocb(&kiocb, file);
	while (text) {
		got = ivtrace_tracefs_fill(&kiocb, text + bytes, room - bytes - 1);
		if (got < 0) {
			kvfree(text);
			return ERR_PTR(got);
		}
		bytes += got;
		text[bytes] = '\0';
		if (bytes < room - 1)
			return text;
		more = room < IVTRACE_TRACEFS_MAX ? kvmalloc(2 * room, GFP_KERNEL) : NULL;
		if (more)
			memcpy(more, text, bytes);
		kvfree(text);
		text = more;
		room *= 2;
	}
	return ERR_PTR(-ENOMEM);
}

char *ivtrace_tracefs_read(const char *name)
{
	const struct path root = { .mnt = ivtrace_tracefs, .dentry = ivtrace_tracefs->mnt_root };
	struct file *file = file_open_root(&root, name, O_RDONLY, 0);
	char *text = ERR_PTR(-EINVAL);

	if (IS_ERR(file))
		return ERR_CAST(file);
	/* Only of a seq_file do we know how it is read into the kernel's memory. */
	if (file->f_op->read == seq_read || file->f_op->read_iter == seq_read_iter)
		text = ivtrace_tracefs_text(file);
	fput(file);
	return text;
}
