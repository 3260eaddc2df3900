#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ivtrace-report: exit status, messages, text and JSON of every sub-command, and
# traces that are cut, damaged or not there.
set -uo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
report=$BIN/ivtrace-report
failed=0

fail()
{
	echo "FAIL: $*"
	failed=1
}

# expect STATUS PATTERN ARGUMENTS...: exit status, and a line of either output
expect()
{
	local want=$1 pattern=$2 got

	shift 2
	"$report" "$@" >"$tmp/out" 2>&1 </dev/null
	got=$?
	[ $got = "$want" ] || fail "$*: exit $got, not $want: $(head -n 3 "$tmp/out")"
	grep -qE -- "$pattern" "$tmp/out" || fail "$*: no '$pattern' in: $(head -n 3 "$tmp/out")"
}

json() # EXPRESSION ARGUMENTS...: a truth about the document d
{
	local expression=$1

	shift
	"$report" "$@" 2>"$tmp/err" | python3 -c "import json, sys
d = json.load(sys.stdin)
assert $expression, d" 2>>"$tmp/err" || fail "$*: not $expression: $(tail -n 2 "$tmp/err")"
}

"$O/tests/data/gen-trace" "$tmp/alone.ivt" --contention 0 --requests 50 || exit 1
"$O/tests/data/gen-trace" "$tmp/t.ivt" --requests 50 || exit 1

# usage
expect 0 '^Usage: ivtrace-report COMMAND' --help
expect 0 '^ivtrace-report [0-9]+\.' --version
expect 2 'which command'
expect 2 "unknown command 'nothing'" nothing "$tmp/t.ivt"
for command in summary events io verdict sync; do
	expect 0 "^Usage: ivtrace-report $command .*TRACE|^Usage: ivtrace-report $command .*ALONE" \
		$command --help
	expect 0 '^Examples?:' $command --help
	expect 2 'which trace' $command
	expect 2 'unknown option --bad' $command --bad "$tmp/t.ivt"
	expect 2 'too many arguments' $command "$tmp/t.ivt" "$tmp/t.ivt" "$tmp/t.ivt"
	if [ $command != verdict ]; then
		expect 1 "^ivtrace-report: .*$tmp/none" $command "$tmp/none"
		expect 1 '^ivtrace-report: ' $command /dev/null
	fi
done
expect 2 'does not take --slowest' events --slowest 3 "$tmp/t.ivt"
expect 2 "'1x' is not understood" events --from 1x "$tmp/t.ivt"
expect 2 'a value is missing' events --limit
expect 2 "unknown event 'sched_swich'" events --name sched_swich "$tmp/t.ivt"
expect 1 "cannot find machine 'z'" events --vm z "$tmp/t.ivt"
expect 2 'is the host' io --vm host "$tmp/t.ivt"

# answers
expect 0 '^a waited [0-9.]+ ms behind b at the disk: [0-9.]+ % of' io "$tmp/t.ivt"
expect 0 '^No machine held up' io --vm a "$tmp/alone.ivt"
expect 0 '^a.s writes were slowed by b: ' verdict "$tmp/alone.ivt" "$tmp/t.ivt"
expect 0 'guest  kvm ' summary "$tmp/t.ivt"
expect 0 ' bpf .* 0/' sync "$tmp/t.ivt"
json 'd["schema"] == "ivtrace.io/1" and d["victim"] == "a" and d["culprit"] == "b" and set(d["vms"]) == {"a", "b"}' \
	io --json "$tmp/t.ivt"
json 'd["vms"]["a"]["requests"] == d["vms"]["a"]["linked"] == 50 and d["lost"] == 0 and d["causality_violations"] == 0' \
	io --json "$tmp/t.ivt"
json 'abs(sum(d["vms"]["b"]["stages_ms"].values()) - d["vms"]["b"]["total_ms"]) < 1e-3' \
	io --json "$tmp/t.ivt"
