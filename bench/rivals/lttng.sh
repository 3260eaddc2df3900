#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lttng.sh discard|overwrite PROGRAM: an LTTng of its own records while PROGRAM runs
# on standard input and output; at the end two lines more, "lost N" and "consumer_us N",
# the CPU time of the process that takes the events out of the buffers.  To be run in
# mount and PID namespaces of its own (bench/rival_lttng.h): sockets, buffers and
# trace are on file systems that nobody else sees, and the daemons end with the
# namespace, however that comes.
set -euo pipefail

mode=$1 program=$2
exec 3>&1 >&2 # what LTTng says is for people

mount -t tmpfs none /run
mount -t tmpfs none /dev/shm
export HOME=/run LTTNG_HOME=/run LTTNG_UST_REGISTER_TIMEOUT=10000

lttng()
{
	command lttng --quiet "$@" </dev/null
}

case $mode in
discard) where=--output=/run/trace ;;
overwrite) where=--snapshot ;;
esac
lttng-sessiond --no-kernel --daemonize --quiet </dev/null 3>&-
lttng create bench "$where"
# 4 MiB for each CPU, as much as a ring of ours.
lttng enable-channel --userspace --session=bench "--$mode" --subbuf-size=1M --num-subbuf=4 c
lttng enable-event --userspace --session=bench --channel=c ivtrace_bench:words
lttng start bench
"$program" >&3
lttng stop bench
command lttng list bench | awk '/Discarded events:/ { lost += $NF } END { print "lost", lost + 0 }' >&3
for process in /proc/[0-9]*; do
	[ "$(cat "$process/comm" 2>/dev/null)" != lttng-consumerd ] || cat "$process"/task/*/schedstat
done | awk '{ ns += $1 } END { printf "consumer_us %d\n", ns / 1000 }' >&3
