#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# The guest sleeps, to memory (S3) and idle (s2idle), while it is recorded under
# load: all is published before, the same epoch goes on after, no call is missing.
# shellcheck source-path=SCRIPTDIR source=tools/driver.sh
. "$SRC/tests/vm/tools/driver.sh"

epoch()
{
	"$poke" state "$region" | grep -o 'epoch [0-9a-f]*'
}

heads()
{
	"$poke" state "$region" | grep -o 'head [0-9]*' | tr '\n' ' '
}

# wait_until WHAT COMMAND...
wait_until()
{
	local tries what=$1

	shift
	for ((tries = 0; tries < 200; tries++)); do
		"$@" && return
		sleep 0.1
	done
	fail "in vain waited until $what"
}

is_suspended()
{
	lab/vm qmp "$vm" '{"execute": "query-status"}' | grep -q suspended
}

is_written()
{
	[ "$(heads)" != "$before" ]
}

events() # published, all channels
{
	"$poke" state "$region" | awk '/^channel/ { n += $NF } END { print n }'
}

# A byte for the control port then wakes an idle guest; but after S3 a port that
# may do that is not set up again.
wakes_by_serial_port() # enabled|disabled
{
	guest "echo $1 >/sys/class/tty/ttyS1/power/wakeup"
}

# falls_asleep HOW [FIRST]: after the command FIRST; what user space was interrupted in it goes on with after
falls_asleep()
{
	guest "(${2:-sleep 0.2}; echo $1 >/sys/power/state) >/dev/null 2>&1 &"
	wait_state FROZEN 60
	[ "$1" != mem ] || wait_until "the machine is suspended" is_suspended
	before=$(heads)
}

goes_on() # HOW
{
	guest true || fail "the guest does not answer after $1"
	wait_state READY
	equal "epoch after $1" "$(epoch)" "$first"
	before=$(heads)
	wait_until "something is recorded after $1" is_written
}

driver_region sleep 32 2
driver_boot driver-sleep --smp 2 --region "$region"
# Only a sleep publishes these soon enough.
driver_load flush_ms=1000 poll_ms=500
first=$(epoch)
record -e syscall_entry_getpriority -c 140
published=$(events)
wakes_by_serial_port enabled
falls_asleep freeze 'count-calls 77'
equal "records published before sleep" $(($(events) - published)) 77
guest true || fail "the guest does not answer after sleep"

guest '(n=0; while [ ! -e /tmp/stop ]; do count-calls 1000 0 && n=$((n + 1000)); done; echo $n >/tmp/calls) \
	>/dev/null 2>&1 &'

wakes_by_serial_port disabled
falls_asleep mem
lab/vm qmp "$vm" '{"execute": "system_wakeup"}' >/dev/null || fail "system_wakeup"
goes_on mem

wakes_by_serial_port enabled
falls_asleep freeze
sleep 0.5
equal "positions of the idle guest" "$(heads)" "$before"
goes_on freeze

calls=$(guest 'touch /tmp/stop; until [ -s /tmp/calls ]; do sleep 0.1; done; cat /tmp/calls')
guest 'rmmod ivtrace' || fail "rmmod"
wait_state DOWN
record_end
equal "calls" "$(count syscall_entry_getpriority)" $((calls + 77))
equal "gaps" "$(count gaps)" 0
lost_nothing_else
log_is_clean
