// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inside a guest: marks "mark FIRST" .. "mark FIRST + COUNT - 1".
 *
 *	many-marks FIRST COUNT
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned long i, end;
	char text[32];
	int fd;

	if (argc != 3)
		return 2;
	fd = open("/dev/ivtrace", O_WRONLY);
	i = strtoul(argv[1], NULL, 10);
	end = i + strtoul(argv[2], NULL, 10);
	for (; fd >= 0 && i < end; i++)
		if (write(fd, text, (size_t)sprintf(text, "mark %lu", i)) < 0)
			return 1;
	return fd < 0;
}
