# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Recordings of a guest that is a program (tests/data/pretend-guest.c).
set -Eeuo pipefail
trap 'said_before_it_failed "$LINENO: $BASH_COMMAND"' ERR
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
O=${O:-$SRC/build}
BIN=${BIN:-$O/bin}

work=$(mktemp -d)
region=/dev/shm/ivtrace-test-$$
trap 'status=$?; kill $(jobs -p) 2>/dev/null || true; rm -rf "$work" "$region"; exit $status' EXIT
export IVTRACE_RUN_DIR=$work/run
trace=$work/t.ivt
guest=$O/tests/data/pretend-guest
host=$BIN/ivtrace-host
report=$BIN/ivtrace-report

said_before_it_failed() # LINE: COMMAND
{
	[ $BASH_SUBSHELL = 0 ] || return 0
	echo "WRONG at line $1"
	[ ! -s "$work/record.out" ] || sed 's/^/the recorder: /' "$work/record.out"
}

# small_disk SIZE: sets $disk, a file system of its own, and $trace on it.  To be called
# first: the test starts over, where nobody else sees the mount.
small_disk()
{
	if [ -z "${IVT_PRIVATE_MOUNTS-}" ]; then
		[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
		unshare -m true 2>/dev/null || { echo "needs unshare -m"; exit 77; }
		rm -rf "$work"
		IVT_PRIVATE_MOUNTS=1 exec unshare -m "$0"
	fi
	disk=$work/disk
	mkdir "$disk"
	mount -t tmpfs -o "size=$1" none "$disk"
	trace=$disk/t.ivt
}

make_region() # SIZE CPUS
{
	"$host" qemu-args --vm "a=shm:$region" --size "$1" --cpus "$2" >/dev/null
}

record() # OPTIONS... [-- COMMAND...]
{
	"$host" record -o "$trace" --vm "a=shm:$region" --host none --tsc tcg "$@"
}

record_in_background() # OPTIONS...: sets $recorder; returns when it records
{
	rm -f "$work/record.out"
	"$host" record -o "$trace" --vm "a=shm:$region" --host none --tsc tcg "$@" \
		>"$work/record.out" 2>&1 &
	recorder=$!
	wait_for 30 grep -qs 'recording into' "$work/record.out"
}

resume_in_background() # OPTIONS...: sets $recorder; returns at once
{
	: >"$work/record.out"
	"$host" record --resume -o "$trace" --vm "a=shm:$region" --host none --tsc tcg "$@" \
		>>"$work/record.out" 2>&1 &
	recorder=$!
}

is_recording()
{
	grep -q 'recording into' "$work/record.out"
}

go_on() # sets $recorder; returns when it records
{
	resume_in_background
	wait_for 30 is_recording
}

kill_recorder()
{
	kill -9 "$recorder"
	wait "$recorder" 2>/dev/null || true
}

wait_for() # SECONDS COMMAND...: until it succeeds
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || { echo "waited in vain for: $*"; exit 1; }
		sleep 0.05
	done
}

# Prints "records lost refused_bytes" of the guest, all its boots.
counts()
{
	"$report" summary --json "$trace" 2>/dev/null | python3 -c '
import json, sys
m = [m for m in json.load(sys.stdin)["machines"] if m["kind"] == "guest"]
print(sum(x["records"] for x in m), sum(x["lost"] for x in m), sum(x["refused_bytes"] for x in m))'
}

has_counts() # RECORDS LOST REFUSED_BYTES
{
	[ "$(counts)" = "$*" ]
}

# ends_with RECORDS MACHINES: that many whole records in that many guest machines.
ends_with()
{
	local n

	has_counts "$1" 0 0 || { echo "records, lost, refused: $(counts)"; exit 1; }
	n=$(find "$trace" -maxdepth 1 -name 'vm-*' | wc -l)
	[ "$n" = "$2" ] || { echo "$n machines"; exit 1; }
}

# Each mark "cpu n" once, ascending, on its own CPU; prints how many.
check_marks()
{
	"$report" events --json "$trace" 2>/dev/null | python3 -c '
import json, sys
last, n = {}, 0
for line in sys.stdin:
    line = line.strip()
    if "ivtrace_mark" not in line:
        continue
    e = json.loads(line)
    msg = e["fields"]["msg"] if "fields" in e else e["msg"]
    cpu, number = map(int, msg.split())
    assert cpu == e["cpu"], (cpu, e)
    assert number > last.get(cpu, -1), (number, last)
    last[cpu] = number
    n += 1
print(n)'
}

field() # NAME FILE
{
	tail -n 1 "$2" | sed -E "s/.*\"$1\":([0-9]+).*/\\1/"
}

# count_marks TRACE...: each mark "cpu n" once, none missing, over all of them in
# this order; prints how many.
count_marks()
{
	local part

	for part in "$@"; do
		"$report" events --json "$part" 2>/dev/null
	done | python3 -c '
import json, sys
last, n = {}, 0
for line in sys.stdin:
    if "ivtrace_mark" in line:
        e = json.loads(line)
        cpu, number = map(int, (e["fields"]["msg"] if "fields" in e else e["msg"]).split())
        assert number == last.get(cpu, -1) + 1, (cpu, number, last)
        last[cpu] = number
        n += 1
print(n)'
}
