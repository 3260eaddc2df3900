#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
# The driver, as DKMS gets it, for the kernels of Debian 13 and its backports: without
# warnings, also of W=1 and sparse.
set -euo pipefail
cd "$SRC"
[ "$(id -u)" = 0 ] || { echo 'skip: needs root'; exit 77; }
out=$O/module-check/later
rm -rf "$out"
make --no-print-directory O="$O" DKMS_TREE="$out/source" dkms-tree >/dev/null
lab/build-for-kernels "$out/source" "$out/built" || { tail -n 30 "$out"/built/*/log; exit 1; }
n=0
for dir in "$out"/built/*; do
	release=${dir##*/}
	modinfo -F vermagic "$dir/ivtrace.ko" | grep -F "$release "
	if grep -E 'warning:|error:|WARNING' "$dir/log" | grep -vE 'Skipping BTF'; then
		echo "warnings for $release, see $dir/log"
		exit 1
	fi
	n=$((n + 1))
done
[ "$n" -ge 2 ] || { echo "$n kernels"; exit 1; }
# The newest kernels want a sparse that Debian 13 has not.
grep -l '^  CHECK ' "$out"/built/*/log || { echo 'sparse checked nothing'; exit 1; }
