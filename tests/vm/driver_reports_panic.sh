#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# The dying guest says that it is dead, and how far it had reserved.
# shellcheck source-path=SCRIPTDIR source=tools/driver.sh
. "$SRC/tests/vm/tools/driver.sh"

driver_region panic 16 2
driver_boot driver-panic --smp 2 --region "$region"
driver_load
record
load_on 'count-calls 1000'
sleep 1
guest 'echo c >/proc/sysrq-trigger' >/dev/null 2>&1
wait_state DEAD
record_end
at_least "records" "$(count total)" 1000
"$poke" state "$region" | tee "$out.state"
while read -r _ _ _ head _ _ _ resv _; do
	if [ "$resv" -lt "$head" ] || [ $((resv - head)) -ge 65536 ]; then
		fail "resv $resv, head $head"
	fi
done < <(grep ^channel "$out.state")
