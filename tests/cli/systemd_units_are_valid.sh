#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
# The units as installed: systemd finds no fault in them and rates them no worse
# than it did; what they start are options that ivtrace-host has.
set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
command -v systemd-analyze >/dev/null || { echo "skip: no systemd-analyze"; exit 77; }

units=$tmp/units
mkdir -p "$units"
for unit in "$SRC"/packaging/systemd/*.{service,socket}; do
	sed "s|@BINDIR@|$BIN|" "$unit" >"$units/${unit##*/}"
done

# ivtrace-host@.service: as VM a's
cp "$units/ivtrace-host@.service" "$units/ivtrace-host@a.service"
cp "$units/ivtrace-host@.socket" "$units/ivtrace-host@a.socket"
for unit in ivtrace-host.service ivtrace-host@a.service ivtrace-host@a.socket; do
	SYSTEMD_UNIT_PATH=$units: timeout 60 systemd-analyze verify --man=no "$units/$unit" \
		>"$tmp/err" 2>&1 || fail "$unit"
	! grep -F "$units" "$tmp/err" || fail "$unit: is complained about"
done

for unit in ivtrace-host.service ivtrace-host@a.service; do
	SYSTEMD_UNIT_PATH=$units: timeout 60 systemd-analyze security --offline=true --no-pager \
		--threshold=40 "$units/$unit" >"$tmp/err" 2>&1 || fail "$unit: rated worse than 4.0"
	tail -n 1 "$tmp/err"
done

"$BIN/ivtrace-host" record --help >"$tmp/help"
for option in $(sed -n 's/^ExecStart=.* record //p' "$units"/*.service | grep -oE -- '--[a-z-]+' | sort -u); do
	grep -qE -- "^ .*$option\>" "$tmp/help" || fail "ivtrace-host record has no $option"
done
exit "$failed"
