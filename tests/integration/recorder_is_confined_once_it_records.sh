#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# Each thread of a recorder has a filter of system calls, no new privileges and few
# capabilities; the helper beside it still runs a command and the clocks' check.
# Another user's trace is that user's.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { echo "skip: needs root"; exit 77; }

# CAP_DAC_OVERRIDE, _DAC_READ_SEARCH, _SYS_PTRACE; _BPF where this kernel wants it
as_root='0000000000080006 0000008000080006'
as_user='0000000000080004 0000008000080004'

status_of() # FIELD: of all threads of the recorder
{
	sed -n "s/^$1:[[:blank:]]*//p" "/proc/$recorder/task/"*/status | sort -u
}

is_confined() # CAPABILITIES UID
{
	[ "$(find "/proc/$recorder/task" -mindepth 1 -maxdepth 1 | wc -l)" -ge 2 ] ||
		{ echo "no second thread"; exit 1; }
	[ "$(status_of Seccomp)" = 2 ] || { echo "Seccomp: $(status_of Seccomp)"; exit 1; }
	[ "$(status_of NoNewPrivs)" = 1 ] || { echo "NoNewPrivs: $(status_of NoNewPrivs)"; exit 1; }
	for field in CapPrm CapEff; do
		[[ " $1 " = *" $(status_of $field) "* ]] || { echo "$field: $(status_of $field)"; exit 1; }
	done
	[[ "$(status_of Uid)" =~ ^$2[[:blank:]] ]] || { echo "Uid: $(status_of Uid)"; exit 1; }
	echo "Uid $(status_of Uid | cut -f 1): Seccomp 2, NoNewPrivs 1, CapEff $(status_of CapEff)"
}

ends_well()
{
	kill -INT "$recorder"
	wait "$recorder" || { cat "$work/record.out"; exit 1; }
	cat "$work/record.out"
	! grep -qiE 'not permitted|denied|not checked|WARNING' "$work/record.out" || exit 1
	"$report" summary "$trace" >/dev/null
}

make_region 4M 2
record_in_background --host block_rq_issue
is_confined "$as_root" 0
ends_well

rm -rf "$trace"
chmod 711 "$work"
mkdir "$work/nobody's"
chown nobody "$work/nobody's"
trace="$work/nobody's/t.ivt"
record_in_background --host block_rq_issue --user nobody
is_confined "$as_user" "$(id -u nobody)"
ends_well
[ "$(find "$trace" ! -user nobody | wc -l)" = 0 ] || { find "$trace" ! -user nobody -ls; exit 1; }

trace=$work/free.ivt
record_in_background --host block_rq_issue --no-confine
[ "$(status_of Seccomp)" = 0 ]
[ "$(status_of NoNewPrivs)" = 0 ]
ends_well

# A command runs by the helper, unconfined and as who began.
trace=$work/c.ivt
"$host" record -o "$trace" --host none --vm "a=shm:$region" --tsc tcg -- \
	sh -c "grep -E '^(Seccomp|NoNewPrivs|CapEff):' /proc/self/status >$work/command"
grep -q '^Seccomp:[[:blank:]]*0$' "$work/command"
cat "$work/command"
