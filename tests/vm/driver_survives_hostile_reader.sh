#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# The whole region is full of lies while the guest works, at random: the guest goes
# on, and records exactly as soon as there is a sane reader.  SEED=N repeats a run.
# shellcheck source-path=SCRIPTDIR source=tools/driver.sh
. "$SRC/tests/vm/tools/driver.sh"

seconds=$((20 * slow))
[ -z "${LONG:-}" ] || seconds=600
driver_region hostile 8 2
driver_boot driver-hostile --smp 2 --region "$region"
driver_load
load_on 'count-calls 5000; ls -R /sys; echo mark >/dev/ivtrace'
# A guest that gets little of the machine's time notices less of it: lie for longer then.
for ((tries = 0; tries < 5; tries++)); do
	"$poke" scribble "$region" "$seconds" "${SEED:-$RANDOM$RANDOM}" || fail "scribble"
	anew=$(lab/vm console "$vm" | grep -c 'formatted anew')
	[ "$anew" -lt 2 ] || break
done
load_off
at_least "times that the driver had to begin anew" "$anew" 2
guest 'rmmod ivtrace' || fail "the guest does not answer"
wait_state DOWN
driver_load
record -c 140
guest 'count-calls 5000' >/dev/null
record_end
equal "calls with a sane reader" "$(count syscall_entry_getpriority)" 5000
lost_nothing_else
log_is_clean
