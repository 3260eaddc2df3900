#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# The reader's area is full of lies while the guest works: the guest goes on,
# and records exactly as soon as there is a sane reader.
# shellcheck source-path=SCRIPTDIR source=tools/driver.sh
. "$SRC/tests/vm/tools/driver.sh"

driver_region hostile 8 2
driver_boot driver-hostile --smp 2 --region "$region"
driver_load
load_on 'count-calls 5000; ls -R /sys'
"$poke" scribble "$region" 10
load_off
guest 'rmmod ivtrace' || fail "the guest does not answer"
wait_state DOWN
driver_load
record -c 140
guest 'count-calls 5000' >/dev/null
record_end
equal "calls with a sane reader" "$(count syscall_entry_getpriority)" 5000
lost_nothing_else
log_is_clean
