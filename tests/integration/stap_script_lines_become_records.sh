#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a SystemTap script says is the host's, on the CPU and by the task that it says,
# in order of time; what is malformed is counted and left, and so are gaps.  A program
# that is called staprun stands for SystemTap.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
touch "$work/script.ko"

cat >"$work/bin/staprun" <<'END'
#!/bin/bash
# staprun FILE OPTION: the lines of FILE.lines, with NOW for the time and RS for the byte
echo "$*" >"$1.arguments"
now=$(awk '{ printf "%.0f", $1 * 1000000000 }' /proc/uptime)
while IFS= read -r line; do
	line=${line//RS/$'\036'}
	printf '%b' "${line//NOW/$now}"
	now=$((now + 1))
done <"$1.lines"
: >"$1.said"
trap 'sleep 0.2; cat "$1.rest"; exit 0' INT
while :; do sleep 0.1; done
END
chmod +x "$work/bin/staprun"

cat >"$work/script.ko.lines" <<'END'
RSB 1\n
own line\n
no newline
RSM 1 NOW 0 17 0 0 0 a text\n
RSM 2 NOW 0 17 0 1 18446744073709551615 span\n
RSM 3 NOW 0 17 1 3 -9223372036854775808 \n
RSM 4 NOW 0 4194303 3 2 -1 name with blanks\n
RSM 8 NOW 0 1 2 0 0 three are lost before this\n
RSM 5 1 0 1 0 0 0 old, late, and one lost less\n
RSM 9 NOW 99999 1 0 0 0 no such CPU\n
RSM 9 99999999999999999999 0 1 0 0 0 no number\n
RSM 9 9999999999999999999 0 1 0 0 0 the future\n
RSM 9 NOW 0 4194304 0 0 0 no such tid\n
RSM 9 NOW 0 1 4 0 0 no such context\n
RSM 9 NOW 0 1 0 4 0 no such kind\n
RSM 0 NOW 0 1 0 0 0 no such number\n
RSM 9 NOW 0 1 0 0\n
RSM 99999999999999999 NOW 0 1 0 0 0 too many to be true\n
RSM 9 NOW 0  1 0 0 0 two blanks\n
RSX\n
RS\n
RSE 0\n
RSE 99999 1\n
END
long()
{
	head -c "$1" /dev/zero | tr '\0' "$2"
}
printf '%s\\n\n' "RSM 9 NOW 0 1 0 0 0 $(long 128 x)" "RSM 9 NOW 0 1 0 0 0 $(long 400 x)" \
	"RSM 9 NOW 0 1 0 0 0 $(long 127 y)" >>"$work/script.ko.lines"
printf '\036M 10 2 0 1 0 0 0 at the end\n\036E 0 12\n' >"$work/script.ko.rest"

PATH=$work/bin:$PATH "$BIN/ivtrace-host" record -o "$work/t.ivt" --host none \
	--stap "$work/script.ko" -- sh -c "until [ -e '$work/script.ko.said' ]; do sleep 0.1; done" \
	>"$work/out" 2>&1 || { cat "$work/out"; exit 1; }
grep -F "script.ko ivtrace_output=1" "$work/script.ko.arguments"
grep -F ': 16 lines are none that ivtrace.stp writes' "$work/out" || { cat "$work/out"; exit 1; }
grep -F ' printed 2 lines of its own' "$work/out"
"$BIN/ivtrace-report" events --json "$work/t.ivt" >"$work/events"
python3 - "$work/events" "$work/t.ivt/manifest.json" <<'END'
import json, sys

events = [json.loads(line) for line in open(sys.argv[1])]
got = [(e["name"], e["machine"], e["cpu"], e["tid"], *e["fields"].values()) for e in events]
said = {
    ("ivtrace_mark", "host", 0, 17, "a text"),
    ("ivtrace_span_begin", "host", 0, 17, 2**64 - 1, "span"),
    ("ivtrace_value", "host", 0, 17, -2**63, ""),
    ("ivtrace_span_end", "host", 0, 4194303, 2**64 - 1, "name with blanks"),
    ("ivtrace_mark", "host", 0, 1, "three are lost before this"),
    ("ivtrace_mark", "host", 0, 1, "old, late, and one lost less"),
    ("ivtrace_mark", "host", 0, 1, "y" * 127),
    ("ivtrace_mark", "host", 0, 1, "at the end"),
}
assert len(got) == len(said) and set(got) == said, got
texts = [g[-1] for g in got]
assert texts[:2] == ["old, late, and one lost less", "a text"], texts
times = [e["t_ns"] for e in events]
assert times == sorted(times)
streams = json.load(open(sys.argv[2]))["machines"][0]["streams"]
lost = [(s["file"], s["lost_full"]) for s in streams]
assert lost == [("cpu_4096", 4)], lost  # 6 and 7, 11 and 12
print("8 marks, 4 lost")
END

fails() # PATTERN [FILE]: a recording that cannot begin
{
	if PATH=$work/bin:$PATH "$BIN/ivtrace-host" record -o "$work/n.ivt" --host none \
		--stap "$work/${2:-script.ko}" --duration 1 >"$work/out" 2>&1; then
		echo "it began: $1"
		exit 1
	fi
	grep -F "$1" "$work/out" || { cat "$work/out"; exit 1; }
	[ ! -e "$work/n.ivt" ]
}

printf '#!/bin/sh\nexit 1\n' >"$work/bin/staprun"
fails 'it ended (SystemTap'
printf '#!/bin/sh\nexit 127\n' >"$work/bin/staprun"
fails 'SystemTap is not installed'
# A script that is not compiled yet: with the tapset, and its output switched on.
touch "$work/script.stp"
printf '#!/bin/sh\necho "$*" >"%s/stap.arguments"\nexit 1\n' "$work" >"$work/bin/stap"
chmod +x "$work/bin/stap"
fails 'it ended (SystemTap' script.stp
grep -E -- "^-I .*/tapset -G ivtrace_output=1 $work/script.stp\$" "$work/stap.arguments"
rm "$work/script.ko"
fails "script.ko': No such file"
