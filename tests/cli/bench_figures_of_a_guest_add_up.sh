#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What bench/guest_figures.py makes of runs whose costs are known, and bench/table.py of that.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# An event of ours costs 100 instructions and 101 until it is stored, ftrace's 400 and 400,
# trace-cmd's 400 and 450 besides 5000 for each session; 50 calls are 100 events.
for run in 1 2 3; do
	cat <<END
off syscall calls 0 0 500 0 0
ivtrace syscall calls 0 0 500 0 0
ftrace syscall calls 0 0 600 0 0
trace-cmd syscall calls 0 0 5500 0 0
off syscall calls 50 $((2000 + run)) 2520 0 0
ivtrace syscall calls 50 $((12000 + run)) 12620 100 0
ftrace syscall calls 50 $((42000 + run)) 42620 100 0
trace-cmd syscall calls 50 $((42000 + run)) 52520 90 1$run
END
done >"$tmp/events.figures"

# All events: 10000 instructions of work, 2 % for us, 50 % for ftrace, without what an
# empty session takes.
for run in 1 2 3; do
	cat <<END
off all cpu 0 0 1000 0 0
ivtrace all cpu 0 0 1000 5 0
ftrace all cpu 0 0 3000 5 0
off all file $run 9000 11000 0 0
ivtrace all file $run 9100 11200 50 0
ftrace all file $run 9100 18000 50 0
END
done >"$tmp/overhead.figures"

# 4 exits of 200 calls, 400 events, are a record's; each cpuid is one; recording takes 40
# whatever is done.
for _ in 1 2 3; do
	printf '%s\n' "plain calls 0 30" "plain calls 200 40" "plain cpuid 50 80" \
		"recorded calls 0 70" "recorded calls 200 84" "recorded cpuid 50 120"
done >"$tmp/exits.tsv"

"$SRC/bench/guest_figures.py" "$tmp"/{events,overhead}.figures "$tmp/exits.tsv" \
	>"$tmp/figures.jsonl" 2>"$tmp/people"

# is METRIC VS KEY VALUE
is()
{
	python3 - "$tmp/figures.jsonl" "$@" <<'END'
import json, sys
path, metric, versus, key, wanted = sys.argv[1:]
lines = [line for line in map(json.loads, open(path, encoding="ascii"))
         if line["metric"] == metric and line["vs"] == (versus or None)]
if [line[key] for line in lines] != [float(wanted)]:
    sys.exit(f"{metric}, {versus or 'alone'}: {lines}, wanted {key} {wanted}")
END
	echo "ok: $*"
}

is instructions_per_event.syscall.ivtrace ftrace value 100
is instructions_per_event.syscall.ivtrace ftrace ratio 0.25
is instructions_per_event.syscall.ivtrace ftrace runs 3
is instructions_per_event.syscall.trace-cmd '' lost 13
is instructions_per_event.syscall.trace-cmd '' events 90
is instructions_per_event_stored.syscall.ivtrace trace-cmd value 101
is instructions_per_event_stored.syscall.trace-cmd '' value 450
is overhead_percent.file.ivtrace '' value 2
is overhead_percent.file.ftrace '' value 50
is exits_per_event.calls '' value 0.01
is exits.cpuid.plain '' value 1
is exits.cpuid.recorded '' value 1
is exits.nothing.recorded '' value 70
grep -q '90 events, 13 LOST' "$tmp/people" || { echo "people are not told of losses"; exit 1; }

printf '%s\n' '# Page' '<!-- figures -->' 'stays' '<!-- /figures -->' '<!-- figures guest -->' 'goes' \
	'<!-- /figures -->' >"$tmp/page.md"
"$SRC/bench/table.py" --into "$tmp/page.md#guest" "$tmp/figures.jsonl"
if ! grep -q '^stays$' "$tmp/page.md" || grep -q '^goes$' "$tmp/page.md"; then
	echo "the table is in the wrong place:"
	cat "$tmp/page.md"
	exit 1
fi
grep -q '^| a system call.s event .*against ftrace .*| \*\*0.25\*\* .*| yes |$' "$tmp/page.md"
grep -q '^| VM exits .*| \*\*no\*\* |$' "$tmp/page.md"
grep -q '^| .guest. instructions_per_event.syscall.trace-cmd (\*\*13 lost\*\*, 90 recorded) ' "$tmp/page.md"
if grep 'idle rings' "$tmp/page.md"; then
	echo "a goal of what was not measured"
	exit 1
fi
echo "ok: the page"
