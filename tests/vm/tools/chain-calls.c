// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes getpriority() calls with user stacks of known shape, and says what shape;
 * the second argument of the call is its number, from 0.  Runs in the guest.
 *
 *	chain-calls frames	inner() from middle() from outer() from main()
 *	chain-calls garbage	frame pointers that lead nowhere; a line per call:
 *				"NUMBER IPS", the second how long its chain can be
 *	chain-calls sleep	inner() sleeps, again and again
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define N_FRAMES  200
#define MAX_IPS	  64
#define PAGE	  4096
#define RETURN_TO 0x401234
#define UNTOUCHED ((void *)0x7f0000000000)

struct frame {
	uint64_t next, ret;
};

/* The call with these pointers; none but the kernel looks at them meanwhile. */
static long call_with(uint64_t number, uint64_t fp, uint64_t sp)
{
	register uint64_t own_fp __asm__("r12"), own_sp __asm__("r13");
	long ret;

	__asm__ volatile("mov %%rbp, %[own_fp]\n\tmov %%rsp, %[own_sp]\n\t"
			 "mov %[fp], %%rbp\n\tmov %[sp], %%rsp\n\tsyscall\n\t"
			 "mov %[own_fp], %%rbp\n\tmov %[own_sp], %%rsp"
			 : "=a"(ret), [own_fp] "=&r"(own_fp), [own_sp] "=&r"(own_sp)
			 : "a"(SYS_getpriority), "D"(0), "S"(number), [fp] "r"(fp), [sp] "r"(sp)
			 : "rcx", "r11", "memory");
	return ret;
}

__attribute__((noinline)) long inner(long how)
{
	long ret, call = how ? SYS_nanosleep : SYS_getpriority;
	static const long ms[2] = { 0, 1000000 };

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(call), "D"(how ? ms : NULL), "S"(0L)
			 : "rcx", "r11", "memory");
	return ret + 1; /* no tail call above */
}

__attribute__((noinline)) long middle(long how)
{
	return inner(how) + 1;
}

__attribute__((noinline)) long outer(long how)
{
	return middle(how) + 1;
}

static void say(uint64_t *number, unsigned int most, const void *fp, const void *sp)
{
	printf("%lu %u\n", *number, most);
	call_with((*number)++, (uint64_t)fp, (uint64_t)sp);
}

static void *map(void *at, int rights)
{
	return mmap(at, PAGE, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void lead_nowhere(uint64_t *number)
{
	static const uint64_t nowhere[] = {
		0,
		1,
		8,
		0x1001,
		0x7fffffffeff8,
		0x7ffffffff000,
		0x800000000000,
		0xffff888000000000,
		0xffffffff81000000,
		0xfffffffffffffff8,
		0xffffffffffffffff,
		0x8000000000000000,
	};
	char *untouched = map(UNTOUCHED, PROT_READ), *hidden = map(NULL, PROT_NONE);
	char *zeros = map(NULL, PROT_READ | PROT_WRITE);
	size_t i;

	memset(zeros, 0, PAGE);
	for (i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
		say(number, 1, (const void *)nowhere[i], NULL);
	say(number, 1, untouched, NULL);
	say(number, 1, hidden, NULL);
	say(number, 1, zeros, NULL);
	((struct frame *)zeros)[PAGE / sizeof(struct frame) - 1].ret = RETURN_TO;
	say(number, 2, zeros + PAGE - sizeof(struct frame), NULL);
	munmap(zeros + PAGE / 2, PAGE);
	say(number, 1, zeros + PAGE - 8, NULL); /* half of it */
}

static void lead_astray(uint64_t *number)
{
	struct frame f[N_FRAMES];
	size_t i;

	for (i = 0; i < N_FRAMES; i++)
		f[i] = (struct frame){ (uint64_t)&f[i + 1], RETURN_TO + i };
	say(number, MAX_IPS, f, NULL);
	say(number, MAX_IPS, f, f);
	say(number, 1, f, f + 1);    /* below the stack pointer */
	f[1].next = (uint64_t)&f[1]; /* itself */
	say(number, 3, f, NULL);
	f[1].next = (uint64_t)&f[0]; /* back */
	say(number, 3, f, NULL);
	f[1].next = (uint64_t)&f[2] + 4; /* odd */
	say(number, 3, f, NULL);
	f[1].ret = 0xffffffff81000000; /* the kernel's */
	say(number, 2, f, NULL);
}

int main(int argc, char **argv)
{
	uint64_t number = 0;

	if (argc != 2)
		return 2;
	if (!strcmp(argv[1], "garbage")) {
		lead_nowhere(&number);
		lead_astray(&number);
	}
	if (!strcmp(argv[1], "frames"))
		for (; number < 100; number++)
			outer(0);
	while (!strcmp(argv[1], "sleep"))
		outer(1);
	return 0;
}
