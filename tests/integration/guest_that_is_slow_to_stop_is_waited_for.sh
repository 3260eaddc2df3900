#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 60
# A guest that gets little CPU time goes on writing for a while after the recording's end,
# or that of its VM's, was decided: that is still recorded.
. "$(dirname "$0")/lib.sh"

begin() # sets $writer
{
	rm -rf "$trace" "$region"
	make_region 16M 2
	record_in_background
	"$guest" "$region" --cpus 1 --count 1000 --stop-ms 300 >"$work/guest" &
	writer=$!
	sleep 2 # some looks at whether it is at work
}

end()
{
	kill -INT "$recorder"
	wait "$recorder"
	wait $writer
	cat "$work/record.out" "$work/guest"
	attempted=$(sed -n 's/.*"attempted":\([0-9]*\).*/\1/p' "$work/guest")
	[ "$attempted" -gt 1000 ]
	has_counts "$attempted" 0 0 || { echo "the trace has: $(counts)"; exit 1; }
}

is_removed()
{
	"$host" status --json --pid "$recorder" | grep -q '"removed"'
}

begin
end

echo '== likewise where the VM is removed'
begin
"$host" remove --vm a --pid "$recorder"
wait_for 10 is_removed
end
