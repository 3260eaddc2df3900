// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/ivtrace: each write() becomes one ivtrace_mark record, so that a program
 * or script can say in the trace what it is doing.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include "ivtrace.h"

/* A newline at the end goes; other control bytes could confuse a terminal that
 * shows the trace. */
static u32 ivtrace_mark_clean(char *text, u32 bytes)
{
	u32 i;

	while (bytes && (text[bytes - 1] == '\n' || !text[bytes - 1]))
		bytes--;
	for (i = 0; i < bytes; i++)
		if ((u8)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
	text[bytes] = '\0';
	return bytes + 1;
}

/* Text beyond IVT_STR_BYTES - 1 is cut.  A mark that nobody records is no
 * fault of the writer: the whole length is returned all the same. */
static ssize_t ivtrace_mark_write(struct file *file, const char __user *buf, size_t bytes,
				  loff_t *pos)
{
	char text[IVT_STR_BYTES];
	u32 n = min_t(size_t, bytes, sizeof(text) - 1);

	if (copy_from_user(text, buf, n))
		return -EFAULT;
	n = ivtrace_mark_clean(text, n);
	if (ivtrace_type_is_enabled(IVT_TYPE_ivtrace_mark))
		ivtrace_emit(IVT_TYPE_ivtrace_mark, text, n);
	return bytes;
}

static const struct file_operations ivtrace_mark_fops = {
	.owner = THIS_MODULE,
	.write = ivtrace_mark_write,
	.llseek = noop_llseek,
};

/* Anybody may mark: a record says who did (tid), and cannot be forged more than
 * by making system calls. */
static struct miscdevice ivtrace_mark_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ivtrace",
	.fops = &ivtrace_mark_fops,
	.mode = 0222,
	.groups = ivtrace_status_groups,
};

int ivtrace_mark_init(void)
{
	return misc_register(&ivtrace_mark_device);
}

void ivtrace_mark_exit(void)
{
	misc_deregister(&ivtrace_mark_device);
}