json 'abs(sum(d["vms"]["a"]["behind_ms"].values()) - d["vms"]["a"]["stages_ms"]["wait"]) < 1e-3' \
	io --json "$tmp/t.ivt"
json 'len(d["slowest"]) == 7 and set(d["vms"]) == {"a"}' io --json --slowest 7 --vm a "$tmp/t.ivt"
json 'set(d) == {"schema", "victim", "culprit", "write_ms", "extra_ms", "waited_behind_culprit_ms", "share_explained"}' \
	verdict --json "$tmp/alone.ivt" "$tmp/t.ivt"
json 'd["schema"] == "ivtrace.summary/1" and d["machines"][0]["kind"] == "host" and d["warnings"] == []' \
	summary --json "$tmp/t.ivt"
json 'd["schema"] == "ivtrace.sync/1" and d["machines"]["a"]["outside"] == 0 and d["machines"]["a"]["containment"] == "checked"' \
	sync --json "$tmp/t.ivt"
json 'all(set(c) == set("vcpu tid source entries error_ns records outside worst_outside_ns handshake_lo handshake_hi offset".split()) for v in d["vms"] for c in v["vcpus"])' \
	sync --json "$tmp/t.ivt"
json '[v["name"] for v in d["vms"]] == ["a", "b"] and all(c["tid"] > 0 and c["handshake_lo"] is None and c["outside"] == c["worst_outside_ns"] == (0 if c["records"] else None) for v in d["vms"] for c in v["vcpus"])' \
	sync --json "$tmp/t.ivt"

# the clocks' report in the manifest, also after a repair
cp -r "$tmp/t.ivt" "$tmp/w.ivt"
"$report" sync --write "$tmp/w.ivt" >"$tmp/out" 2>&1 || fail "sync --write: $(cat "$tmp/out")"
[ -s "$tmp/out" ] && fail "sync --write prints: $(cat "$tmp/out")"
"$report" repair "$tmp/w.ivt" || fail 'repair of a trace with a clocks report'
"$report" sync --json "$tmp/w.ivt" >"$tmp/sync.json"
python3 - "$tmp/w.ivt/manifest.json" "$tmp/sync.json" <<'END' || fail 'sync --write: another document'
import json, sys
assert json.load(open(sys.argv[1]))["sync"] == json.load(open(sys.argv[2]))
END
expect 2 'does not take --write' io --write "$tmp/t.ivt"

# events: every record once, ascending; windows join without gap or overlap
total=$("$report" summary --json "$tmp/t.ivt" |
	python3 -c 'import json, sys; print(sum(m["records"] for m in json.load(sys.stdin)["machines"]))')
[ "$("$report" events "$tmp/t.ivt" | tail -n +2 | wc -l)" = "$total" ] || fail 'events: not all records'
"$report" events "$tmp/t.ivt" | tail -n +2 | awk '$1 < last {exit 1} {last = $1}' ||
	fail 'events: not ascending'
"$report" events --json "$tmp/t.ivt" | python3 -c 'import json, sys
last = 0
for line in sys.stdin:
    e = json.loads(line)
    assert e["t_ns"] >= last and set(e) == {"t_ns", "machine", "cpu", "tid", "name", "fields"}, e
    last = e["t_ns"]' || fail 'events --json: not JSON lines'
first=$("$report" events --to 100.5ms "$tmp/t.ivt" | tail -n +2 | wc -l)
second=$("$report" events --from 0.1005 "$tmp/t.ivt" | tail -n +2 | wc -l)
if [ $((first + second)) != "$total" ] || [ "$first" = 0 ] || [ "$second" = 0 ]; then
	fail "events: $first + $second of $total"
fi
[ "$("$report" events --limit 3 --vm a --name block_rq_issue,block_rq_complete "$tmp/t.ivt" |
	grep -c ' a .* block_rq_')" = 3 ] || fail 'events: --limit --vm --name'

