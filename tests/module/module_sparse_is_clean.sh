#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
set -uo pipefail
cd "$SRC" || exit 1
[ -f guest-driver/Kbuild ] || { echo 'skip: no driver in this tree'; exit 77; }
command -v sparse >/dev/null || { echo 'skip: no sparse'; exit 77; }
kdirs=(/usr/src/linux-headers-*-cloud-amd64)
kdir=${KDIR:-${kdirs[-1]}}
[ -d "$kdir" ] || { echo 'skip: no kernel headers (set KDIR)'; exit 77; }
out=$O/module-check/sparse
rm -rf "$out"
mkdir -p "$out"
make --no-print-directory O="$out" KDIR="$kdir" C=2 V=1 module >"$out.log" 2>&1 ||
	{ tail -n 40 "$out.log"; exit 1; }
# What the kernel's own headers give is not ours.
if grep -E "^$out/module/[^:]*:[0-9]+.*(warning|error):" "$out.log"; then
	exit 1
fi
echo "clean: $kdir"
