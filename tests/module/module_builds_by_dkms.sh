#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
# DKMS takes the tree of "make dkms-tree", builds and signs the module for every
# set of kernel headers that is here, refuses older kernels, and forgets all of it.
set -euo pipefail
cd "$SRC"
[ "$(id -u)" = 0 ] || { echo 'skip: needs root'; exit 77; }
command -v dkms >/dev/null || { echo 'skip: no dkms'; exit 77; }
# Its signing key has one place, the machine's: put ours there, for us alone.
if [ -z "${IVT_PRIVATE_MOUNTS-}" ]; then
	unshare -m true 2>/dev/null || { echo 'skip: needs unshare -m'; exit 77; }
	IVT_PRIVATE_MOUNTS=1 exec unshare -m "$0"
fi

fail()
{
	echo "FAIL: $*"
	exit 1
}

work=$O/module-check/dkms
rm -rf "$work"
mkdir -p "$work"/{key,tree,installed}
mount --bind "$work/key" /var/lib/dkms
dkms_do()
{
	local command=$1

	shift
	# what make has in its environment is not for the kernel's make
	env -u O -u MAKEFLAGS -u MFLAGS -u MAKELEVEL dkms "$command" --sourcetree "$work/source" --dkmstree "$work/tree" "$@"
}

version=$(sed -n 's/^VERSION := //p' Makefile)
make --no-print-directory O="$O" DKMS_TREE="$work/source/ivtrace-$version" dkms-tree >/dev/null
dkms_do add "ivtrace/$version"
n=0
for headers in /usr/src/linux-headers-*-amd64; do
	[ -d "$headers/include/generated" ] || continue
	release=${headers##*/linux-headers-}
	dkms_do build "ivtrace/$version" -k "$release" --kernelsourcedir "$headers" >"$work/log" 2>&1 ||
		{ cat "$work/log" "$work/tree/ivtrace/$version/build/make.log"; exit 1; }
	! grep -iE 'warning|deprecated' "$work/log" || fail "dkms has something to say, see above"
	built=$work/tree/ivtrace/$version/$release/x86_64
	! grep -E 'warning:|WARNING' "$built/log/make.log" || fail "warnings for $release, see above"
	module=$(find "$built/module" -name 'ivtrace.ko*')
	modinfo -F vermagic "$module" | grep -F "$release " || fail "not for $release"
	[ "$(modinfo -F version "$module")" = "$version" ] || fail "another version than the Makefile's"
	modinfo -F alias "$module" | grep -F 'pci:v00001AF4d00001110' || fail "no alias for the device"
	! grep -q '^CONFIG_MODULE_SIG=y' "$headers/.config" || [ -n "$(modinfo -F signer "$module")" ] ||
		fail "not signed"
	n=$((n + 1))
done
[ "$n" -gt 0 ] || { echo 'skip: no kernel headers'; exit 77; }
if dkms_do build "ivtrace/$version" -k 5.10.0-1-amd64 --kernelsourcedir "$headers" >"$work/log" 2>&1; then
	fail "a kernel before 6.1 is not refused"
fi
grep 'BUILD_EXCLUSIVE' "$work/log" || { cat "$work/log"; fail "refused for another reason"; }
dkms_do remove "ivtrace/$version" --all >"$work/log" 2>&1 || { cat "$work/log"; fail "dkms remove"; }
left=$(find "$work/tree" -name '*.ko*' -o -name source)
[ -z "$left" ] || fail "left behind: $left"
echo "ok: $n kernels"
