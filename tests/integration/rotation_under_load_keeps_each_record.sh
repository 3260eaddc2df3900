#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 180
# A recording that is rotated while its guest writes: each mark of the guest is in
# one of the chunks, once, in order; each chunk is a whole trace, finished and
# compressed, and knows its neighbours; with --keep the others go, and the sum still
# says what all of them held.
. "$(dirname "$0")/lib.sh"

sum_of() # FILE: "records lost" of VM a in the recorder's last summary
{
	awk '$1 == "a" && $3 == "records" { print $2, $6 }' "$1" | tail -n 1
}

# marks CHUNK...: "cpu n" of each mark, chunk after chunk
marks()
{
	local chunk

	for chunk in "$@"; do
		"$report" events --json "$chunk" 2>/dev/null
	done | python3 -c '
import json, sys
for line in sys.stdin:
    if "ivtrace_mark" in line:
        e = json.loads(line)
        print(e["fields"]["msg"] if "fields" in e else e["msg"])'
}

check_neighbours() # CHUNK...
{
	python3 - "$@" <<'END'
import json, os, sys
names = [os.path.basename(p) for p in sys.argv[1:]]
for i, path in enumerate(sys.argv[1:]):
    m = json.load(open(path + "/manifest.json"))
    c = m["chunk"]
    assert m["closed"] and m["finalised"], path
    assert "sync" in m, path
    assert names[i].endswith("%04d.ivt" % c["number"]), (path, c)
    if i: assert c["previous"] == names[i - 1], c
    if i + 1 < len(names): assert c["next"] == names[i + 1], c
    else: assert "next" not in c, c
    assert [x["name"] for x in m["machines"]] == ["host", "a"], path
    a = m["machines"][1]
    assert a["guest"]["release"] == "pretended", a["guest"]
    for s in a["streams"]:
        assert s["records"] and s["compressed_bytes"] < s["bytes"], s
END
}

echo '== all chunks'
make_region 16M 2
record --rotate-size 512K --compress -- "$guest" "$region" --count 100000 --pace-us 500 --linger-ms 300 \
	>"$work/out" 2>"$work/err"
grep -v 'goes on in' "$work/err"
chunks=("$work"/t.[0-9][0-9][0-9][0-9].ivt)
echo "${#chunks[@]} chunks"
[ ${#chunks[@]} -ge 5 ]
check_neighbours "${chunks[@]}"
[ "$(find "$work" -name 'cpu_*' ! -name '*.zst' | wc -l)" = 0 ]
marks "${chunks[@]}" >"$work/marks"
for cpu in 0 1; do
	grep "^$cpu " "$work/marks" >"$work/is" || true
	seq -f "$cpu %.0f" 0 99999 | cmp - "$work/is"
done
echo "sum: $(sum_of "$work/err"), guest: $(tail -n 1 "$work/out")"
[ "$(sum_of "$work/err")" = "200000 0" ]

echo '== the newest two; a guest that loses'
rm -rf "$work"/t.*.ivt "$region"
make_region 4M 2
record --rotate-size 1M --keep 2 -- "$guest" "$region" --count 400000 --pace-us 0 --linger-ms 300 \
	>"$work/out" 2>"$work/err"
grep -v 'goes on in\|removed ' "$work/err"
chunks=("$work"/t.[0-9][0-9][0-9][0-9].ivt)
echo "kept: ${chunks[*]##*/}"
[ ${#chunks[@]} = 2 ]
read -r records lost < <(sum_of "$work/err")
echo "sum: $records records, $lost lost; guest: $(tail -n 1 "$work/out")"
[ "$records $lost" = "$(field recorded "$work/out") $(field lost "$work/out")" ]
[ $((records + lost)) = 800000 ]

echo '== a second recording goes on behind the first one'
last=${chunks[1]##*/t.}
record --rotate-size 1M -- "$guest" "$region" --count 100 --linger-ms 100 >"$work/out" 2>"$work/err"
next=$(printf 't.%04d.ivt' $((10#${last%.ivt} + 1)))
grep -q "recording into '$work/$next'" "$work/err"
[ "$(sum_of "$work/err")" = "200 0" ]
