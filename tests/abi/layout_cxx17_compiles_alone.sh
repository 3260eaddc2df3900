#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Not events.h: a structure without members has a size in C++.
. "$(dirname "$0")/lib.sh"
have g++
have clang++
for cxx in g++ clang++; do
	alone abi.h $cxx -std=c++17 -Wpadded
	alone ring.h $cxx -std=gnu++17
	alone mark.h $cxx -std=c++17 -Wpadded
done
