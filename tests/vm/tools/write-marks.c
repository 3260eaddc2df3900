// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Says everything that ivring/mark.h can say, then writes what the driver must
 * refuse.  Status 0: each call returned what it should.
 */
#include <ivring/mark.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static int n_bad;

static void expect(const char *what, int got, int wanted)
{
	if (got == wanted)
		return;
	printf("%s: %d, not %d\n", what, got, wanted);
	n_bad++;
}

static void say_all(int fd)
{
	char name[200];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	expect("text", ivring_mark_text(fd, "a text"), 0);
	expect("begin", ivring_mark_begin(fd, 17, "request"), 0);
	expect("value", ivring_mark_value(fd, "queue", -3), 0);
	expect("end", ivring_mark_end(fd, 17, "request"), 0);
	expect("largest id", ivring_mark_begin(fd, ~0ULL, ""), 0);
	expect("largest value", ivring_mark_value(fd, "large", LLONG_MAX), 0);
	expect("smallest value", ivring_mark_value(fd, "small", LLONG_MIN), 0);
	expect("long name", ivring_mark_end(fd, 1, name), 0);
	expect("long text", ivring_mark_text(fd, name), 0);
	expect("control bytes", ivring_mark_begin(fd, 2, "\033[31m\n"), 0);
}

struct written {
	struct ivring_mark head;
	char name[256];
};

static void refused(int fd, const char *what, const struct written *w, size_t bytes)
{
	expect(what, ivring_mark_write(fd, w, bytes), -EINVAL);
}

static void say_wrong(int fd)
{
	const struct written right = {
		.head = { .version = IVRING_MARK_VERSION,
			  .kind = IVRING_MARK_VALUE,
			  .name_bytes = 5 },
		.name = "wrong",
	};
	const size_t bytes = sizeof(right.head) + right.head.name_bytes;
	struct written w = right;
	size_t i;

	for (i = 1; i < bytes; i++)
		refused(fd, "cut short", &right, i);
	refused(fd, "too long", &right, bytes + 1);
	refused(fd, "much too long", &right, sizeof(right));
	w.head.version = 2;
	refused(fd, "version", &w, bytes);
	w = right;
	w.head.kind = IVRING_MARK_TEXT;
	refused(fd, "kind text", &w, bytes);
	w.head.kind = IVRING_MARK_VALUE + 1;
	refused(fd, "kind", &w, bytes);
	w = right;
	w.head.reserved0 = 1;
	refused(fd, "reserved byte", &w, bytes);
	w = right;
	w.head.reserved1 = 1;
	refused(fd, "reserved word", &w, bytes);
	w = right;
	w.head.name_bytes = IVRING_MARK_MAX_BYTES + 1;
	refused(fd, "name too long", &w, sizeof(w.head) + w.head.name_bytes);
	w.head.name_bytes = 0xffff;
	refused(fd, "name past the end", &w, sizeof(w));
}

static void say_unreadable(int fd)
{
	const void *nowhere = (const void *)8;

	expect("a bad address", ivring_mark_write(fd, nowhere, 20), -EFAULT);
}

int main(void)
{
	int fd = ivring_mark_open(), flags;

	if (fd < 0) { /* no driver: nothing happens */
		say_all(fd);
		printf("no driver: %s\n", strerror(-fd));
		return n_bad || fd != -ENOENT;
	}
	flags = fcntl(fd, F_GETFD);
	expect("close-on-exec", flags, FD_CLOEXEC);
	say_all(fd);
	say_wrong(fd);
	say_unreadable(fd);
	expect("the last text", ivring_mark_text(fd, "the end\n"), 0);
	close(fd);
	printf("%d wrong answers\n", n_bad);
	return n_bad != 0;
}
