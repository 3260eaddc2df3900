#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The asserts of abi.h and events.h hold for 32 bits too.
. "$(dirname "$0")/lib.sh"
have clang
echo 'int main(void) { return sizeof(void *) == 4 ? 0 : 1; }' >"$tmp/m32.c"
gcc -m32 "$tmp/m32.c" -o "$tmp/m32" 2>/dev/null ||
	{ echo 'skip: gcc cannot build for 32 bits (install gcc-multilib)'; exit 77; }
for cc in gcc clang; do
	alone abi.h $cc -m32 -std=gnu11 -Wpadded
	alone abi.h $cc -m32 -std=gnu90 -Wpadded
	alone events.h $cc -m32 -std=gnu11
	alone mark.h $cc -m32 -std=gnu11 -Wpadded
done
alone abi.h g++ -m32 -std=c++17 -Wpadded
