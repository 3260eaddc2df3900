#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# alone: its figures are times of a disk that nobody else keeps busy
#
# The demo as a newcomer runs it: the verdict names a and b with figures that fit,
# the recording of a alone accuses nobody, both pictures show something, and
# nothing is left behind.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
cd "$SRC"
mkdir -p "$O/tests"
work=$(mktemp -d "$O/tests/demo.XXXXXX")
report=$BIN/ivtrace-report
lab/build-image --module "$O/module/ivtrace.ko" >/dev/null

export O IVT_DEMO_VIEW=0
demo=$work/demo.out
scripts/demo "$work" >"$demo" 2>&1 &
pid=$!
wait $pid || { cat "$demo"; exit 1; }

python3 - "$work/verdict.json" <<'END'
import json, sys
d = json.load(open(sys.argv[1]))
print(json.dumps(d))
alone, contended = (d["write_ms"][k]["p50"] for k in ("alone", "contended"))
assert d["victim"] == "a" and d["culprit"] == "b"
assert contended > 3 * alone, (alone, contended)
assert 0.7 <= d["share_explained"] <= 1.15
assert 0 < d["waited_behind_culprit_ms"] and 0 < d["extra_ms"]
END
grep -q "^a's writes were slowed by b: " "$demo"

"$report" io --json "$work/alone.ivt" >"$work/alone.json"
python3 - "$work/alone.json" <<'END'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["culprit"] is None, d["culprit"]
a = d["vms"]["a"]
behind_others = sum(ms for who, ms in a["behind_ms"].items() if who not in ("a", "nobody"))
print("alone: %.3f of %.3f ms behind others" % (behind_others, a["total_ms"]))
assert a["requests"] == a["linked"] > 0
assert behind_others < 0.05 * a["total_ms"]
END

# A picture of something: large enough, with many colours.
python3 - "$work/alone.png" "$work/contended.png" <<'END'
import struct, sys, zlib
for path in sys.argv[1:]:
    data = open(path, "rb").read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", path
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    at, body = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body += data[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    raw = zlib.decompress(body)
    values = len(set(raw))
    print(path.rsplit("/", 1)[1], width, "x", height, len(data), "bytes,", values, "values")
    assert width >= 800 and height >= 400 and depth == 8 and len(data) > 20000 and values > 30
END

# Nothing is left: of the demo's own things, all named after its folder or process.
left=$({
	pgrep -af 'qemu-system' | grep -F "$work" || true
	losetup -a | grep -F "$work" || true
	grep -F "$work" /proc/self/mounts || true
	find /dev/shm -maxdepth 1 -name "ivtrace-demo-*.$pid"
	[ ! -e "$work/disk/device" ] || echo "$work/disk/device"
})
[ -z "$left" ] || { printf 'left behind:\n%s\n' "$left"; exit 1; }
rm -rf "$work"
