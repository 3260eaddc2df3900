#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ivtrace-report and ivtrace-view on what is no trace, on one from a newer version,
# one that is cut, one that may not be written; and on guests' texts that try to
# reach the terminal.
set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
report=$BIN/ivtrace-report
view=$BIN/ivtrace-view

# Every program says it, about $1, and leaves it as it is.
refused() # TRACE PATTERN
{
	local before command

	before=$(find "$1" -type f -exec cksum {} + 2>/dev/null)
	for command in summary events io sync repair; do
		says 1 "^ivtrace-report: .*'$1'.*$2" "$report" $command "$1"
	done
	says 1 "'$1'.*$2" "$report" verdict "$tmp/good.ivt" "$1"
	says 1 "^ivtrace-view: .*'$1'.*$2" "$view" --render "$tmp/x.png" "$1"
	[ "$(find "$1" -type f -exec cksum {} + 2>/dev/null)" = "$before" ] || fail "$1 was changed"
	[ ! -e "$tmp/x.png" ] || fail "$1 makes a picture"
}

"$O/tests/data/gen-trace" "$tmp/good.ivt" --requests 20 --finalise || exit 1

manifest() # NAME CHANGE-OF-d
{
	rm -rf "${tmp:?}/$1"
	cp -r "$tmp/good.ivt" "$tmp/$1"
	python3 - "$tmp/$1/manifest.json" "$2" <<'END'
import json, sys
d = json.load(open(sys.argv[1]))
exec(sys.argv[2])
json.dump(d, open(sys.argv[1], "w"))
END
}

refused "$tmp/none" 'No such file'
echo text >"$tmp/file"
refused "$tmp/file" 'Not a directory'
mkdir "$tmp/folder"
refused "$tmp/folder" 'not a trace: it has no manifest.json'
manifest newer.ivt 'd["version"] = [99, 0]'
refused "$tmp/newer.ivt" 'format version 99, .*use a newer ivtrace'
manifest other.ivt 'd["format"] = "other"'
refused "$tmp/other.ivt" 'not of an ivtrace trace'
manifest upward.ivt 'd["machines"][1]["dir"] = "../good.ivt/vm-a"'
refused "$tmp/upward.ivt" 'machine 1 is damaged'
manifest stream.ivt 'd["machines"][1]["streams"][0]["file"] = "../manifest.json"'
refused "$tmp/stream.ivt" 'machine 1 is damaged'
cp -r "$tmp/good.ivt" "$tmp/half.ivt"
head -c 300 "$tmp/good.ivt/manifest.json" >"$tmp/half.ivt/manifest.json"
refused "$tmp/half.ivt" 'not JSON'

# Cut: what is whole is read, with a warning; the same after repair.
cp -r "$tmp/good.ivt" "$tmp/cut.ivt"
size=$(stat -c %s "$tmp/good.ivt/vm-a/cpu_0")
truncate -s $((size - 3)) "$tmp/cut.ivt/vm-a/cpu_0"
: >"$tmp/cut.ivt/sync.bin"
says 0 "'vm-a/cpu_0' ends inside a packet" "$report" summary "$tmp/cut.ivt"
says 0 "'sync.bin'" "$report" events "$tmp/cut.ivt"
cut_lines=$(wc -l <"$tmp/out")
says 0 'ends inside' "$view" --render "$tmp/cut.png" "$tmp/cut.ivt"
says 0 '' "$report" repair "$tmp/cut.ivt"
"$report" events "$tmp/cut.ivt" >"$tmp/out" 2>"$tmp/err"
[ "$(wc -l <"$tmp/out")" = "$cut_lines" ] || fail 'repair loses records'

# A user who may only read.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	cp "$report" "$tmp/program"
	chmod -R go=rX "$tmp"
	nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups "$tmp/program")
	says 0 '' "${nobody[@]}" summary "$tmp/good.ivt"
	says 1 "cannot .*'$tmp/good.ivt/.*Permission denied" "${nobody[@]}" repair "$tmp/good.ivt"
	chmod -R go= "$tmp/good.ivt"
	says 1 "cannot open '$tmp/good.ivt': Permission denied" "${nobody[@]}" summary "$tmp/good.ivt"
fi

# Hostile texts: an escape, a byte that is no UTF-8, U+009B, quotes, markup.
cp -r "$tmp/good.ivt" "$tmp/hostile.ivt"
python3 - "$tmp/hostile.ivt" <<'END'
import glob, sys
for path in glob.glob(sys.argv[1] + "/*/cpu_*"):
    data = open(path, "rb").read()
    for old, new in ((b"writer/0", b"\x1b[2J\xff\xc2\x9b\""), (b"flood/1", b"\xc2\x9b\"\\<b>"),
                     (b"vda\0", b"\x1b\xff<\0")):
        data = data.replace(old, new)
    open(path, "wb").write(data)
END
clean() # WHAT: standard input is UTF-8 without control characters
{
	python3 -c 'import sys
text = sys.stdin.buffer.read().decode()
bad = {hex(ord(c)) for c in text if (c < " " and c != "\n") or "\x7f" <= c < "\xa0"}
assert text and not bad, bad' 2>"$tmp/err" || fail "$1 prints what a guest says as it is"
}
for command in summary events 'io --slowest 5' sync; do
	# shellcheck disable=SC2086
	"$report" $command "$tmp/hostile.ivt" 2>&1 | clean "$command"
	# shellcheck disable=SC2086
	"$report" $command --json "$tmp/hostile.ivt" 2>/dev/null | python3 -c 'import json, sys
for text in sys.stdin if sys.argv[1] == "events" else [sys.stdin.read()]:
    json.loads(text)' "$command" 2>"$tmp/err" || fail "$command --json is no JSON"
done
for focus in '' '--focus slowest'; do
	# shellcheck disable=SC2086
	"$view" --list "$tmp/list" $focus "$tmp/hostile.ivt" 2>"$tmp/err" || fail "view --list $focus"
	clean "view --list $focus" <"$tmp/list"
	# shellcheck disable=SC2086
	"$view" --render "$tmp/x.svg" $focus "$tmp/hostile.ivt" 2>"$tmp/err" || fail "view $focus"
	[ ! -s "$tmp/err" ] || fail "view $focus complains"
	python3 -c 'import sys, xml.dom.minidom
xml.dom.minidom.parse(sys.argv[1])' "$tmp/x.svg" 2>"$tmp/err" || fail "view $focus: no XML"
done
exit $failed