# texts of events --json: whole, UTF-8 as it is; a C1 control, a byte that is none,
# an overlong form and a cut one escaped
"$O/tests/data/gen-types" "$tmp/types.ivt" || exit 1
python3 - "$tmp"/types.ivt/*/cpu_* <<'END' || fail 'events --json: no text to change'
import sys
name = b"t\xc3\xa4sk 6".ljust(16, b"\0")
hostile = b'\xc3\xa4\xc2\x9b\xff\xc0\xaf\x1b\x7f"0123'.ljust(16, b"\xe2")
for path in sys.argv[1:]:
    data = open(path, "rb").read()
    assert name in data
    open(path, "wb").write(data.replace(name, hostile))
END
"$report" events --json --name lttng_statedump_process_state,lttng_statedump_block_device \
	"$tmp/types.ivt" >"$tmp/out" 2>"$tmp/err" || fail "types: $(cat "$tmp/err")"
grep -qF '"name":"ä\u009b\u00ff\u00c0\u00af\u001b\u007f\"0123\u00e2\u00e2"' "$tmp/out" ||
	fail "events --json: hostile text: $(head -n 1 "$tmp/out")"
grep -qE '"diskname":"[^ ]+ of some lengthx{270,}"' "$tmp/out" || fail 'events --json: a text is cut'
python3 -c 'import json, sys
for line in open(sys.argv[1], encoding="utf-8"):
    json.loads(line)' "$tmp/out" || fail 'events --json: no UTF-8'

# outputs that end early or fail
"$report" events "$tmp/t.ivt" 2>"$tmp/err" | head -n 1 >"$tmp/out"
if [ "${PIPESTATUS[0]}" != 0 ] || [ -s "$tmp/err" ]; then
	fail "a closed pipe is no failure: $(cat "$tmp/err")"
fi
"$report" events "$tmp/t.ivt" >/dev/full 2>"$tmp/err" && fail 'a full disk is no failure'
grep -q 'cannot write' "$tmp/err" || fail 'a full disk goes unnoticed'
"$report" io "$tmp/t.ivt" >&- 2>"$tmp/err" && fail 'a closed output is no failure'
grep -q 'cannot write' "$tmp/err" || fail 'a closed output goes unnoticed'

# damage: whatever is changed, an answer or a message, never a crash or a hang
cat >"$tmp/damage.py" <<'END'
import os, random, sys
rng = random.Random(int(sys.argv[2]))
files = [os.path.join(d, f) for d, _, fs in os.walk(sys.argv[1]) for f in fs]
for _ in range(rng.randint(1, 20)):
    path = rng.choice(files)
    data = bytearray(open(path, "rb").read())
    if not data:
        continue
    if rng.random() < 0.2:
        data = data[:rng.randrange(len(data))]
    else:
        for _ in range(rng.randint(1, 50)):
            data[rng.randrange(len(data))] = rng.choice([0, 255, rng.randrange(256)])
    open(path, "wb").write(data)
END
for seed in $(seq "${IVT_DAMAGES:-25}"); do
	rm -rf "$tmp/d.ivt"
	cp -r "$tmp/t.ivt" "$tmp/d.ivt"
	python3 "$tmp/damage.py" "$tmp/d.ivt" "$seed"
	for command in summary events io sync; do
		timeout 60 "$report" $command --json "$tmp/d.ivt" >"$tmp/out" 2>"$tmp/err"
		got=$?
		[ $got -le 1 ] || fail "damage $seed: $command: exit $got: $(tail -n 3 "$tmp/err")"
		[ $got = 0 ] || grep -q '^ivtrace-report: ' "$tmp/err" ||
			fail "damage $seed: $command fails without a message"
	done
done
rm -f "$tmp"/t.ivt/*/cpu_* && expect 0 '^No disk request' io "$tmp/t.ivt"
exit $failed
