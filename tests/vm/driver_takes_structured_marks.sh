#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
# Texts, spans and values, said by a program with ivring/mark.h and by ivtrace-guest,
# are in the host's trace with their fields, in order, each by its own task; what is
# malformed is refused and leaves nothing.  A command's span has its pid, its end
# comes with the command's, and signals reach it.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"
. "$SRC/tests/vm/tools/guest_tool.sh"

vm_setup
"${CC:-gcc}" -std=gnu11 -O2 -Wall -Wextra -static -I"$SRC/ivring/include" -o "$work/write-marks" \
	"$SRC/tests/vm/tools/write-marks.c"
mapfile -t add < <(with_tool)
vm_start g --smp 2 "${add[@]}" --add "$work/write-marks:/bin/write-marks"
lab/vm exec g -- 'rmmod ivtrace && write-marks && insmod /lib/lab/ivtrace.ko'

is_recording()
{
	lab/vm exec g -- 'ivtrace-guest status' | grep -q '^host  *recording$'
}

"$BIN/ivtrace-host" record -o "$work/t.ivt" --host none --guest ivtrace \
	--vm "g=shm:$(vm_region g)" 2>"$work/err" &
recorder=$!
wait_for 20 is_recording
lab/vm exec g -- 'write-marks'
lab/vm exec g -- 'set -e
	ivtrace-guest mark --begin backup --id 18446744073709551615
	ivtrace-guest mark --value "queue=depth=-9223372036854775808"
	ivtrace-guest mark --end backup --id 18446744073709551615'
for wrong in '--begin b' '--begin b --id -1' '--end b --id 18446744073709551616' '--id 1' '--value x' \
	'--value x=' '--value x=1y' '--value =1' '--value x=9223372036854775808' '--begin b --value x=1' \
	'--begin b --id 1 word' '--lines word'; do
	lab/vm exec g -- "ivtrace-guest mark $wrong 2>/dev/null; test \$? = 2" ||
		{ echo "not refused: mark $wrong"; exit 1; }
done
lab/vm exec g -- 'ivtrace-guest run --name job -- sh -c "echo \$\$ >/tmp/job; exit 7"; test $? = 7'
lab/vm exec g -- 'ivtrace-guest run -- sh -c "echo \$\$ >/tmp/killed; kill -9 \$\$"; test $? = 137'
# Signals that are meant for the command: it ends by itself, with what it was told.
lab/vm exec g -- 'ivtrace-guest run --name told -- \
	sh -c "trap \"exit 5\" TERM; echo \$\$ >/tmp/told; while :; do sleep 0.1; done" & run=$!
	until [ -s /tmp/told ]; do sleep 0.1; done
	kill -TERM $run; wait $run; test $? = 5'
pids=$(lab/vm exec g -- 'echo $(cat /tmp/job /tmp/killed /tmp/told)')
kill -INT $recorder
wait $recorder

"$BIN/ivtrace-report" events --json "$work/t.ivt" >"$work/events"
python3 - "$work/events" $pids <<'END'
import json, sys

job, killed, told = map(int, sys.argv[2:])
names = {"ivtrace_mark", "ivtrace_span_begin", "ivtrace_span_end", "ivtrace_value"}
events = [json.loads(line) for line in open(sys.argv[1])]
events = [e for e in events if e["name"] in names]
n = "n" * 127
top = 2**64 - 1
said = [
    ("mark", "a text"), ("span_begin", 17, "request"), ("value", -3, "queue"),
    ("span_end", 17, "request"), ("span_begin", top, ""), ("value", 2**63 - 1, "large"),
    ("value", -2**63, "small"), ("span_end", 1, n), ("mark", n),
    ("span_begin", 2, "?[31m"), ("mark", "the end"),
    ("span_begin", top, "backup"), ("value", -2**63, "queue=depth"), ("span_end", top, "backup"),
    ("span_begin", job, "job"), ("mark", f"run job ends pid={job} status=7"), ("span_end", job, "job"),
    ("span_begin", killed, "sh"), ("mark", f"run sh ends pid={killed} signal=9"),
    ("span_end", killed, "sh"),
    ("span_begin", told, "told"), ("mark", f"run told ends pid={told} status=5"),
    ("span_end", told, "told"),
]
got = [(e["name"].removeprefix("ivtrace_"), *e["fields"].values()) for e in events]
for i, (a, b) in enumerate(zip(got, said)):
    assert a == b, f"event {i}: {a}, not {b}"
assert len(got) == len(said), f"{len(got)} events, not {len(said)}: {got[len(said):]}"
tids = [e["tid"] for e in events]
assert len(set(tids[:11])) == 1, "one program, several tasks"
for i, pid in ((14, job), (17, killed), (20, told)):
    assert tids[i] == pid, f"the span of {pid} begins by {tids[i]}"
    assert tids[i + 1] == tids[i + 2] != pid, "a command's end is said by ivtrace-guest"
times = [e["t_ns"] for e in events]
assert times == sorted(times)
print(f"{len(got)} marks, spans and values as they were said")
END
lab/vm check-log g
