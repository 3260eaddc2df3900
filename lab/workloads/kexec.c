// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kexec: boots another kernel from this one, at once or when this one panics.
 */
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char help[] =
	"Usage: kexec [--on-panic] KERNEL INITRD [ARGUMENTS]\n"
	"\n"
	"Loads KERNEL with INITRD and the kernel arguments ARGUMENTS (those of this\n"
	"kernel), and starts it in an orderly way: devices are shut down.\n"
	"--on-panic: load it for the moment when this kernel panics, and return; this\n"
	"kernel needs crashkernel=SIZE for that.\n"
	"\n"
	"Example: kexec /tmp/vmlinuz /tmp/initramfs.cpio\n";

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(1, "cannot open '%s'", path);
	return fd;
}

/* This kernel's arguments, without the newline. */
static void read_arguments(char *ret, size_t bytes)
{
	int fd = open_file("/proc/cmdline");
	ssize_t n = read(fd, ret, bytes - 1);

	if (n < 0)
		err(1, "cannot read '/proc/cmdline'");
	close(fd);
	ret[n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "on-panic", no_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	char arguments[4096];
	bool on_panic = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (opt) {
		case 'p':
			on_panic = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 2;
		}
	}
	if (argc - optind < 2 || argc - optind > 3)
		errx(2, "wants KERNEL and INITRD (see --help)");
	if (argc - optind == 3)
		snprintf(arguments, sizeof(arguments), "%s", argv[optind + 2]);
	else
		read_arguments(arguments, sizeof(arguments));
	if (syscall(SYS_kexec_file_load, open_file(argv[optind]), open_file(argv[optind + 1]),
		    strlen(arguments) + 1, arguments, on_panic ? KEXEC_FILE_ON_CRASH : 0ul))
		err(1, "cannot load '%s'", argv[optind]);
	if (on_panic)
		return 0;
	sync();
	reboot(LINUX_REBOOT_CMD_KEXEC);
	err(1, "cannot start '%s'", argv[optind]);
}
