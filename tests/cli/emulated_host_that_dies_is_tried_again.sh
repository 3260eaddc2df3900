#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab/run on a host that dies, stands still, loses a guest: another try, 3 in all; what
# the scenario itself finds wrong is a failure at once.  The host is pretended.
set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$tmp/lab/scenarios" "$tmp/build/lab/image"
cp "$SRC/lab/run" "$SRC/lab/lib.sh" "$tmp/lab"
touch "$tmp/build/lab/image/inputs"
printf '%s\n' '#!/bin/sh' '# what: nothing' >"$tmp/lab/scenarios/kvm-nothing"
printf '%s\n' '#!/bin/sh' 'echo tcg' >"$tmp/lab/vm"
printf '%s\n' '#!/bin/sh' >"$tmp/lab/build-host"
# Its Nth try does what the Nth word of $TRIES says.
cat >"$tmp/lab/host" <<'END'
#!/bin/bash
echo "$1" >>"$STATE/calls"
n=$(grep -c '^start' "$STATE/calls")
read -ra tries <<<"$TRIES"
try=${tries[n - 1]}
case $1 in
start)
	[ "$try" != unbootable ] || exit 1
	case $try in
	silent) bash -c 'while :; do :; done' >/dev/null 2>&1 & ;;
	*) sleep 600 >/dev/null 2>&1 & ;;
	esac
	echo $! >"$STATE/pid"
	;;
pid) cat "$STATE/pid" ;;
kill | stop) kill "$(cat "$STATE/pid")" 2>/dev/null ;;
qmp) echo RIP=1 ;;
exec)
	mkdir "$OUT/guests"
	case $try in
	dies) exit 125 ;;
	silent)
		echo >"$OUT/alive"
		while kill -0 "$(cat "$STATE/pid")" 2>/dev/null; do sleep 0.05; done
		exit 125
		;;
	guest-gone | guest-oops)
		echo "'true' in guest 'a': status 125" >"$OUT/failures"
		[ "$try" = guest-gone ] || echo Oops >"$OUT/guests/a.complaints"
		exit 1
		;;
	wrong)
		echo "records are lost" >"$OUT/failures"
		exit 1
		;;
	esac
	;;
esac
exit 0
END
chmod +x "$tmp/lab/"* "$tmp/lab/scenarios/kvm-nothing"
export STATE=$tmp OUT=$tmp/result IVT_LAB_SILENT_MS=300 IVT_LAB_SLOWER=1
unset GUEST_CMD TSC RECORD

tries() # STATUS N TRY...: lab/run ends with STATUS after N tries
{
	local status=$1 n=$2

	shift 2
	rm -rf "$OUT" "$tmp/calls"
	says "$status" '' env O="$tmp/build" TRIES="$*" "$tmp/lab/run" kvm-nothing "$OUT"
	grep -q "\"tries\": $n," "$OUT/result.json" || fail "not $n tries: $*"
}

tries 0 1 passes
tries 0 2 dies passes
tries 0 3 unbootable guest-gone passes
tries 1 3 dies dies dies passes
tries 1 1 wrong passes
tries 1 1 guest-oops passes
tries 0 2 silent passes
grep -q RIP=1 "$OUT/host.hung.1" || fail "no registers of the host that stood still"
grep -q 'stood still' "$OUT/died.1" || fail "no reason why it was tried again"
exit $failed
