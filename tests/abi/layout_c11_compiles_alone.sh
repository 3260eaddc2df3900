#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"
have clang
for cc in gcc clang; do
	alone abi.h $cc -std=c11 -Wpadded -Wpedantic
	alone abi.h $cc -std=gnu11 -Wpadded
	alone events.h $cc -std=gnu11
	alone ring.h $cc -std=gnu11
	alone mark.h $cc -std=c11 -Wpadded -Wpedantic
done
