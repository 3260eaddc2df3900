// SPDX-License-Identifier: GPL-2.0-or-later
/* probed: calls probed() N times (argument 1), for a uprobe on it: number and text. */
#include <stdio.h>
#include <stdlib.h>

void probed(int number, const char *text);

__attribute__((noinline)) void probed(int number, const char *text)
{
	__asm__ volatile("" : : "r"(number), "r"(text) : "memory");
}

int main(int argc, char **argv)
{
	int i, n = argc > 1 ? atoi(argv[1]) : 1;
	char text[32];

	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "call %d of %d", i + 1, n);
		probed(i - 1, text);
	}
	return 0;
}
