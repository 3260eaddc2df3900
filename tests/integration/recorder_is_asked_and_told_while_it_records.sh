#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# status says of each VM what it does and counts exactly what its guest wrote; VMs are
# added and removed while others are recorded; stop ends a recorder in order; a
# recorder that was killed is not listed.
. "$(dirname "$0")/lib.sh"
region2=$region.b
trap 'status=$?; kill $(jobs -p) 2>/dev/null || true; rm -rf "$work" "$region" "$region2"; exit $status' EXIT

# says EXPRESSION: of the recorder r and its VMs v, by name
says()
{
	"$host" status --json --pid "$recorder" 2>/dev/null | python3 -c '
import json, sys
r = json.load(sys.stdin)["recorders"][0]
v = {x["name"]: x for x in r["vms"]}
sys.exit(0 if eval(sys.argv[1]) else 1)' "$1" 2>/dev/null
}

refuses() # TEXT COMMAND...
{
	local want=$1

	shift
	if "$@" 2>"$work/err"; then
		echo "'$*' was obeyed"
		exit 1
	fi
	grep -q "$want" "$work/err" || { cat "$work/err"; exit 1; }
}

[ "$("$host" status)" = 'no recorder runs here' ]
refuses 'no recorder runs here' "$host" stop
make_region 16M 2
ulimit -Sn 256 # as little as this is raised
"$host" qemu-args --vm "b=shm:$region2" --size 16M --cpus 1 >/dev/null
record_in_background
[ "$(prlimit --pid "$recorder" --nofile --noheadings -o SOFT,HARD | awk '{ print $1 == $2 }')" = 1 ]
wait_for 10 says 'v["a"]["state"] == "waiting" and v["a"]["rings"] == 2'
"$guest" "$region" --cpus 2 --count 3000 --pace-us 20000 --linger-ms 60000 >"$work/a.out" &
a=$!
wait_for 30 says 'v["a"]["state"] == "recording" and v["a"]["pid"] == '$a
wait_for 30 says 'v["a"]["events"] == 6000 and not v["a"]["backlog_bytes"]'
says 'v["a"]["clock"] == "tcg" and not any(v["a"]["lost"].values()) and v["a"]["drain_cpu_ns"]'
says 'r["output"] == r["trace"] == "'"$trace"'" and r["bytes"] > 6000 * 24 and r["wakeups"] and r["cpu_ns"]'

refuses 'No such file' "$host" add --vm "b=shm:$region2.none"
refuses 'is recorded already' "$host" add --vm "a=shm:$region"
refuses 'is the region of' "$host" add --vm "c=shm:$region"
refuses 'no VM' "$host" remove --vm b
refuses 'no recorder records into' "$host" stop -o "$work/other.ivt"
"$host" add --vm "b=shm:$region2" -o "$trace"
"$guest" "$region2" --cpus 1 --count 5000 --linger-ms 300 >"$work/b.out" &
wait_for 30 says 'v["b"]["events"] == 5000 and not v["b"]["backlog_bytes"]'
# A path is the caller's, whatever folder the recorder is in.  A socket is made.
(cd "$work" && "$host" add --vm c=sock:c.sock)
[ -S "$work/c.sock" ]
says 'v["c"]["state"] == "waiting"'
"$host" remove --vm c
wait_for 10 says 'v["c"]["state"] == "removed"'
wait_for 10 [ ! -e "$work/c.sock" ]
"$host" remove --vm b --pid "$recorder"
wait_for 10 says 'v["b"]["state"] == "removed" and v["b"]["bytes"] > 5000 * 24'
kill "$a"
wait_for 30 says 'v["a"]["state"] == "gone"'
"$host" status | grep -q '^  a  *gone'

"$host" stop
wait "$recorder"
has_counts 11000 0 0 || { echo "records, lost, refused: $(counts)"; exit 1; }
[ -z "$(find "$IVTRACE_RUN_DIR" -name '*.sock')" ]

# one that cannot begin leaves nothing there either
refuses 'it is there already' "$host" record -o "$trace" --host none --vm "a=shm:$region"
[ -z "$(find "$IVTRACE_RUN_DIR" -name '*.sock')" ]

rm -rf "$trace"
record_in_background
refuses 'is no recorder that listens' "$host" stop --pid 1
kill -KILL "$recorder"
wait "$recorder" || true
[ "$("$host" status)" = 'no recorder runs here' ]
[ -z "$(find "$IVTRACE_RUN_DIR" -name '*.sock')" ]
