#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# With a filter only the events of its processes and names arrive, those of the
# scheduler that concern them included; another filter counts as soon as it is
# taken; nonsense in its place does no harm.
# shellcheck source-path=SCRIPTDIR source=tools/driver.sh
. "$SRC/tests/vm/tools/driver.sh"

wish=$tools/ring-wish
gcc -std=gnu11 -Wall -Wextra -O2 -D_GNU_SOURCE -Iivring/include -o "$wish" \
	tests/vm/tools/ring-wish.c "$O/lib/libivring.a" || fail "cannot build ring-wish"
events=syscall_entry_getpriority,sched_switch,sched_waking,sched_process_fork,ivtrace_mark

# alpha and beta, held until /tmp/go is opened; sets $alpha and $beta to their pids
hold()
{
	# shellcheck disable=SC2016 # the guest's shell expands it
	read -r alpha beta < <(guest 'rm -f /tmp/go*; mkfifo /tmp/go1 /tmp/go2
		(read x </tmp/go1; exec /tmp/alpha 500) >/dev/null 2>&1 & echo $!
		(read x </tmp/go2; exec /tmp/beta 700) >/dev/null 2>&1 & echo $!' | xargs)
}

# Both run to their end, one after the other: on one CPU they would meet.
let_go()
{
	guest "echo >/tmp/go1; while [ -e /proc/$alpha ]; do sleep 0.1; done
		echo >/tmp/go2; while [ -e /proc/$beta ]; do sleep 0.1; done"
}

# wait_guest FILE TEXT: until the driver has taken it
wait_guest()
{
	local tries

	for ((tries = 0; tries < 100 * slow; tries++)); do
		[ "$(guest "cat /sys/class/misc/ivtrace/$1" | xargs)" = "$2" ] && return
		sleep 0.1
	done
	fail "$1 is not '$2': $(guest "cat /sys/class/misc/ivtrace/$1" | xargs)"
}

calls_of() # PID: its recorded calls
{
	awk -v tid="$1" '$1 == "#" && $6 == tid && $9 ~ /^syscall_entry_getpriority:/ { n++ }
		END { print n + 0 }' "$out"
}

others() # PID...: switches and wake-ups in which neither they nor alpha and beta have a part
{
	awk -v pids=" $* " '$1 == "#" && $9 ~ /^sched_(switch|waking):/ && !/alpha|beta/ &&
		!index(pids, " " $6 " ") { n++ } END { print n + 0 }' "$out"
}

driver_region filters 16 2
driver_boot driver-filters --smp 2 --region "$region"
guest 'cp /bin/count-calls /tmp/alpha; cp /bin/count-calls /tmp/beta'
driver_load

hold
record -e $events -p 1000000
let_go
record_end
equal "calls without a filter" "$(calls_of "$alpha") $(calls_of "$beta")" "500 700"

"$wish" "$region" filter comm alpha || fail "no filter"
record -e $events -p 1000000
equal "filter as the owner sees it" "$(guest 'cat /sys/class/misc/ivtrace/filter_comms')" alpha
hold
let_go
before=$alpha
guest 'echo passes >/dev/ivtrace'
equal "calls by name, before the change" "$(calls_of "$alpha") $(calls_of "$beta")" "500 0"
"$wish" "$region" filter comm no-one comm beta
wait_guest filter_comms 'no-one beta'
hold
first_alpha=$alpha
let_go
record_end
equal "marks pass" "$(count ivtrace_mark)" 1
equal "after it" "$(calls_of "$first_alpha") $(calls_of "$beta")" "0 700"
equal "switches and wake-ups of others" "$(others "$before" "$first_alpha" "$alpha" "$beta")" 0
at_least "of alpha and beta" "$(count sched_switch)" 2

hold
"$wish" "$region" filter pid 4000000 pid "$beta" pid 3 pid 9 pid 5 pid 7 || fail "no filter"
record -e $events -p 1000000
wait_guest filter_pids "3,5,7,9,$beta,4000000"
let_go
record_end
equal "calls by process" "$(calls_of "$alpha") $(calls_of "$beta")" "0 700"

"$wish" "$region" filter comm alpha
record -e $events -p 1000000
"$wish" "$region" hostile odd
hold
let_go
equal "beside an unfinished filter" "$(calls_of "$alpha") $(calls_of "$beta")" "500 0"
"$wish" "$region" hostile counts
wait_guest filter_comms 'nobody beta'
"$wish" "$region" hostile names
wait_guest filter_pids ''
load_on 'count-calls 2000; ls -R /sys'
"$wish" "$region" hostile storm 3
load_off
"$wish" "$region" filter comm beta
wait_guest filter_comms beta
hold
let_go
record_end
equal "after all of that" "$(calls_of "$alpha") $(calls_of "$beta")" "0 700"

"$wish" "$region" filter
record -e $events -p 1000000
hold
let_go
record_end
equal "calls with the filter taken away" "$(calls_of "$alpha") $(calls_of "$beta")" "500 700"
guest 'rmmod ivtrace' || fail rmmod
log_is_clean
