# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For the tests of what ftrace exports; sourced behind tests/vm/lib.sh.

export_build() # [MODULE]: the files of the guest; $offset: where the program's function is in it
{
	local at type place address bytes rest

	gcc -std=gnu11 -Wall -Wextra -O2 -static -no-pie -o "$work/probed" "$SRC/tests/vm/tools/probed.c"
	at=0x$(readelf -sW "$work/probed" | awk '$8 == "probed" { print $2 }')
	while read -r type place address rest; do
		read -r _ bytes rest <<<"$rest"
		[ "$type" = LOAD ] && [ $((at >= address && at < address + bytes)) = 1 ] &&
			offset=$(printf '0x%x' $((at - address + place)))
	done < <(readelf -lW "$work/probed" | grep LOAD)
	strip -g -o "$work/ivtrace.ko" "${1:-$O/module/ivtrace.ko}"
}

export_start() # NAME [lab/vm start's options]
{
	local name=$1

	shift
	vm_start "$name" --smp 2 --mem 256 --add "$work/probed:/bin/probed" \
		--add "$work/ivtrace.ko:/ivtrace.ko" \
		--add "$SRC/tests/vm/tools/ftrace-guest.sh:/ftrace-guest" \
		--add "$SRC/tests/vm/tools/ftrace-reuse.sh:/ftrace-reuse" "$@"
	lab/vm exec "$name" -- 'grep -q tracing /proc/mounts || mount -t tracefs none /sys/kernel/tracing'
}

export_record() # NAME TRACE GROUPS COMMAND
{
	"$BIN/ivtrace-host" record -o "$work/$2.ivt" --vm "$1=shm:$(vm_region "$1")" \
		--host sched_process_exec --guest "$3" -- lab/vm exec "$1" --timeout 120 -- "$4"
	"$BIN/ivtrace-report" events --vm "$1" --json "$work/$2.ivt" >"$work/$2.jsonl"
}

# What ftrace printed of it, record for record.
export_matches() # NAME
{
	export_record "$1" "$1-all" ftrace "sh /ftrace-guest $offset"
	lab/vm get "$1" /tmp/trace >"$work/$1.trace"
	lab/vm get "$1" /tmp/instance >"$work/$1.instance"
	"$SRC/tests/vm/check_ftrace_export.py" match "$work/$1-all.jsonl" "$work/$1.trace" \
		"$work/$1.instance"
}

# A number that goes from one event to another.
export_reuses() # NAME
{
	export_record "$1" "$1-reuse" ftrace 'sh /ftrace-reuse >/tmp/ids'
	lab/vm exec "$1" -- 'cat /tmp/ids' >"$work/$1.ids"
	"$SRC/tests/vm/check_ftrace_export.py" reuse "$work/$1-reuse.jsonl" "$work/$1.ids"
}
