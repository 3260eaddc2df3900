#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 400
# The module goes and comes while everything is traced and the CPUs are busy.
# shellcheck source-path=SCRIPTDIR source=tools/driver.sh
. "$SRC/tests/vm/tools/driver.sh"

driver_region unload 16 2
driver_boot driver-unload --smp 2 --region "$region"
driver_load
for cpu in 0 1; do
	load_on "count-calls 20000 $cpu; ls -R /sys"
done
load_on 'echo mark >/dev/ivtrace'
record
for round in 1 2 3 4 5; do
	epoch=$("$poke" state "$region" | grep -o 'epoch [0-9a-f]*')
	sleep 0.7
	# A shell that has /dev/ivtrace open just now holds the module: try again.
	# shellcheck disable=SC2016 # the guest's shell expands it
	guest 'n=0; until rmmod ivtrace 2>/dev/null; do n=$((n + 1)); [ $n -lt 200 ] || exit 1; done' ||
		fail "rmmod in round $round"
	wait_state DOWN
	driver_load
	[ "$("$poke" state "$region" | grep -o 'epoch [0-9a-f]*')" != "$epoch" ] ||
		fail "the epoch is the same after a reload"
	echo "ok: round $round"
done
record_end
at_least "epochs seen by the reader" "$(grep -c '^# epoch' "$out")" 6
at_least "records" "$(count total)" 10000
load_off
guest 'rmmod ivtrace' || fail "rmmod at the end"
log_is_clean
