// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * toil: fixed work in a guest whose TSC counts instructions (lab/vm --icount 0), and
 * how many instructions it took, all of the guest's but idling.  A CPU that idles
 * would let the count run on: `toil soak` keeps it busy at the lowest priority and
 * says how often it went round, which is taken off.  Wants one vCPU.
 */
#include <cpuid.h>
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define SOAK_FILE	  "/dev/shm/toil"
#define SOAK_INSTRUCTIONS 2 /* of one round */
#define FILE_BYTES	  (32 << 10)
#define FILE_SPAN	  64 /* pieces of FILE_BYTES */
#define MEMORY_BYTES	  (2 << 20)
#define N_SENDERS	  4 /* and as many receivers, of each group */
#define MESSAGE_BYTES	  100

static const char help[] =
	"Usage: toil KIND [N] [PATH]\n"
	"\n"
	"Does work of a kind N times (1000) and prints two counts of the guest's\n"
	"instructions, before and after it.\n"
	"\n"
	"  calls      getpriority(PRIO_PROCESS, i)\n"
	"  switches   a byte to another process and back, over two pipes\n"
	"  file       32 KiB written to the file PATH, fsync, and read from the disk\n"
	"  memory     2 MiB copied, and walked in an order that no cache foresees\n"
	"  cpu        10000 multiplications\n"
	"  cpuid      the instruction cpuid, which leaves a VM\n"
	"  groups     a message of 100 bytes from each of 4 processes to each of 4\n"
	"             others, over sockets, as hackbench does\n"
	"  soak       first, and in the background: what the counts need.  May be stopped\n"
	"             (SIGSTOP) when nothing is counted: all kinds of work continue it\n"
	"  stamp      nothing: one count\n"
	"\n"
	"Example: toil soak & toil file 100 /mnt/file\n";

/* In SOAK_FILE. */
static struct soak {
	volatile uint64_t rounds;
	int64_t pid; /* 0: nobody soaks */
} * soaker;

static void soak_map(int flags)
{
	int fd = open(SOAK_FILE, O_RDWR | O_CLOEXEC | flags, 0600);

	if (fd < 0 || (flags && ftruncate(fd, sizeof(*soaker))))
		err(1, "cannot open '%s' (run 'toil soak &' first)", SOAK_FILE);
	soaker = mmap(NULL, sizeof(*soaker), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (soaker == MAP_FAILED)
		err(1, "cannot map '%s'", SOAK_FILE);
	close(fd);
}

static void soak(void)
{
	const struct sched_param none = { 0 };

	if (sched_setscheduler(0, SCHED_IDLE, &none))
		err(1, "cannot take the lowest priority");
	soak_map(O_CREAT | O_TRUNC);
	soaker->pid = getpid();
	for (;;)
		__asm__ volatile("1: incq %0\n\tjmp 1b" : "+m"(soaker->rounds));
}

static uint64_t instructions(void)
{
	uint64_t rounds = soaker->rounds;

	return __rdtsc() - SOAK_INSTRUCTIONS * rounds;
}

static void work_calls(unsigned long n, const char *path)
{
	unsigned long i;

	(void)path;
	for (i = 0; i < n; i++)
		syscall(SYS_getpriority, PRIO_PROCESS, i);
}

/* fork(); the child does not come back. */
static void child(void (*run)(const int *fds, unsigned long n), const int *fds, unsigned long n)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "cannot fork");
	if (pid)
		return;
	run(fds, n);
	_exit(0);
}

static void children_end(void)
{
	int status;

	while (wait(&status) > 0)
		if (status)
			errx(1, "a process of the work failed");
}

static void echo(const int *fds, unsigned long n)
{
	char byte;

	while (n--)
		if (read(fds[0], &byte, 1) != 1 || write(fds[1], &byte, 1) != 1)
			err(1, "cannot pass a byte on");
}

static void work_switches(unsigned long n, const char *path)
{
	int there[2], back[2];
	char byte = 0;

	(void)path;
	if (pipe(there) || pipe(back))
		err(1, "cannot make a pipe");
	child(echo, (const int[]){ there[0], back[1] }, n);
	while (n--)
		if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			err(1, "cannot pass a byte on");
	children_end();
}

