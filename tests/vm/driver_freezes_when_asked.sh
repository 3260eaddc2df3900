#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
# While the reader has the guest frozen nothing is written and nothing counted as
# lost; afterwards all goes on. Also with a recording that begins or ends frozen,
# CPUs that come and go, and the driver unloaded meanwhile.
# shellcheck source-path=SCRIPTDIR source=tools/driver.sh
. "$SRC/tests/vm/tools/driver.sh"

wish=$tools/ring-wish
gcc -std=gnu11 -Wall -Wextra -O2 -D_GNU_SOURCE -Iivring/include -o "$wish" \
	tests/vm/tools/ring-wish.c "$O/lib/libivring.a" || fail "cannot build ring-wish"

heads() # positions, losses and events of all channels; the reader's tail is not the guest's
{
	"$poke" state "$region" | sed -n 's/ tail [0-9]*//; /^channel/p'
}

status() # FILE...
{
	guest "cd /sys/class/misc/ivtrace && cat $*" | xargs
}

driver_region freeze 16 2
driver_boot driver-freeze --smp 2 --region "$region"
driver_load
record -c 140
guest 'count-calls 1000' >/dev/null

"$wish" "$region" freeze 1
wait_state FROZEN
frozen=$(heads)
written=$(status records)
at_least "records so far, as the frozen driver says" "$written" 2000
guest 'count-calls 5000; echo unheard >/dev/ivtrace; echo 0 >/sys/devices/system/cpu/cpu1/online
	echo 1 >/sys/devices/system/cpu/cpu1/online; sleep 1.5' >/dev/null
equal "rings after calls, a mark, a CPU that went and came" "$(heads)" "$frozen"
equal "state, records, lost" "$(status state records lost_full lost_nested)" "frozen $written 0 0"

"$wish" "$region" freeze 0
wait_state READY
guest 'count-calls 1000; echo heard >/dev/ivtrace' >/dev/null
"$wish" "$region" freeze 1
wait_state FROZEN
record_end
equal "calls but those of the freeze" "$(count syscall_entry_getpriority)" 2000
equal "marks" "$(count ivtrace_mark)" 1
lost_nothing_else
wait_state READY # nobody is there who wants it frozen

# A recording that begins frozen: its state dump comes when it is over.
: >"$O/tests/vm/$vm.out"
"$poke" run "$region" -c 140 -z >"$O/tests/vm/$vm.out" 2>&1 &
recorder=$!
wait_state FROZEN
"$wish" "$region" freeze 0
wait_state READY
for ((tries = 0; tries < 100 * slow; tries++)); do
	grep -q '^# ready' "$out" && break
	sleep 0.1
done
grep -q '^# ready' "$out" || fail "no state dump after the freeze"
guest 'count-calls 300' >/dev/null
record_end
equal "calls after a frozen beginning" "$(count syscall_entry_getpriority)" 300

record -c 140
load_on 'count-calls 5000; ls -R /sys'
for _ in 1 2 3 4 5; do
	"$wish" "$region" freeze 1
	wait_state FROZEN
	frozen=$(heads)
	sleep 0.2
	equal "frozen under load" "$(heads)" "$frozen"
	"$wish" "$region" freeze 0
	wait_state READY
done
load_off
"$wish" "$region" freeze 1
wait_state FROZEN
guest 'rmmod ivtrace' || fail "cannot unload while frozen"
wait_state DOWN
record_end
log_is_clean
