#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
# The guest's module with W=1, for every set of kernel headers that is here.
set -uo pipefail
cd "$SRC" || exit 1
[ -f guest-driver/Kbuild ] || { echo 'skip: no driver in this tree'; exit 77; }
kdirs=()
for dir in ${KDIR:-/usr/src/linux-headers-*-amd64}; do
	[ -f "$dir/Makefile" ] && [ -d "$dir/include/generated" ] && kdirs+=("$dir")
done
[ ${#kdirs[@]} -gt 0 ] || { echo 'skip: no kernel headers (set KDIR)'; exit 77; }
for dir in "${kdirs[@]}"; do
	out=$O/module-check/${dir##*/}
	rm -rf "$out"
	mkdir -p "$out"
	echo "== $dir"
	make --no-print-directory O="$out" KDIR="$dir" W=1 V=1 module >"$out.log" 2>&1 ||
		{ tail -n 40 "$out.log"; exit 1; }
	if grep -E 'warning:|WARNING' "$out.log" | grep -vE 'compiler differs|Skipping BTF|unavailable'; then
		echo "warnings, see $out.log"
		exit 1
	fi
	ls -l "$out"/module/*.ko
done
