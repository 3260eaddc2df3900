#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What eBPF records of a program's page faults, timers and connections, against
# what the program itself says; the guests' driver fills these fields by the
# same text (driver_events_match_ftrace).
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "skip: needs root"; exit 77; }
[ -e /sys/kernel/btf/vmlinux ] || { echo "skip: no /sys/kernel/btf/vmlinux"; exit 77; }
/usr/bin/python3 -c 'import bt2' 2>/dev/null || { echo "skip: no python3-bt2"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gcc -std=gnu11 -Wall -Wextra -O2 -D_GNU_SOURCE -static -pthread -o "$work/event-load" \
	"$SRC/tests/vm/tools/event-load.c"

cat >"$work/run" <<'END'
#!/bin/sh
exec "${0%/*}/event-load" >"${0%/*}/load"
END
chmod +x "$work/run"
"$BIN/ivtrace-host" record -o "$work/t.ivt" --host net,timer,fault -- "$work/run"
"$SRC/tests/integration/bt_dump.py" "$work/t.ivt" >"$work/bt.jsonl" 2>/dev/null
"$SRC/tests/vm/check_driver_events.py" truth "$SRC" "$work"
"$SRC/tests/integration/babeltrace_agrees.sh" "$work/t.ivt"
