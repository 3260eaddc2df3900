#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# clang-format decides how C looks.
cd "$SRC" || exit 1
command -v clang-format >/dev/null || { echo "skip: no clang-format"; exit 77; }
git ls-files '*.c' '*.h' | xargs -r clang-format --dry-run --Werror
