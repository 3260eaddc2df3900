#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 400
# make install with DESTDIR: the programs run from there, the headers compile,
# the module's sources build without the source tree.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$SRC"
make --no-print-directory O="$O" PREFIX=/usr DESTDIR="$tmp" install

for program in "$BIN"/*; do
	installed=$tmp/usr/bin/${program##*/}
	[ -x "$installed" ] || { echo "not installed: ${program##*/}"; exit 1; }
	"$installed" --version </dev/null
	[ -f "$tmp/usr/share/bash-completion/completions/${program##*/}" ] ||
		{ echo "no completion: ${program##*/}"; exit 1; }
done
echo '#include <ivring/ring.h>' >"$tmp/use.c"
gcc -I"$tmp/usr/include" -fsyntax-only "$tmp/use.c"
for page in docs/man/*.[1-8]; do
	[ -f "$page" ] || continue
	[ -f "$tmp/usr/share/man/man${page##*.}/${page##*/}" ] || { echo "not installed: $page"; exit 1; }
done
find "$tmp" -type f | sed "s|$tmp||" | sort | head -n 60
# Nothing of this machine in what is installed as text.
if grep -rIl "$SRC" "$tmp/usr"; then
	echo 'names the source tree'
	exit 1
fi

kdirs=(/usr/src/linux-headers-*-cloud-amd64)
kdir=${KDIR:-${kdirs[-1]}}
if [ -d "$kdir" ]; then
	sources=$(echo "$tmp"/usr/src/ivtrace-*)
	env -u O -u MAKEFLAGS make -C "$kdir" M="$sources" modules >"$tmp/module.log" 2>&1 ||
		{ tail -n 30 "$tmp/module.log"; exit 1; }
	ls "$sources"/ivtrace.ko
fi
