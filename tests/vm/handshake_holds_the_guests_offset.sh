#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 500
#
# The handshake knows nothing of QEMU, the other source reads QEMU's memory: at
# each instant the offset must lie in what the handshake allows, also after a
# stop.  Alone it places the records within the bound that it states.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$SRC/tests/vm/lib.sh"

record() # TRACE OPTIONS...
{
	"$BIN/ivtrace-host" record -o "$work/$1" --vm "a=shm:$(vm_region a)" \
		--vm "b=shm:$(vm_region b)" --host none "${@:2}"
	"$BIN/ivtrace-report" sync "$work/$1"
}

vm_setup
vm_start a
vm_start b --smp 2

# recorded while it runs: some laps, and until each vCPU has answered
cat >"$work/laps" <<'END'
#!/bin/bash
set -e
sleep 4
python3 "$SRC/tests/vm/check_handshakes.py" --wait "$1"
END
cat >"$work/pause" <<'END'
#!/bin/bash
set -e
sleep 4
lab/vm qmp a '{"execute":"stop"}' >/dev/null
sleep 2
lab/vm qmp a '{"execute":"cont"}' >/dev/null
python3 "$SRC/tests/vm/check_handshakes.py" --wait "$1" stopped
END
chmod +x "$work/laps" "$work/pause"
record both.ivt -- "$work/laps" "$work/both.ivt"
record alone.ivt --tsc handshake -- "$work/laps" "$work/alone.ivt"
record stop.ivt -- "$work/pause" "$work/stop.ivt"
lab/vm check-log a
lab/vm check-log b
python3 "$SRC/tests/vm/check_handshakes.py" "$work/both.ivt" "$work/alone.ivt" "$work/stop.ivt"
