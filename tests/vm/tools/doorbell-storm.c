// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that is nobody's friend: doorbell-storm SECONDS [scribble], on the ivshmem device
 * that no driver has.  Writes the doorbell's register without end, and prints how often.
 * scribble: another process writes random words all over the memory meanwhile, but keeps
 * saying that a driver with a doorbell is there.
 */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <ivring/geometry.h>

#define DOORBELL 12

static volatile uint32_t *map(const char *dir, int bar, size_t *ret_bytes)
{
	char path[512];
	struct stat st;
	void *at;
	int fd;

	snprintf(path, sizeof(path), "%s/resource%d", dir, bar);
	fd = open(path, O_RDWR | O_SYNC);
	if (fd < 0 || fstat(fd, &st)) {
		perror(path);
		exit(1);
	}
	*ret_bytes = (size_t)st.st_size < 4096 ? 4096 : (size_t)st.st_size;
	at = mmap(NULL, *ret_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		perror(path);
		exit(1);
	}
	return at;
}

/* The device's folder; it is enabled. */
static void find_device(char *ret, size_t bytes)
{
	char path[512], text[16] = "";
	glob_t found;
	size_t i;
	FILE *f;

	if (glob("/sys/bus/pci/devices/*/device", 0, NULL, &found))
		exit(1);
	for (i = 0; i < found.gl_pathc; i++) {
		f = fopen(found.gl_pathv[i], "r");
		if (f && fgets(text, sizeof(text), f) && !strncmp(text, "0x1110", 6)) {
			snprintf(ret, bytes, "%.*s", (int)strlen(found.gl_pathv[i]) - 7,
				 found.gl_pathv[i]);
			snprintf(path, sizeof(path), "%s/enable", ret);
			f = fopen(path, "w");
			if (f)
				fputs("1", f);
			if (f)
				fclose(f);
			return;
		}
		if (f)
			fclose(f);
	}
	fprintf(stderr, "no ivshmem device\n");
	exit(1);
}

static void scribble(volatile uint32_t *memory, size_t bytes)
{
	volatile struct ivring_guest_page *page =
		(volatile struct ivring_guest_page *)((volatile char *)memory + IVRING_GUEST_OFF);
	uint64_t x = 88172645463325252ull;
	size_t head = 16384; /* superblock, guest page, channels, reader area */

	for (;;) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memory[(x >> 32) % (x & 1 ? head : bytes) / 4] = (uint32_t)x;
		page->features = IVRING_GUEST_RINGS;
		page->state = x & 6 ? IVRING_GUEST_READY : IVRING_GUEST_INIT;
	}
}

static uint64_t ring(volatile uint32_t *registers, int seconds)
{
	time_t end = time(NULL) + seconds;
	uint64_t n = 0;

	while (time(NULL) < end) {
		int i;

		for (i = 0; i < 64; i++, n++)
			registers[DOORBELL / 4] = 0;
	}
	return n;
}

int main(int argc, char **argv)
{
	volatile uint32_t *memory, *registers;
	size_t bytes, register_bytes;
	char dir[400];
	uint64_t n;
	pid_t child;

	find_device(dir, sizeof(dir));
	memory = map(dir, 2, &bytes);
	registers = map(dir, 0, &register_bytes);
	child = argc > 2 ? fork() : -1;
	if (!child)
		scribble(memory, bytes);
	n = ring(registers, argc > 1 ? atoi(argv[1]) : 5);
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	printf("rang %llu times\n", (unsigned long long)n);
	return 0;
}
