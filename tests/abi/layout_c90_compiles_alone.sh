#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"
have clang
for cc in gcc clang; do
	alone abi.h $cc -std=c90 -Wpadded
	alone abi.h $cc -std=gnu90 -Wpadded
	alone events.h $cc -std=gnu90
	alone mark.h $cc -std=c90
	alone mark.h $cc -std=gnu90 -Wpadded
done
