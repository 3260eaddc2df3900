#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 2400
#
# The tapset's two examples, one on the host and one in a guest, beside a recording:
# what they say is in the trace, typed and in order, and agrees with the host's own
# events and with what the guest's workload did.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$SRC/tests/kvm/lib.sh"

kvm_setup
[ -d "$O/lab/host/tree" ] || kvm_emulated_host
lab/build-scripts
kvm_run kvm-stap
kvm_check kvm-stap/trace.ivt
cd "$work/kvm-stap"
cat g.out alone.out
[ "$(grep -c 'ivtrace: no driver is loaded here' alone.out)" = 1 ]
if grep 'no driver' g.out; then exit 1; fi
"$BIN/ivtrace-report" events --json \
	--name ivtrace_mark,ivtrace_value,ivtrace_span_begin,ivtrace_span_end,kvm_vcpu_wakeup \
	trace.ivt >events
python3 - events trace.ivt/manifest.json <<'END'
import collections
import json
import re
import sys

events = [json.loads(line) for line in open(sys.argv[1])]
machines = json.load(open(sys.argv[2]))["machines"]
guest = next(m for m in machines if m["name"] == "g")

# In the guest: three slow fsyncs of the disk, told by their own task; none of the file.
said = [e for e in events if e["machine"] == "g" and e["name"] in ("ivtrace_mark", "ivtrace_value")]
assert [e["name"] for e in said] == ["ivtrace_mark", "ivtrace_value"] * 3, said
for mark, value in zip(said[::2], said[1::2]):
    m = re.fullmatch(r"slow fsync of 'vda' by dd pid=(\d+): (\d+) ms", mark["fields"]["msg"])
    assert m and int(m[1]) == mark["tid"] == value["tid"], mark
    assert value["fields"] == {"value": int(m[2]), "name": "slow_fsync_ms"}, value
    assert int(m[2]) >= 50

# On the host: each halt of a vCPU, and KVM's own word on it between begin and end.
threads = {v["tid"] for v in guest["vcpus"]}
halts = collections.defaultdict(list)
spans = 0
for e in events:
    if e["machine"] != "host" or e["tid"] not in threads:
        continue
    halts[e["tid"]].append({"ivtrace_span_begin": "b", "ivtrace_span_end": "e"}.get(e["name"], "w"))
    spans += e["name"] == "ivtrace_span_begin"
    if e["name"].startswith("ivtrace_span"):
        assert e["fields"] == {"id": e["tid"], "name": "vcpu halt"}, e
begun = whole = 0
for tid, word in halts.items():
    word = "".join(word)
    # The script begins before the host's events do.
    word = word[word.index("w"):word.rindex("w") + 2]
    begun += word.count("b")
    whole += word.count("bwe")
print(f"{begun} halts, {whole} with KVM's own event inside, of {sorted(halts)}, {spans} in all")
assert set(halts) == threads and begun > 50
# SystemTap may skip a probe where another holds its lock; what it says is in order.
assert whole >= 0.9 * begun
counts = [e["fields"]["value"] for e in events if e["machine"] == "host" and e["name"] == "ivtrace_value"
          and e["fields"]["name"] == f"halts {guest['qemu']['pid']}"]
assert counts and 0 < sum(counts) <= spans, (counts, spans)
streams = machines[0]["streams"]
script = [s for s in streams if s["file"] in ("cpu_4096", "cpu_4097")]
assert script and sum(s["lost_full"] for s in script) == 0, script
END
