#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
#
# A real guest, recorded in chunks: what it says in a loop is there once, in order, over
# all chunks; each chunk but the last, which may be short, has the guest's state of
# its own, its facts and its clock.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"

vm_setup
vm_start a
"$BIN/ivtrace-host" record -o "$work/t.ivt" --vm "a=shm:$(vm_region a)" --host none \
	--rotate-time 1500ms --compress 2>"$work/record.log" &
recorder=$!
wait_for 30 has_records "$work/t.0000.ivt" a
lab/vm exec a -- 'i=0; while [ $i -lt 1500 ]; do echo "number $i" >/dev/ivtrace; i=$((i + 1)); usleep 2000; done'
wait_for 60 test -d "$work/t.0003.ivt"
wait_for 60 has_records "$work/t.0003.ivt" a
kill -INT "$recorder"
wait "$recorder"
cat "$work/record.log"

python3 - "$BIN/ivtrace-report" "$work"/t.*.ivt <<'END'
import json, subprocess, sys
report, chunks = sys.argv[1], sys.argv[2:]
numbers = []
for chunk in chunks:
    m = json.load(open(chunk + "/manifest.json"))
    a = next(x for x in m["machines"] if x["name"] == "a")
    assert m["closed"] and m["finalised"] and a["epoch"] == 0, chunk
    assert a["guest"]["release"] and a["guest"]["cpus"], (chunk, a["guest"])
    assert a["qemu"]["pid"] > 0, (chunk, a["qemu"])
    done = subprocess.run([report, "events", "--json", chunk], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "no offset" not in done.stderr, (chunk, done.stderr)
    state = 0
    for line in done.stdout.splitlines():
        if "lttng_statedump_process_state" in line:
            state += 1
        elif "number " in line and "ivtrace_mark" in line:
            e = json.loads(line)
            text = e["fields"]["msg"] if "fields" in e else e["msg"]
            numbers.append(int(text.split()[1]))
    print(chunk[-8:], state, "processes", len(numbers), "marks so far")
    assert state >= 5 or chunk == chunks[-1], (chunk, state)
assert numbers == list(range(1500)), len(numbers)
END
lab/vm check-log a
