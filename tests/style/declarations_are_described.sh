#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
cd "$SRC" || exit 1
git ls-files 'ivring/*.h' 'tsc-sync/*.h' 'trace/*.h' 'analysis/*.h' 'viewer/*.h' |
	xargs -r scripts/check-docs
