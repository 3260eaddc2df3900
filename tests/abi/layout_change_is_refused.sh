#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The check itself: a moved field, a hole and a changed size do not compile.
. "$(dirname "$0")/lib.sh"

seed() # SED-EXPRESSION FLAGS...
{
	local edit=$1

	shift
	rm -rf "$tmp/include"
	cp -r "$SRC/ivring/include" "$tmp/include"
	sed -i "$edit" "$tmp/include/ivring/abi.h"
	cmp -s "$tmp/include/ivring/abi.h" "$SRC/ivring/include/ivring/abi.h" &&
		{ echo "the seed does not apply: $edit"; exit 1; }
	headers=$tmp/include
	refused alone abi.h "$@"
}

seed 's/^\t__u32 crc32c;/\t__u64 crc32c;/' gcc -std=gnu11
seed 's/^\t__u32 crc32c;/\t__u64 crc32c;/' gcc -std=gnu90
seed '/^struct ivring_record {/,/^}/s/__u16 size;/__u16 size; __u32 more;/' g++ -std=c++17
seed '/^struct ivring_record {/,/^}/s/__u16 type;/__u8 type;/' gcc -std=gnu11 -Wpadded
seed 's/^\t__aligned_u64 lost_big;/\tunsigned long lost_big;/' gcc -std=gnu11 -m32 -Wpadded
