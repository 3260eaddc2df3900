#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What qemu-args --libvirt prints is domain XML by libvirt's own schema.
. "$(dirname "$0")/lib.sh"

schema=${LIBVIRT_SCHEMA:-/usr/share/libvirt/schemas/domain.rng}
command -v xmllint >/dev/null || { echo "skip: no xmllint (libxml2-utils)"; exit 77; }
[ -e "$schema" ] || { echo "skip: no '$schema' (libvirt0)"; exit 77; }
region=/dev/shm/ivtrace-test-$$
trap 'rm -rf "$tmp" "$region"' EXIT

domain() # DEVICES [BESIDE-THEM]
{
	cat >"$tmp/domain.xml" <<-END
		<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
		<name>a</name><memory>1048576</memory><os><type arch='x86_64'>hvm</type></os>
		<devices>$1</devices>${2-}</domain>
	END
	xmllint --noout --relaxng "$schema" "$tmp/domain.xml" || { cat "$tmp/domain.xml"; exit 1; }
}

qemu_args() { "$BIN/ivtrace-host" qemu-args --libvirt "$@"; }

domain "$(qemu_args --vm "a=sock:/run/a'&<.sock")"
grep -q "<server path='/run/a&apos;&amp;&lt;.sock'/>" "$tmp/domain.xml"
domain "$(qemu_args --vm "a=shm:$region" --size 16M --cpus 2)"
grep -q "<shmem name='ivtrace-test-$$'>" "$tmp/domain.xml"
domain '' "$(qemu_args --vm "a=shm:$tmp/a,b" --size 16M --cpus 2)"
grep -q "mem-path=$tmp/a,,b,size=16777216" "$tmp/domain.xml"
# The check itself: a model that there is not.
sed "s/ivshmem-plain/ivshmem-plane/" <<<"$(qemu_args --vm "a=shm:$region")" >"$tmp/wrong"
if (domain "$(cat "$tmp/wrong")") >/dev/null 2>&1; then
	echo "WRONG: the schema knows ivshmem-plane"
	exit 1
fi
