#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
#
# ftrace's events as driver_exports_ftrace.sh has them, on the kernels of Debian 13
# and its backports.  These give the number of an event that is gone to the next.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/tools/ftrace-export.sh"

vm_setup
later=$work/later
make --no-print-directory O="$O" DKMS_TREE="$later/source" dkms-tree >/dev/null
lab/build-for-kernels "$later/source" "$later/built" || { tail -n 20 "$later"/built/*/log; exit 1; }
status=0
n=0
for built in "$later"/built/*; do
	release=${built##*/}
	n=$((n + 1))
	echo "== $release"
	export IVT_LAB_IMAGE=$work/image-$n
	export_build "$built/ivtrace.ko"
	lab/build-image --release "$release" --module "$work/ivtrace.ko" "$IVT_LAB_IMAGE" >/dev/null
	export_start "k$n"
	export_matches "k$n" || status=1
	export_reuses "k$n" || status=1
	lab/vm exec "k$n" -- 'rmmod ivtrace' || status=1
	lab/vm check-log "k$n" || status=1
	lab/vm kill "k$n"
done
[ $n -ge 2 ] || { echo "$n kernels"; exit 1; }
exit $status
