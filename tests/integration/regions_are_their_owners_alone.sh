#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 60
# What guests write into, and what orders come by, is for one user, whatever the umask:
# regions, the sockets of VMs that connect, the run-time folder and the socket in it.
# A region that somebody else made in a folder for everybody is used, with a warning;
# two VMs never have one region.
. "$(dirname "$0")/lib.sh"
umask 0

modes() # FILE...
{
	stat -c %a "$@" | tr '\n' ' '
}

made=$region-made
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work" "$region"*' EXIT
make_region 16M 2
record_in_background --vm "b=shm:$made" --vm "c=sock:$work/c.sock" --size 16M
[ "$(modes "$region" "$made" "$work/c.sock")" = '600 600 600 ' ]
[ "$(modes "$IVTRACE_RUN_DIR" "$IVTRACE_RUN_DIR/$recorder.sock")" = '700 600 ' ]
# The memory that QEMU gets has no name, and a size for good.
memory=$(find "/proc/$recorder/fd" -lname '/memfd:ivtrace-c*' | head -n 1)
[ "$(stat -L -c %s "$memory")" = $((16 << 20)) ]
if truncate -s 4096 "$memory" 2>/dev/null; then
	echo 'the memory of a VM that connects can be cut'
	exit 1
fi
kill -INT "$recorder"
wait "$recorder"

echo '== two VMs, one region'
status=0
"$host" record -o "$work/u.ivt" --vm "a=shm:$region" --vm "b=shm:$region" --duration 1 \
	2>"$work/err" || status=$?
cat "$work/err"
[ $status = 2 ]
grep -q "VMs 'a' and 'b' have the same region" "$work/err"

if [ "$(id -u)" = 0 ] && [ "$(stat -c %a /dev/shm)" = 1777 ]; then
	echo "== somebody else's"
	chown nobody "$region"
	trace=$work/v.ivt
	record --duration 300ms 2>"$work/err"
	cat "$work/err"
	grep -q "WARNING: region '$region' belongs to user" "$work/err"
fi
