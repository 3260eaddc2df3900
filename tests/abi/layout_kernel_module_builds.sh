#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# The ring's headers in a module of their own, W=1 and warnings as errors.
. "$(dirname "$0")/lib.sh"
kdirs=(/usr/src/linux-headers-*-cloud-amd64)
kdir=${KDIR:-${kdirs[-1]}}
[ -d "$kdir" ] || { echo 'skip: no kernel headers (set KDIR)'; exit 77; }
cp -r "$headers" "$tmp/include"
printf 'obj-m := ivtrace_abi.o\nccflags-y := -I$(src)/include -Werror\n' >"$tmp/Kbuild"
cat >"$tmp/ivtrace_abi.c" <<'END'
// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>
#include <ivring/ring.h>
#include <ivring/events.h>
#include <ivring/mark.h>

static struct ivring_writer writer;

static int __init abi_init(void)
{
	return ivring_emit(&writer, IVT_TYPE_ivtrace_beat, 0, NULL, 0);
}
module_init(abi_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("compile check");
END
env -u O -u MAKEFLAGS make -C "$kdir" M="$tmp" W=1 modules
