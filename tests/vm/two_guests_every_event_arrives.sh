#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
#
# Two guests with two vCPUs each make known numbers of known events while both
# and the host are recorded.  Every one must arrive, in order, at the right
# machine, vCPU and task, at the right time: the slow disk's own log of what it
# served is the independent witness of time.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"

vm_setup
disk=$(lab/slowdisk-ctl start "$work/disk" --size 64M --seek-us 500)
vm_start a --smp 2 --disk "$disk,offset=0,size=32M"
vm_start b --smp 2 --disk "$disk,offset=32M,size=32M"

cat >"$work/load" <<'END'
#!/bin/bash
# Runs while recording: markers on each vCPU of each guest, then disk writes.
set -euo pipefail
guest() # NAME FIRST COUNT
{
	lab/vm exec "$1" -- "
		marker --name needle-$1-0 --cpu 0 --first $2 --count $3 &
		marker --name needle-$1-1 --cpu 1 --first $(($2 + 1000000)) --count $3 &
		wait" >"$work/marker.$1"
	lab/vm exec "$1" -- 'echo hello from the guest >/dev/ivtrace'
	lab/vm exec "$1" -- iowriter /dev/vda --count 25 --bytes 8192 --interval-us 2000 \
		--name "disk-$1" >"$work/iowriter.$1"
}
guest a 1 4000 &
first=$!
guest b 500001 3000
wait $first
END
chmod +x "$work/load"
export work
"$BIN/ivtrace-host" record -o "$work/t.ivt" --vm "a=shm:$(vm_region a)" \
	--vm "b=shm:$(vm_region b)" -- "$work/load"

lab/vm check-log a
lab/vm check-log b
"$BIN/ivtrace-report" summary "$work/t.ivt"
"$BIN/ivtrace-report" sync "$work/t.ivt"
"$BIN/ivtrace-report" events --json "$work/t.ivt" >"$work/events.jsonl"
"$BIN/ivtrace-report" summary --json "$work/t.ivt" >"$work/summary.json"
"$BIN/ivtrace-report" sync --json "$work/t.ivt" >"$work/sync.json"
python3 "$SRC/tests/vm/check_two_guests.py" "$work"
"$SRC/tests/integration/babeltrace_agrees.sh" "$work/t.ivt"
