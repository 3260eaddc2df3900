#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# babeltrace2 reads what ivtrace writes, and both read the same: every event's
# name, CPU, tid and fields, its time within the clock line's error; before and
# after finalising, of a killed recorder, and of a damaged file that was finalised.
set -euo pipefail

/usr/bin/python3 -c 'import bt2' 2>/dev/null || { echo "skip: no python3-bt2"; exit 77; }
command -v babeltrace2 >/dev/null || { echo "skip: no babeltrace2"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
here=$SRC/tests/integration

# Exit 0, nothing on stderr but losses, one line per event.
reads_cleanly() # TRACE EVENTS
{
	local lines

	timeout 60 babeltrace2 --log-level=E "$1" >"$tmp/out" 2>"$tmp/err" ||
		{ echo "babeltrace2 fails on $1"; head -5 "$tmp/err"; return 1; }
	if grep -v '^WARNING: Tracer discarded\|^WARNING: Tracer may have discarded' "$tmp/err"; then
		return 1
	fi
	lines=$(wc -l <"$tmp/out")
	[ "$lines" = "$2" ] || { echo "$1: babeltrace2 $lines events, ivtrace $2"; return 1; }
}

agree() # TRACE
{
	"$BIN/ivtrace-report" events --json "$1" >"$tmp/ours" 2>/dev/null
	reads_cleanly "$1" "$(wc -l <"$tmp/ours")"
	"$here/bt_dump.py" "$1" >"$tmp/theirs" 2>/dev/null
	/usr/bin/python3 - "$1" "$tmp/ours" "$tmp/theirs" <<'END'
import collections, json, sys

manifest = json.load(open(sys.argv[1] + "/manifest.json"))
ours, theirs = collections.defaultdict(list), collections.defaultdict(list)
lost = 0
for line in open(sys.argv[2]):
    e = json.loads(line)
    ours[e["machine"], e["cpu"]].append(e)
for line in open(sys.argv[3]):
    e = json.loads(line)
    if "discarded" in e:
        lost += e["discarded"] or 0
    else:
        epoch = f".{e['epoch']}" if e["epoch"] else ""
        theirs[e["machine"] + epoch, e["cpu"]].append(e)
if ours.keys() != theirs.keys():
    sys.exit(f"streams differ: {ours.keys() ^ theirs.keys()}")
# the host's clock is exact in both; without host events, any other's first
key = min(theirs, key=lambda k: k[0] != "host")
first, same = theirs[key][0], ours[key][0]
origin = first["ns"] - same["t_ns"]
worst = 0
tolerance = 3 + max(part["line_residual_ns"] for m in manifest["machines"]
                    for part in [m] + m.get("parts", []))
for key in ours:
    a, b = ours[key], theirs[key]
    if len(a) != len(b):
        sys.exit(f"{key}: {len(a)} and {len(b)} events")
    for x, y in zip(a, b):
        if y["name"] == "ivtrace_ftrace":  # bytes to babeltrace2, to us what they mean
            if x["name"] == y["name"]:
                x["fields"] = {"entry": x["fields"]["entry"]}
            elif ":" in x["name"]:
                x["name"], x["fields"] = y["name"], y["fields"]
        if any(x[k] != y[k] for k in ("cpu", "tid", "name", "fields")):
            sys.exit(f"{key}:\n{x}\n{y}")
        worst = max(worst, abs(x["t_ns"] + origin - y["ns"]))
if worst > tolerance:
    sys.exit(f"times differ by {worst} ns, {tolerance} are allowed")
want = sum(s["lost_full"] + s["lost_nested"] + s["lost_big"]
           for m in manifest["machines"] for s in m["streams"])
if lost != want:
    sys.exit(f"{lost} losses reported, {want} in the manifest")
print(f"{sys.argv[1].split('/')[-1]}: {sum(map(len, ours.values()))} events agree, "
      f"times within {worst} ns, {lost} lost")
END
}

# Flip a byte in the middle of the largest stream and cut another one.
damage() # TRACE
{
	local largest other bytes

	largest=$(find "$1" -name 'cpu_*' -printf '%s %p\n' | sort -rn | head -1 | cut -d' ' -f2-)
	other=$(find "$1" -name 'cpu_*' -printf '%s %p\n' | sort -rn | sed -n 3p | cut -d' ' -f2-)
	bytes=$(stat -c %s "$largest")
	printf '\377\377\377' | dd of="$largest" bs=1 seek=$((bytes / 2 / 8 * 8 + 9)) conv=notrunc status=none
	truncate -s -100 "$other"
}

# Other traces than the made ones can be named: babeltrace_agrees.sh TRACE.ivt...
if [ $# -gt 0 ]; then
	for trace; do agree "$trace"; done
	exit
fi

gen=$O/tests/data/gen-trace
"$gen" "$tmp/closed.ivt" --requests 40 --noise 500
agree "$tmp/closed.ivt"
"$gen" "$tmp/finalised.ivt" --requests 40 --noise 500 --finalise
agree "$tmp/finalised.ivt"
"$gen" "$tmp/killed.ivt" --requests 20 --unclosed
agree "$tmp/killed.ivt"
"$O/tests/data/gen-types" "$tmp/types.ivt"
agree "$tmp/types.ivt"
# clocks that were set back go on in directories of their own
"$O/tests/data/gen-setback" "$tmp/setback.ivt"
agree "$tmp/setback.ivt"
"$gen" "$tmp/damaged.ivt" --requests 40 --noise 500
damage "$tmp/damaged.ivt"
"$BIN/ivtrace-report" repair "$tmp/damaged.ivt"
agree "$tmp/damaged.ivt"
