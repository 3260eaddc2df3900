# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For the tests of the guest's driver: builds it and the small programs, makes
# an image of their own, boots guests, ends them.  Sourced first; then
# driver_start NAME [lab/vm options], which sets $vm and $region.
set -uo pipefail
cd "$SRC" || exit 1
command -v qemu-system-x86_64 >/dev/null || { echo 'skip: no qemu-system-x86_64'; exit 77; }

slow=${IVT_LAB_SLOW:-1} # as in lab/vm
tools=$O/tests/vm/tools
poke=$tools/ring-poke
export IVT_LAB_IMAGE=$O/tests/vm/driver-image
mkdir -p "$tools" "$IVT_LAB_IMAGE"
vms=() regions=() recorder=

fail()
{
	echo "FAIL: $*"
	for vm in "${vms[@]}"; do
		echo "--- console of $vm"
		lab/vm console "$vm" | tail -n 30
	done
	exit 1
}

driver_end()
{
	local vm

	[ -z "$recorder" ] || kill -KILL "$recorder" 2>/dev/null
	for vm in "${vms[@]}"; do
		lab/vm kill "$vm"
	done
	rm -f "${regions[@]}"
}
trap driver_end EXIT

driver_build()
{
	(
		flock 9
		make --no-print-directory O="$O" module >"$O/tests/vm/module.log" 2>&1 || exit 1
		gcc -std=gnu11 -Wall -Wextra -O2 -D_GNU_SOURCE -Iivring/include \
			-o "$poke.$$" tests/vm/tools/ring-poke.c && mv "$poke.$$" "$poke" || exit 1
		for tool in count-calls call-cost; do
			[ "$tools/$tool" -nt "tests/vm/tools/$tool.c" ] ||
				gcc -std=gnu11 -Wall -Wextra -O2 -D_GNU_SOURCE -static \
					-o "$tools/$tool" "tests/vm/tools/$tool.c" || exit 1
		done
		strip -g -o "$tools/ivtrace.ko.new" "$O/module/ivtrace.ko" || exit 1
		cmp -s "$tools/ivtrace.ko.new" "$tools/ivtrace.ko" ||
			mv "$tools/ivtrace.ko.new" "$tools/ivtrace.ko" || exit 1
		lab/build-image --add "$tools/count-calls:/bin/count-calls" \
			--add "$tools/call-cost:/bin/call-cost" \
			--add "$tools/ivtrace.ko:/ivtrace.ko" "$IVT_LAB_IMAGE" || exit 1
	) 9>"$O/tests/vm/driver.lock" || fail "cannot build driver, tools or image"
}

# driver_region NAME MIB CHANNELS [SUBBUF_SHIFT]: a formatted region in $region
driver_region()
{
	region=$O/tests/vm/$1.region
	regions+=("$region")
	rm -f "$region"
	"$poke" format "$region" "${@:2}" || fail "cannot format"
}

# driver_boot NAME OPTIONS...: a guest; the module is not loaded yet
driver_boot()
{
	vm=$1
	vms+=("$vm")
	lab/vm start "$@" || fail "guest does not boot"
}

# driver_load [OPTIONS]: load the module, until it writes
driver_load()
{
	guest "insmod /ivtrace.ko $*" || fail "insmod"
	wait_state READY
}

guest()
{
	lab/vm exec "$vm" --timeout 60 -- "$@"
}

# load_on CMD: run it over and over in the guest's background
load_on()
{
	guest "(while :; do $*; done) >/dev/null 2>&1 & echo \$! >>/tmp/load"
}

load_off()
{
	guest 'kill -9 $(cat /tmp/load); rm /tmp/load; sleep 0.5'
}

# wait_state STATE [SECONDS]
wait_state()
{
	local tries

	for ((tries = 0; tries < ${2:-20} * 10 * slow; tries++)); do
		[ "$("$poke" state "$region" | sed -n 's/^state \([A-Z]*\).*/\1/p')" = "$1" ] && return
		sleep 0.1
	done
	fail "the guest's state is not $1: $("$poke" state "$region" | head -n 1)"
}

# wait_log TEXT [SECONDS]
wait_log()
{
	local tries

	for ((tries = 0; tries < ${2:-20} * 10 * slow; tries++)); do
		lab/vm console "$vm" | grep -qF "$1" && return
		sleep 0.1
	done
	fail "the kernel's log lacks '$1'"
}

# record OPTIONS: ring-poke in the background, its output in $out; returns when
# the guest has applied what it asks for
record()
{
	local tries

	out=$O/tests/vm/$vm.out
	: >"$out"
	"$poke" run "$region" "$@" >"$out" 2>&1 &
	recorder=$!
	for ((tries = 0; tries < 300 * slow; tries++)); do
		grep -q '^# ready' "$out" && return
		sleep 0.1
	done
	kill -KILL "$recorder"
	fail "the guest does not begin: $(head -n 5 "$out")"
}

# record_end: end it; fails if a record broke a rule
record_end()
{
	kill -INT "$recorder"
	wait "$recorder" || fail "bad records: $(head -n 5 "$out")"
	recorder=
	grep -q '^violations 0$' "$out" || fail "violations: $(cat "$out")"
}

# count NAME: how often ring-poke counted this
count()
{
	local n

	n=$(sed -n "s/^$1 \([0-9]*\)\$/\1/p" "$out")
	echo "${n:-0}"
}

# lost: records dropped, all causes
lost()
{
	awk '/^lost/ { print $3 + $5 + $7 }' "$out"
}

lost_nested()
{
	awk '/^lost/ { print $5 }' "$out"
}

# An interrupt that falls between the two halves of a sub-buffer's switch has no
# room to go to: its records are dropped and counted, by design.  Nothing else is.
lost_nothing_else()
{
	equal "lost for want of room" $(($(lost) - $(lost_nested))) 0
	at_most "lost inside switches" "$(lost_nested)" 20
}

# equal WHAT GOT WANTED
equal()
{
	[ "$2" = "$3" ] || fail "$1: $2, not $3"
	echo "ok: $1: $2"
}

# at_least WHAT GOT WANTED
at_least()
{
	[ "$2" -ge "$3" ] || fail "$1: $2, wanted at least $3"
	echo "ok: $1: $2"
}

# at_most WHAT GOT WANTED
at_most()
{
	[ "$2" -le "$3" ] || fail "$1: $2, wanted at most $3"
	echo "ok: $1: $2"
}

log_is_clean()
{
	lab/vm check-log "$vm" || fail "the kernel complained"
	echo "ok: nothing in the kernel's log"
}

driver_build