static void work_file(unsigned long n, const char *path)
{
	static char piece[FILE_BYTES];
	int fd = open(path ? path : "toil.file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	unsigned long i;

	if (fd < 0)
		err(1, "cannot open '%s'", path ? path : "toil.file");
	for (i = 0; i < n; i++) {
		const off_t at = (off_t)(i % FILE_SPAN) * FILE_BYTES;

		memset(piece, (int)i, sizeof(piece));
		if (pwrite(fd, piece, sizeof(piece), at) != sizeof(piece) || fsync(fd))
			err(1, "cannot write");
		posix_fadvise(fd, at, sizeof(piece), POSIX_FADV_DONTNEED);
		if (pread(fd, piece, sizeof(piece), at) != sizeof(piece) || piece[1] != (char)i)
			err(1, "cannot read what was written");
	}
	close(fd);
}

static void work_memory(unsigned long n, const char *path)
{
	static uint32_t from[MEMORY_BYTES / 4], to[MEMORY_BYTES / 4];
	const uint32_t mask = MEMORY_BYTES / 4 - 1;
	uint32_t i, at = 0;

	(void)path;
	for (i = 0; i <= mask; i++)
		from[i] = (i * 1664525u + 1013904223u) & mask;
	while (n--) {
		memcpy(to, from, sizeof(to));
		for (i = 0; i <= mask / 8; i++)
			at = ((volatile uint32_t *)to)[at];
	}
}

static void work_cpuid(unsigned long n, const char *path)
{
	unsigned int a, b, c, d;

	(void)path;
	while (n--)
		__cpuid(0, a, b, c, d);
	(void)(a + b + c + d);
}

static void work_cpu(unsigned long n, const char *path)
{
	volatile uint64_t sink = 1;
	uint64_t x = sink;
	unsigned int i;

	(void)path;
	while (n--)
		for (i = 0; i < 10000; i++)
			x = x * 6364136223846793005u + 1442695040888963407u;
	sink = x;
}

/* @fds: N_SENDERS sockets to write to. */
static void sender(const int *fds, unsigned long n)
{
	char message[MESSAGE_BYTES] = { 0 };
	int i;

	while (n--)
		for (i = 0; i < N_SENDERS; i++)
			if (write(fds[i], message, sizeof(message)) != sizeof(message))
				err(1, "cannot send");
}

static void receiver(const int *fds, unsigned long n)
{
	char message[MESSAGE_BYTES];

	for (n *= N_SENDERS; n--;)
		if (recv(fds[0], message, sizeof(message), MSG_WAITALL) != sizeof(message))
			err(1, "cannot receive");
}

static void work_groups(unsigned long n, const char *path)
{
	int in[N_SENDERS], out[N_SENDERS], i;

	(void)path;
	for (i = 0; i < N_SENDERS; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			err(1, "cannot make sockets");
		in[i] = pair[0];
		out[i] = pair[1];
	}
	for (i = 0; i < N_SENDERS; i++)
		child(receiver, &in[i], n);
	for (i = 0; i < N_SENDERS; i++)
		child(sender, out, n);
	children_end();
}

static const struct {
	const char *name;
	void (*run)(unsigned long n, const char *path);
} kinds[] = {
	{ "calls", work_calls },   { "switches", work_switches }, { "file", work_file },
	{ "memory", work_memory }, { "cpu", work_cpu },		  { "groups", work_groups },
	{ "cpuid", work_cpuid },
};

static int work(const char *name, unsigned long n, const char *path)
{
	uint64_t before;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, name))
			continue;
		soak_map(0);
		if (soaker->pid > 0 && kill((pid_t)soaker->pid, SIGCONT))
			err(1, "cannot wake the process that soaks");
		before = instructions();
		kinds[i].run(n, path);
		printf("%llu %llu\n", (unsigned long long)before,
		       (unsigned long long)instructions());
		return 0;
	}
	fprintf(stderr, "toil: unknown kind of work '%s' (see --help)\n", name);
	return 2;
}

int main(int argc, char **argv)
{
	char *end = NULL;
	unsigned long n = argc > 2 ? strtoul(argv[2], &end, 0) : 1000;

	if (argc < 2 || argc > 4 || (end && (*end || end == argv[2]))) {
		fputs(help, stderr);
		return 2;
	}
	if (!strcmp(argv[1], "--help")) {
		fputs(help, stdout);
		return 0;
	}
	if (!strcmp(argv[1], "soak"))
		soak();
	if (strcmp(argv[1], "stamp"))
		return work(argv[1], n, argv[3]);
	soak_map(0);
	printf("%llu\n", (unsigned long long)instructions());
	return 0;
}
