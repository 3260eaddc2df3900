#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 60
# alone: it measures CPU time
# Where nothing happens the recorder takes next to no CPU time, also if nothing has
# happened yet.  What a busy machine takes away from it only makes that less.
. "$(dirname "$0")/lib.sh"

cpu_ms() # of all threads of $recorder
{
	cat /proc/"$recorder"/task/*/schedstat | awk '{ ns += $1 } END { printf "%d", ns / 1e6 }'
}

make_region 16M 2
record_in_background
before=$(cpu_ms)
sleep 2
used=$(($(cpu_ms) - before))
kill -INT "$recorder"
wait "$recorder"
echo "$used ms of CPU time in 2 s"
[ "$used" -lt 300 ]
