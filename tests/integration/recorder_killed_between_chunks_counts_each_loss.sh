#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# A recorder is killed while it goes over to the next chunk, before and after its VM did:
# what was lost until then is counted in the chunk before, once, what came later behind it.
. "$(dirname "$0")/lib.sh"
killer=$O/tests/data/kill-at
count=60000

is_dead()
{
	! kill -0 "$recorder" 2>/dev/null
}

# sum KEY: of the guest's streams in all chunks
sum()
{
	python3 - "$1" "$work"/t.[0-9]*.ivt/manifest.json <<-'END'
	import json, sys
	machines = [m for name in sys.argv[2:] for m in json.load(open(name))["machines"]]
	streams = [s for m in machines if m["kind"] == "guest" for s in m["streams"]]
	keys = [k for k in streams[0] if k.startswith(sys.argv[1])]
	print(sum(s[k] for s in streams for k in keys))
	END
}

# die_before PATH: the first call that changes it
die_before()
{
	local writer

	echo "== before $1"
	rm -rf "$work"/t.*.ivt "$region"
	make_region 16M 2
	LD_PRELOAD=$killer KILL_AT=1 KILL_PATH=$1 \
		resume_in_background --rotate-time 1s --quota 64K
	wait_for 30 is_recording
	"$guest" "$region" --count $count --pace-us 2500 --hang >"$work/out" &
	writer=$!
	wait_for 30 is_dead
	wait $recorder 2>/dev/null || true
	[ -d "$work/t.0001.ivt" ]
	resume_in_background --rotate-time 1s --quota 64K
	wait_for 60 grep -q written "$work/out"
	kill -INT $recorder
	wait $recorder || { cat "$work/record.out"; exit 1; }
	kill -9 $writer
	wait $writer 2>/dev/null || true
	echo "records $(sum records) lost $(sum lost_) in $(find "$work" -name 't.[0-9]*.ivt' | wc -l) chunks"
	[ "$(sum lost_)" -gt $count ]
	[ $(($(sum records) + $(sum lost_))) = $((2 * count)) ]
}

die_before t.0001.ivt/.recorder-a.journal # the VM is in the chunk before
die_before t.0000.ivt/.recorder-a.state	  # and here in both
