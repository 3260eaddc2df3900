#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# Of the host's events those that were named have a program, and nothing else has;
# each recorder's cost is in its manifest; of one that was killed nothing stays
# attached, loaded or running.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { echo "skip: needs root"; exit 77; }
[ -e /sys/kernel/btf/vmlinux ] || { echo "skip: no /sys/kernel/btf/vmlinux"; exit 77; }

start() # EVENTS: a recorder of the host alone
{
	"$host" record -o "$trace" --host "$1" >"$work/record.out" 2>&1 &
	recorder=$!
	wait_for 60 grep -qs 'recording into' "$work/record.out"
}

infos() # what the recorder's descriptors are
{
	cat "/proc/$recorder/fdinfo/"* 2>/dev/null || true
}

linked() # names of the programs that are attached, by the recorder's links
{
	local id

	for id in $(infos | awk '/^link_type:/ { is_link = 1 } /^pos:/ { is_link = 0 }
			is_link && /^prog_id:/ { print $2 }'); do
		bpftool -j prog show id "$id" | python3 -c 'import json, sys; print(json.load(sys.stdin)["name"])'
	done | sort | xargs
}

is_linked() # NAME...
{
	[ "$(linked)" = "$*" ] || { echo "attached: $(linked), not $*"; exit 1; }
}

# Other recorders and tools come and go: by the ids of ours.
are_gone() # IDS
{
	local id

	for id in $1; do
		! bpftool prog show id "$id" >/dev/null 2>&1 || return 1
	done
}

start block_rq_issue
is_linked block_rq_issue
kill -INT "$recorder"
wait "$recorder"

trace=$work/two.ivt
start sched_switch,block_rq_complete
is_linked block_rq_complete sched_switch
# It is in the manifest once it was measured, at the next of its checkpoints.
wait_for 60 grep -qs '"overhead"' "$trace/manifest.json"
"$host" status --pid "$recorder"
"$host" status --pid "$recorder" | grep -q 'programs take [0-9.]* % of one CPU'
kill -INT "$recorder"
wait "$recorder"
cat "$work/record.out"
python3 - "$trace/manifest.json" <<'END'
import json, sys
o = [m for m in json.load(open(sys.argv[1]))["machines"] if m["kind"] == "host"][0]["overhead"]
print(o)
assert o["measured_ns"] >= 10_000_000 and o["runs"] > 0 and o["run_ns"] > 0, o
assert o["run_ns"] // o["runs"] < 1_000_000, o
END

trace=$work/killed.ivt
start sched,block
ids=$(infos | sed -n 's/^prog_id:[[:blank:]]*//p' | sort -un)
children=$(pgrep -P "$recorder" | xargs)
[ -n "$ids" ] && [ -n "$children" ]
kill -KILL "$recorder"
wait "$recorder" || true
wait_for 20 are_gone "$ids"
for child in $children; do
	wait_for 10 test ! -e "/proc/$child"
done
echo "killed: $(wc -w <<<"$ids") programs and $(wc -w <<<"$children") processes are gone"
