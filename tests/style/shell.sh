#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shell scripts: shellcheck where there is one, else at least their syntax.
cd "$SRC" || exit 1
status=0
while read -r file; do
	shebang=$(head -n 1 "$file" 2>/dev/null | tr -d '\0')
	[[ $shebang =~ ^#!.*(bash|/sh) ]] || continue
	if command -v shellcheck >/dev/null; then
		shellcheck -S warning -e SC1007,SC1090,SC1091,SC2034,SC2054,SC2154 "$file" || status=1
	elif [[ $shebang == *bash* ]]; then
		bash -n "$file" || status=1
	else
		sh -n "$file" || status=1
	fi
done < <(git ls-files)
exit $status
