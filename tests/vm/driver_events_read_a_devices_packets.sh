#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
# Packets as a real network driver hands them up: virtio_net leaves all but the
# link layer's header of larger ones in pages, and joins segments of a stream.
# The server is outside, behind QEMU's own network.
set -euo pipefail
. "$SRC/tests/vm/lib.sh"

/usr/bin/python3 -c 'import bt2' 2>/dev/null || { echo "skip: no python3-bt2"; exit 77; }
vm_setup
gcc -std=gnu11 -Wall -Wextra -O2 -D_GNU_SOURCE -static -pthread -o "$work/event-load" \
	"$SRC/tests/vm/tools/event-load.c"

# The lab's image has no network driver: from its kernel, with what that needs.
mapfile -t modules < <(bash -c '. lab/lib.sh; . lab/image.sh; release=$(newest_headers)
	modprobe -d "$(kernel_tree "$release")" -S "$release" --show-depends virtio_net' |
	sed -n 's/^insmod //p' | grep -v 'virtio\(_ring\|_pci.*\)\?\.ko')
adds=()
load=
for module in "${modules[@]}"; do
	module=${module%% *}
	adds+=(--add "$module:/${module##*/}")
	load+="insmod /${module##*/}; "
done

cat >"$work/server" <<'END'
import socket, sys, threading

udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
tcp = socket.socket()
for s in (udp, tcp):
    s.bind(("127.0.0.1", 0))
    s.settimeout(200)
tcp.listen(1)
print(udp.getsockname()[1], tcp.getsockname()[1], flush=True)


def stream():
    peer, _ = tcp.accept()
    peer.sendall(bytes(300000))
    peer.close()


threading.Thread(target=stream, daemon=True).start()
while True:
    text, peer = udp.recvfrom(100)
    udp.sendto(bytes(int(text)), peer)
END
mkfifo "$work/ports"
python3 "$work/server" >"$work/ports" &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true; vm_teardown' EXIT
read -r udp tcp <"$work/ports"

vm_start a --smp 2 --add "$work/event-load:/bin/event-load" "${adds[@]}" \
	--qemu-args "-netdev user,id=n0 -device virtio-net-pci,netdev=n0,romfile="
lab/vm exec a -- "$load ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up"
"$BIN/ivtrace-host" record -o "$work/t.ivt" --vm "a=shm:$(vm_region a)" --host none \
	--guest net -- lab/vm exec a -- "event-load 10.0.2.2 $udp $tcp" >"$work/load"
grep -q '^stream .* 300000$' "$work/load" || { cat "$work/load"; exit 1; }
"$SRC/tests/integration/bt_dump.py" "$work/t.ivt" >"$work/bt.jsonl" 2>/dev/null
"$SRC/tests/vm/check_driver_events.py" truth "$SRC" "$work"
lab/vm check-log a
