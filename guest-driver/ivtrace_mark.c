// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/ivtrace: each write() becomes one record, so that a program or script can
 * say in the trace what it is doing: a text, or a structure of ivring/mark.h.
 * SystemTap's scripts end here, too.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include "ivtrace.h"

static_assert(IVRING_MARK_MAX_BYTES == IVT_STR_BYTES - 1);
static_assert(offsetof(struct ivtrace_mark, text) == offsetof(struct ivt_ev_ivtrace_value, name));
static_assert(offsetof(struct ivtrace_mark, text) ==
	      offsetof(struct ivt_ev_ivtrace_span_begin, name));

static const u16 ivtrace_mark_types[] = {
	[IVRING_MARK_TEXT] = IVT_TYPE_ivtrace_mark,
	[IVRING_MARK_BEGIN] = IVT_TYPE_ivtrace_span_begin,
	[IVRING_MARK_END] = IVT_TYPE_ivtrace_span_end,
	[IVRING_MARK_VALUE] = IVT_TYPE_ivtrace_value,
};

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

int ivtrace_mark_emit(u32 kind, struct ivtrace_mark *mark, u32 bytes)
{
	u32 n = ivtrace_mark_clean(mark->text, bytes);
	u16 type;

	if (kind >= ARRAY_SIZE(ivtrace_mark_types))
		return 0;
	type = ivtrace_mark_types[kind];
	if (!ivtrace_type_is_enabled(type))
		return 0;
	if (kind == IVRING_MARK_TEXT)
		return ivtrace_emit(type, mark->text, n);
	return ivtrace_emit(type, mark, offsetof(struct ivtrace_mark, text) + n);
}

/* Text beyond IVT_STR_BYTES - 1 is cut. */
static int ivtrace_mark_write_text(const char __user *buf, size_t bytes)
{
	struct ivtrace_mark mark;
	u32 n = min_t(size_t, bytes, sizeof(mark.text) - 1);

	if (copy_from_user(mark.text, buf, n))
		return -EFAULT;
	ivtrace_mark_emit(IVRING_MARK_TEXT, &mark, n);
	return 0;
}

static int ivtrace_mark_write_structure(const char __user *buf, size_t bytes)
{
	struct ivtrace_mark mark;
	struct ivring_mark head;

	if (bytes < sizeof(head))
		return -EINVAL;
	if (copy_from_user(&head, buf, sizeof(head)))
		return -EFAULT;
	if (head.nul || head.version != IVRING_MARK_VERSION || head.kind < IVRING_MARK_BEGIN ||
	    head.kind > IVRING_MARK_VALUE || head.reserved0 || head.reserved1 ||
	    head.name_bytes > IVRING_MARK_MAX_BYTES || bytes != sizeof(head) + head.name_bytes)
		return -EINVAL;
	if (copy_from_user(mark.text, buf + sizeof(head), head.name_bytes))
		return -EFAULT;
	mark.number = head.number;
	ivtrace_mark_emit(head.kind, &mark, head.name_bytes);
	return 0;
}

/* A mark that nobody records is no fault of the writer: the whole length is
 * returned all the same. */
static ssize_t ivtrace_mark_write(struct file *file, const char __user *buf, size_t bytes,
				  loff_t *pos)
{
	char first = 'x';
	int ret;

	if (bytes && get_user(first, buf))
		return -EFAULT;
	ret = first ? ivtrace_mark_write_text(buf, bytes)
		    : ivtrace_mark_write_structure(buf, bytes);
	return ret ? ret : bytes;
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
